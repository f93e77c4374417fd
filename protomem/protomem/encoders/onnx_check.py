"""An export is kept only if it computes what torch and transformers compute.

Tracing can freeze a value that should follow the input, and transformers can be told to tokenize otherwise than
tokenizer.json says; either would change every answer without a word.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from protomem.encoders.onnx_layout import OTHERWISE, ModelLayout
from protomem.encoders.onnx_tokenizer import load_tokenizer
from protomem.errors import InvalidInput
from protomem.runtime import onnxruntime

__all__ = ["check_hidden_states", "check_tokens"]

SHAPES: Final = ((1, 2), (1, 7), (5, 4))
"""(texts, tokens), none of them the shape that is traced."""

TOLERANCE: Final = 1e-3
"""Of the largest hidden state; MiniLM's export is within 1e-6 and a frozen shape is off by its whole size."""

PROBES: Final = (
    "Where is my order HP-48213?",
    "  Straße, NAÏVE café & ﬁne: 50 % off!!  ",
    "東京 привет مرحبا 🙂\n\tlast line",
    "word " * 2_000,
)


def check_hidden_states(name: str, model: Any, graph: bytes) -> None:
    """Raises `InvalidInput` if the graph's hidden states are not those of `model`, as `hidden_states` made it."""
    import torch

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    vocabulary = model.model.get_input_embeddings().num_embeddings
    for shape in SHAPES:
        ids = np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape) % vocabulary
        values = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        with torch.inference_mode():
            expected = model(*(torch.from_numpy(values[given]) for given in model.inputs)).numpy()
        found = session.run(None, {given: values[given] for given in names})[0]  # which leave out what is not used
        difference = np.abs(found - expected).max()
        if not difference <= TOLERANCE * np.abs(expected).max():
            raise InvalidInput(
                f"the ONNX export of the model {name!r} differs from torch by {difference:.1e} for texts of {shape[1]} "
                f"tokens: {OTHERWISE}"
            )


def check_tokens(name: str, layout: ModelLayout) -> None:
    """Raises `InvalidInput` if tokenizer.json and transformers read a text differently."""
    import transformers

    theirs = transformers.AutoTokenizer.from_pretrained(layout.transformer, local_files_only=True)
    ours = load_tokenizer(name, layout)
    for text in PROBES:
        if ours.encode(text).ids != theirs(text, truncation=True, max_length=layout.max_length)["input_ids"]:
            raise InvalidInput(
                f"tokenizer.json of the model {name!r} reads {text[:40]!r} otherwise than transformers does: "
                f"save it again with SentenceTransformer.save, or {OTHERWISE}"
            )
