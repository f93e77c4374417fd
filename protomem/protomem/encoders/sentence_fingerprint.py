"""The fingerprint of a sentence-transformers model: its weights and every setting that changes an embedding.

Where a folder lies, the machine and the library's version are no part of it: a memory must open again after an upgrade.
So parameters are named within their module, and of a configuration only what is known to matter is read.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from protomem.errors import InvalidInput

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

__all__ = ["sentence_fingerprint"]

VERSION: Final = "protomem sentence encoder 1"

TRANSFORMER_SETTINGS: Final = ("model_type", "hidden_act", "num_attention_heads", "layer_norm_eps")
"""Settings of a transformer that change what it computes and not the shapes of its parameters."""

NOT_OF_THE_TOKENIZER: Final = ("truncation", "padding")
"""Encoding a batch leaves these behind in the tokenizer; the length that counts is `max_seq_length`."""


def sentence_fingerprint(name: str, model: SentenceTransformer) -> str:
    """SHA-256, hex. `name` is for the error: `InvalidInput` for a tokenizer that has no serialised form."""
    digest = hashlib.sha256()
    settings = {
        "version": VERSION,
        "modules": [_described(module) for module in model],
        "tokenizer": _tokenizer(name, model),
        "max_seq_length": model.max_seq_length,
        "prompt": model.prompts.get(model.default_prompt_name, "") if model.default_prompt_name else "",
        "truncate_dim": model.truncate_dim,
    }
    _add(digest, json.dumps(settings, sort_keys=True).encode())
    for index, module in enumerate(model):
        for parameter, values in sorted(_parameters(module).items()):
            array = values.detach().cpu().contiguous()
            _add(digest, f"{index} {parameter} {array.dtype} {list(array.shape)}".encode())
            _add(digest, _bytes(array))
    return digest.hexdigest()


def _add(digest: hashlib._Hash, part: bytes) -> None:
    digest.update(len(part).to_bytes(8, "little"))
    digest.update(part)


def _described(module: Any) -> dict[str, Any]:
    kind = type(module).__name__
    if kind == "Transformer":
        config = module.auto_model.config
        return {"class": kind, **{setting: getattr(config, setting, None) for setting in TRANSFORMER_SETTINGS}}
    if kind == "Pooling":
        return {"class": kind, "mode": module.pooling_mode, "include_prompt": module.include_prompt}
    if kind == "Normalize":
        return {"class": kind}
    return {"class": kind, "config": module.get_config_dict()}


def _parameters(module: Any) -> dict[str, Tensor]:
    """Named within the transformer itself: the wrapper around it has been renamed between releases."""
    return dict(getattr(module, "auto_model", module).state_dict())


def _bytes(array: Tensor) -> bytes:
    import torch

    return array.reshape(-1).view(torch.uint8).numpy().tobytes() if array.numel() else b""


def _tokenizer(name: str, model: SentenceTransformer) -> dict[str, Any]:
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
    if not hasattr(tokenizer, "to_str"):
        raise InvalidInput(
            f"the model {name!r} has a tokenizer ({type(tokenizer).__name__}) without a serialised form, so its "
            "embeddings cannot be told from others: use a model with a tokenizer.json"
        )
    form: dict[str, Any] = json.loads(tokenizer.to_str())
    return {key: value for key, value in form.items() if key not in NOT_OF_THE_TOKENIZER}
