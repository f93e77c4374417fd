"""`protomem.open`: the one place where the mathematics, an encoder and a store are put together."""

from __future__ import annotations

import secrets as dice
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from protomem.encoders import Encoder, resolve_encoder
from protomem.errors import EncoderMismatch, InvalidInput, NotAMemory
from protomem.memory import Memory
from protomem.over_all import SolveOverAll, Solving, solve_over_all
from protomem.settings import MemorySettings, Retain
from protomem.signing import KEY_BYTES, Secrets
from protomem.space import SpaceSettings
from protomem.store import RamStore, Store

__all__ = ["open"]

RETAIN = ("codes", "items", "nothing")


def open(
    path: str | Path | None = None,
    *,
    encoder: str | Encoder | None = None,
    retain: Retain | None = None,
    width: int | None = None,
    create: bool = True,
    kernel_rows: int = 0,
    solve_ahead: bool = False,
    solve_over_all: SolveOverAll = solve_over_all,
    watch_solving: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Memory:
    """Create a memory or open one again.

    `path` is the DuckDB file, or None for a memory in RAM. `encoder` is a name such as "all-MiniLM-L6-v2", "onnx:..."
    or "vectors:384", or an encoder; a kept memory remembers its own and needs none. `retain` says what is kept of an
    item: "codes" (the default), "items", also the original text, or "nothing" but sums, so that `forget` needs the
    receipt that `learn` gave back. `width` is the number of features of the lift, 2,048 by default. With
    `create=False` a path that does not exist is an error.

    `kernel_rows` trades speed for accuracy: a memory of up to this many examples, and more than the 2,048 that are
    solved so anyway, is answered by kernel ridge and kernel logistic regression over all its examples. They take some
    seconds to solve after every change (cubic in the examples: two minutes for 15,000), and meanwhile 24 bytes ·
    examples² of memory; nothing kept depends on it, so it may differ from one opening to the next.

    After a change the heads are solved anew by the next `predict`, so that many changes in a row cost little. With
    `solve_ahead` that is done before the change returns, if anybody has asked since the last one, while other threads
    go on with the answers of before: for programs in which some predict while others learn. `solve_over_all` solves the
    heads of up to 2,048 examples, and of `kernel_rows`: a function that gives to the bit what the default gives, but by
    another process, for example. `watch_solving` makes the context in which heads are solved, such as a timer.

    Raises `EncoderMismatch` if the memory was made with another encoder or other settings, `NotAMemory`,
    `MemoryLocked` or `StoreUnavailable` for the file.
    """
    if retain is not None and retain not in RETAIN:
        raise InvalidInput(f"retain is {retain!r}: it must be one of {', '.join(RETAIN)}")
    if width is not None and not (isinstance(width, int) and MIN_WIDTH <= width <= MAX_WIDTH):
        raise InvalidInput(f"width is {width!r}: it must lie between {MIN_WIDTH} and {MAX_WIDTH}, a whole number")
    if isinstance(kernel_rows, bool) or not isinstance(kernel_rows, int) or not 0 <= kernel_rows <= MAX_KERNEL_ROWS:
        raise InvalidInput(f"kernel_rows is {kernel_rows!r}: it must be a whole number from 0 to {MAX_KERNEL_ROWS}")
    is_new = path is None or not Path(path).exists()
    if is_new and not create:
        raise NotAMemory(f"there is no memory at {path}: check the path, or create it with protomem.open")
    planned = _planned(encoder, retain, width) if is_new else None  # before a file is made that would stay empty
    store = _store(path)
    try:
        settings, solved = _settings(store, planned, encoder, retain, width)
        return Memory(
            store,
            solved,
            settings,
            Secrets.from_text(store.settings()),
            now=_now,
            new_id=_new_id,
            solving=Solving(kernel_rows, solve_over_all),
            solve_ahead=solve_ahead,
            watch_solving=watch_solving,
        )
    except BaseException:
        store.close()
        raise


MAX_KERNEL_ROWS = 16_384
"""Their kernel takes 2 GB, and as much again while it is solved."""

MIN_WIDTH, MAX_WIDTH = 1, 16_384
"""A Gram matrix of 16,384 features is 2 GiB, and its factor another 2."""


def _store(path: str | Path | None) -> Store:
    if path is None:
        return RamStore()
    from protomem_store import DuckDbStore

    return DuckDbStore(Path(path))


def _settings(
    store: Store,
    planned: tuple[MemorySettings, Encoder] | None,
    encoder: str | Encoder | None,
    retain: Retain | None,
    width: int | None,
) -> tuple[MemorySettings, Encoder]:
    """The settings a store has, or those it gets now, and their encoder."""
    kept = store.settings()
    if not kept:
        settings, solved = planned or _planned(encoder, retain, width)
        fresh = Secrets(dice.token_bytes(KEY_BYTES), dice.token_bytes(KEY_BYTES))
        store.create(settings.as_text() | fresh.as_text())
        return settings, solved
    settings = MemorySettings.from_text(kept)
    solved = resolve_encoder(settings.encoder if encoder is None else encoder)
    _check_same(settings, solved, retain, width)
    return settings, solved


def _planned(encoder: str | Encoder | None, retain: Retain | None, width: int | None) -> tuple[MemorySettings, Encoder]:
    """The settings of a memory that is yet to be made."""
    if encoder is None:
        raise InvalidInput('a new memory needs an encoder, such as encoder="layers:all-MiniLM-L6-v2"')
    solved = resolve_encoder(encoder)
    space = SpaceSettings(solved.dimension, solved.fingerprint)
    settings = MemorySettings(solved.name, retain or "codes", replace(space, width=width or space.width))
    _check_retain(settings, solved)
    return settings, solved


def _check_same(settings: MemorySettings, encoder: Encoder, retain: Retain | None, width: int | None) -> None:
    if encoder.fingerprint != settings.space.encoder:
        raise EncoderMismatch(
            f"this memory was made with the encoder {settings.encoder!r}, not {encoder.name!r} (fingerprints "
            f"{settings.space.encoder[:12]} and {encoder.fingerprint[:12]}): leave encoder= out to use its own"
        )
    if retain not in (None, settings.retain):
        raise EncoderMismatch(f"this memory retains {settings.retain!r}, not {retain!r}: leave retain= out to keep it")
    if width not in (None, settings.space.width):
        raise EncoderMismatch(f"this memory has a lift of width {settings.space.width}, not {width}: leave width= out")


def _check_retain(settings: MemorySettings, encoder: Encoder) -> None:
    if settings.retain == "items" and not encoder.keeps_text:
        raise InvalidInput(f'retain="items" keeps texts, and the encoder {encoder.name!r} takes none: use "codes"')


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _new_id() -> str:
    return uuid.uuid4().hex
