"""What an operator may set: one table, read from a file, the environment and flags, in this order."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from protomem.errors import InvalidInput

__all__ = ["LOOPBACK", "PREFIX", "Settings", "read_settings"]

PREFIX = "PROTOMEM_"
"""Of the environment variables: `PROTOMEM_PORT` sets `port`."""

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one server."""

    data: Annotated[Path, Meta(description="The folder of the memories, the keys and the jobs.")]
    host: Annotated[str, Meta(description="The address to listen at.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="The port; 0 takes a free one.")] = 8000
    auth: Annotated[bool, Meta(description="Ask for API keys; off only on loopback.")] = True
    encoders: Annotated[
        tuple[str, ...],
        Meta(description='The text and image encoders a new memory may have, besides "vectors:N".'),
    ] = ("layers:all-MiniLM-L6-v2", "onnx:all-MiniLM-L6-v2", "all-MiniLM-L6-v2")
    body_bytes: Annotated[Count, Meta(description="Longest body of a request, in bytes.")] = 16 * 2**20
    body_seconds: Annotated[Seconds, Meta(description="Within which a body has to come.")] = 15.0
    request_seconds: Annotated[Seconds, Meta(description="After which a caller is told that the server is busy.")] = (
        60.0
    )
    shutdown_seconds: Annotated[Count, Meta(description="For requests under way to end when the server stops.")] = 30
    items: Annotated[Count, Meta(description="Most items of one request.")] = 1_000
    text_length: Annotated[Count, Meta(description="Longest text, in characters.")] = 20_000
    width: Annotated[
        Count, Meta(description="Widest lift a new memory may have; it takes 8 bytes times its square.")
    ] = 4_096
    kernel_rows: Annotated[
        int, Meta(ge=0, description="Most kernel rows a new memory may have; they take 24 bytes times their square.")
    ] = 4_096
    rate: Annotated[
        int, Meta(ge=0, description="Requests a key, or a caller without one, may send in a second; 0: any.")
    ] = 0
    connections: Annotated[Count, Meta(description="Most connections at once; more are told 503.")] = 1_000
    answer_threads: Annotated[Count, Meta(description="Threads that predict.")] = 2
    write_threads: Annotated[Count, Meta(description="Threads that learn, forget and list; waiting for the disk.")] = 32
    queue: Annotated[Count, Meta(description="Requests waiting to be predicted or written; more are told 503.")] = 1_000
    batch: Annotated[
        Count, Meta(description="Most items of several requests that are encoded or predicted as one.")
    ] = 64
    batch_seconds: Annotated[
        float, Meta(ge=0, description="How long a batch waits for as many requests as the last one had.")
    ] = 0.002
    open_memories: Annotated[Count, Meta(description="Memories held open; the one used least recently is closed.")] = (
        100
    )
    idle_seconds: Annotated[Seconds, Meta(description="After which an unused memory is closed.")] = 600.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least level that is logged.")
    ] = "info"


def read_settings(flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None) -> Settings:
    """Settings of a TOML file, over them those of the environment, over them those of flags.

    Raises `InvalidInput` for a name that is no setting and for a value of another type.
    """
    found: dict[str, object] = _of_file(file) if file else {}
    for name in Settings.__struct_fields__:
        if (value := environment.get(PREFIX + name.upper())) is not None:
            found[name] = value.split(",") if name == "encoders" else value
    found.update(flags)
    _check_names(found)
    try:
        settings = msgspec.convert(found, Settings, strict=False, dec_hook=_folder)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        raise InvalidInput(f"the setting {path.rstrip('`')} is wrong: {message}") from error
    _check_loopback(settings)
    return settings


def _check_names(found: Mapping[str, object]) -> None:
    if unknown := sorted(found.keys() - set(Settings.__struct_fields__)):
        known = ", ".join(Settings.__struct_fields__)
        raise InvalidInput(f"there is no setting {', '.join(unknown)}: there are {known}")
    if "data" not in found:
        raise InvalidInput(f"the folder of the memories is missing: give --data DIR, or set {PREFIX}DATA")


def _folder(kind: type, value: object) -> object:
    """The one setting that msgspec does not know how to read."""
    return kind(value)


def _of_file(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"the settings in {file} cannot be read: {error}") from error


LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _check_loopback(settings: Settings) -> None:
    if not settings.auth and settings.host not in LOOPBACK:
        raise InvalidInput(
            f"a server without keys may listen on loopback alone, not at {settings.host}: leave --no-auth out, or use "
            f"--host {LOOPBACK[0]}"
        )
