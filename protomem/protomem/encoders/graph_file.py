"""A file of the cache with its hash beside it: written whole or not at all, and checked on every load."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from protomem.encoders.weights import file_sha256
from protomem.errors import InvalidInput

__all__ = ["intact_sha256", "keep"]


def intact_sha256(path: Path) -> str | None:
    """The SHA-256 of the file if it is the one recorded beside it; None if either cannot be read or they differ."""
    try:
        recorded = _hash_file(path).read_text(encoding="ascii").strip()
        return recorded if file_sha256(path) == recorded else None
    except (OSError, UnicodeDecodeError):
        return None


def keep(path: Path, content: bytes) -> str:
    """Write the file, then its hash; a crash in between leaves a pair that `intact_sha256` refuses."""
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
        _replace(_hash_file(path), f"{sha256}\n".encode())
    except OSError as error:
        raise InvalidInput(
            f"the exported model cannot be kept at {path} ({error.strerror}): pass cache= a folder that can be "
            "written, or on Linux set XDG_CACHE_HOME to one"
        ) from error
    return sha256


def _hash_file(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
