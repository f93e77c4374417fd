"""The one-time export of a transformer to ONNX, and the file it is kept in.

The graph ends at one hidden state a token: with the pooling inside, a text's embedding depends on its batch (FACTS).
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from protomem.encoders.graph_file import intact_sha256, keep
from protomem.encoders.layers import VERSION as LAYERS
from protomem.encoders.layers import hidden_states
from protomem.encoders.onnx_check import check_hidden_states, check_tokens
from protomem.encoders.onnx_layout import OTHERWISE, ModelLayout
from protomem.encoders.torch_loading import faiss_before_torch, quiet_loading
from protomem.encoders.weights import file_sha256, unknown_model
from protomem.errors import InvalidInput, MissingExtra

__all__ = ["exported_graph"]

VERSION: Final = "protomem onnx export 1"
OPSET: Final = 17
KEY_DIGITS: Final = 16
LARGEST: Final = 2**31 - 2**20
"""An ONNX file is one protocol buffer, which ends at 2 GiB; the graph itself needs less than the 1 MiB kept free."""


def exported_graph(name: str, layout: ModelLayout, cache: Path, layers: bool) -> tuple[Path, str]:
    """The ONNX file of a model and its SHA-256, exported on first use under `cache`/KEY/model.onnx.

    Its output is the last layer, or with `layers` all of them in one. KEY names the weights, the configuration and
    which of the two. A file that does not match the hash beside it is exported again: the
    same torch writes the same bytes, and another graph has another fingerprint, so no answer can change silently.
    """
    path = cache / _key(layout, layers) / "model.onnx"
    recorded = intact_sha256(path)
    return path, recorded if recorded is not None else keep(path, _export(name, layout, layers))


def _key(layout: ModelLayout, layers: bool) -> str:
    files = [layout.config_file, *layout.weight_files]
    parts = [VERSION, *([LAYERS] if layers else []), *(f"{file.name} {file_sha256(file)}" for file in files)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:KEY_DIGITS]


def _export(name: str, layout: ModelLayout, layers: bool) -> bytes:
    model = hidden_states(_load(name, layout), layers)
    size = sum(values.numel() * values.element_size() for values in model.state_dict().values())
    if size > LARGEST:
        raise InvalidInput(f"the model {name!r} is too large for one ONNX file ({size:,} bytes): {OTHERWISE}")
    graph = _traced(name, model)
    check_hidden_states(name, model, graph)
    check_tokens(name, layout)
    return graph


def _load(name: str, layout: ModelLayout) -> Any:
    """The transformer in float32, with the attention that can be traced."""
    faiss_before_torch()
    try:
        import onnx  # noqa: F401  (torch asks for it only after the tracing)
        import torch
        import transformers
        from safetensors import SafetensorError
    except ModuleNotFoundError as error:
        raise MissingExtra(f"exporting the model {name!r} to ONNX, once,", "onnx-export") from error
    try:
        with quiet_loading():
            model: Any = transformers.AutoModel.from_pretrained(
                layout.transformer, attn_implementation="eager", dtype=torch.float32, local_files_only=True
            )
            return model.eval()
    except (OSError, ValueError, SafetensorError) as error:
        raise unknown_model(name, error) from error


def _traced(name: str, model: Any) -> bytes:
    """The graph as bytes, without the version of the torch that wrote it."""
    import onnx
    import torch

    ids = torch.tensor([[1, 2, 1], [1, 1, 2]])
    values = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
    inputs = {given: values[given] for given in model.inputs}
    try:
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations of the exporter and of tracing, about code that is not ours
            torch.onnx.export(
                model,
                tuple(inputs.values()),
                f"{folder}/model.onnx",
                input_names=list(inputs),
                output_names=["hidden"],
                dynamic_axes={value: {0: "batch", 1: "tokens"} for value in [*inputs, "hidden"]},
                opset_version=OPSET,
                dynamo=False,
            )
            graph = onnx.load(f"{folder}/model.onnx")
    except torch.onnx.OnnxExporterError as error:
        raise InvalidInput(f"torch cannot export the model {name!r} to ONNX ({error}): {OTHERWISE}") from error
    graph.producer_version = ""
    return bytes(graph.SerializeToString(deterministic=True))
