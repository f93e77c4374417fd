"""What a model folder says of itself, and whether `OnnxEncoder` computes the same.

Supported are a Transformer, mean Pooling over all tokens and optionally Normalize, without prompts: what nearly all
sentence models are. Anything else is refused by name, because to leave one out would change every answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from protomem.errors import InvalidInput

__all__ = ["OTHERWISE", "ModelLayout", "read_layout"]

MODULES: Final = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
TEXT_ONLY: Final = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}

TRANSFORMER_SETTINGS: Final = {
    "transformer_task": "feature-extraction",
    "modality_config": TEXT_ONLY,
    "module_output_name": "token_embeddings",
    "do_lower_case": False,
}
"""Of sentence_bert_config.json, the values under which the hidden states are the transformer's own. Besides these only
`max_seq_length` is understood."""

POOLING_SIZES: Final = ("embedding_dimension", "word_embedding_dimension", "include_prompt")
"""Settings of Pooling that change nothing without a prompt."""

OTHERWISE: Final = 'use sentence-transformers itself: name the model without "onnx:" or "layers:"'
"""What to try with a model that cannot be run here."""

SHORTEST: Final = 2
"""Tokens that a tokenizer puts around every text."""

UNLIMITED: Final = 10**9
"""transformers writes 10^30 for "no longest text"."""


@final
@dataclass(frozen=True, slots=True)
class ModelLayout:
    """A supported model folder: its transformer, how many tokens of a text it reads, and what follows the mean."""

    transformer: Path
    max_length: int
    normalize: bool

    @property
    def tokenizer_file(self) -> Path:
        return self.transformer / "tokenizer.json"

    @property
    def config_file(self) -> Path:
        return self.transformer / "config.json"

    @property
    def weight_files(self) -> list[Path]:
        return sorted(self.transformer.glob("*.safetensors"))


def read_layout(name: str, folder: Path) -> ModelLayout:
    """Read and check a folder written by sentence-transformers. Raises `InvalidInput` naming what is unsupported."""
    modules = _json(name, folder / "modules.json")
    types = [str(module.get("type")) for module in modules]
    kinds = [kind.rpartition(".")[2] for kind in types]
    if kinds not in MODULES or not all(kind.startswith("sentence_transformers.") for kind in types):
        raise _unsupported(name, f"its modules are {', '.join(types)}")
    transformer = folder / modules[0]["path"]
    _check_pooling(name, _json(name, folder / modules[1]["path"] / "config.json"))
    _check_prompt(name, folder / "config_sentence_transformers.json")
    settings = _transformer_settings(name, transformer / "sentence_bert_config.json")
    layout = ModelLayout(transformer, _max_length(name, transformer, settings), normalize="Normalize" in kinds)
    if not layout.tokenizer_file.is_file():
        raise _unsupported(name, "it has no tokenizer.json")
    if not layout.weight_files:
        raise _unsupported(name, "it has no weights in safetensors")
    return layout


def _check_pooling(name: str, settings: dict[str, Any]) -> None:
    """Both spellings: one `pooling_mode`, and the older one switch per mode."""
    modes = settings.pop("pooling_mode", None)
    if modes is None:
        modes = [key for key, on in settings.items() if key.startswith("pooling_mode_") and on]
    if modes not in ("mean", ["mean"], ["pooling_mode_mean_tokens"]):
        raise _unsupported(name, f"it pools by {modes}")
    unknown = [key for key in settings if key not in POOLING_SIZES and not key.startswith("pooling_mode_")]
    if unknown:
        raise _unsupported(name, f"its Pooling has the setting {unknown[0]}")


def _check_prompt(name: str, file: Path) -> None:
    settings = _json(name, file) if file.is_file() else {}
    if settings.get("prompts", {}).get(settings.get("default_prompt_name")):
        raise _unsupported(name, "it puts a prompt before every text")


def _transformer_settings(name: str, file: Path) -> dict[str, Any]:
    settings: dict[str, Any] = _json(name, file) if file.is_file() else {}
    for key, value in settings.items():
        if key != "max_seq_length" and value != TRANSFORMER_SETTINGS.get(key) and value not in (None, {}):
            raise _unsupported(name, f"its Transformer has {key} = {value!r}")
    return settings


def _max_length(name: str, transformer: Path, settings: dict[str, Any]) -> int:
    """As sentence-transformers: its own setting, else the tokenizer's; never beyond the transformer's positions."""
    tokenizer_file = transformer / "tokenizer_config.json"
    tokenizer = _json(name, tokenizer_file) if tokenizer_file.is_file() else {}
    own = settings.get("max_seq_length") or tokenizer.get("model_max_length") or UNLIMITED
    positions = _json(name, transformer / "config.json").get("max_position_embeddings") or UNLIMITED
    length = min(own, positions)
    if not SHORTEST < length < UNLIMITED:
        raise _unsupported(name, "it does not say how many tokens of a text it reads")
    return int(length)


def _json(name: str, file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(
            f"the model {name!r} has no {file}: pass a folder written by SentenceTransformer.save"
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"the model {name!r} has an unreadable {file} ({error}): get it again") from error


def _unsupported(name: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"the model {name!r} cannot be run by onnxruntime here: {what}. Supported are a Transformer with mean Pooling "
        f"and optionally Normalize, with a tokenizer.json and safetensors; for other models {OTHERWISE}"
    )
