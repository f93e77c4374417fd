"""The high-water mark beside the file: the number and chain hash of the last receipt that was acknowledged.

DuckDB opens silently without the later writes when its log is missing, and now and then when it is damaged. So every
write is marked after its COMMIT and before it is acknowledged, and whoever opens the file compares.

The file has two slots, used in turn, so that a slot that was torn or flipped leaves the other, which is that of the
commit before: a group of receipts is marked once, by its last. They lie 4 KiB apart:

    bytes 0–7    b"protomem"
    bytes 8–15   sequence, little-endian; 0 before the first write
    bytes 16–47  chain hash of that receipt; zeros before the first write
    bytes 48–79  SHA-256 of bytes 0–47
"""

from __future__ import annotations

import errno
import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, final

from protomem.errors import MemoryDamaged
from protomem_store.files import read_if_there, sync_folder

__all__ = ["NOTHING", "Entry", "Mark", "require_acknowledged"]

_MAGIC: Final = b"protomem"
_FIELDS: Final = struct.Struct("<8sQ32s")
_CHECKSUM_BYTES: Final = 32
_SLOT_BYTES: Final = _FIELDS.size + _CHECKSUM_BYTES
_SLOTS_AT: Final = (0, 4096)


class Entry(NamedTuple):
    """A receipt by its sequence and its chain hash (hex)."""

    sequence: int
    chain: str


NOTHING: Final = Entry(0, "")
"""Before the first receipt."""


@final
class Mark:
    """The mark in `file`, which need not be there."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._descriptor: int | None = None
        self.newest: Entry | None = None
        """What was marked last, when looked at or written last; None where nothing valid is."""
        self._turn = 0

    def look(self) -> None:
        """Read the file. Only while no other process can write it."""
        slots = self._read()
        valid = [slot for slot in slots if slot is not None]
        self.newest = max(valid, default=None)
        self._turn = 1 - slots.index(self.newest) if valid else 0

    def begin(self) -> None:
        """Have the file there, durably, before the first commit that it is to guard. After `look`; twice is once."""
        if self._descriptor is not None:
            return
        if self.newest is None:
            self._path.write_bytes(bytes(_SLOTS_AT[-1] + _SLOT_BYTES))
        self._descriptor = os.open(self._path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        if self.newest is None:
            self.write(NOTHING)
            sync_folder(self._path.parent)

    def write(self, entry: Entry) -> None:
        """Mark the entry, durably. Only after `begin`."""
        if self._descriptor is None:
            raise ValueError("the mark was not begun")
        fields = _FIELDS.pack(_MAGIC, entry.sequence, bytes.fromhex(entry.chain).ljust(32, b"\0"))
        os.lseek(self._descriptor, _SLOTS_AT[self._turn], os.SEEK_SET)
        if os.write(self._descriptor, fields + hashlib.sha256(fields).digest()) != _SLOT_BYTES:
            raise OSError(errno.ENOSPC, "the mark was cut short", str(self._path))
        _sync_data(self._descriptor)
        self.newest = entry
        self._turn = 1 - self._turn  # only now: what the disk refused must not cost the slot that is whole

    def close(self) -> None:
        """Leave the file as it is."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """Remove the file: nothing lies in a log that it would have to guard."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _read(self) -> list[Entry | None]:
        """What each slot says."""
        content = read_if_there(self._path) or b""
        return [_entry(content[at : at + _SLOT_BYTES]) for at in _SLOTS_AT]


def require_acknowledged(
    path: Path, marked: Entry | None, last: int, chain_at: Callable[[int], str | None], *, has_log: bool
) -> None:
    """Raise `MemoryDamaged` unless the file at `path`, whose last receipt has the number `last`, holds what was marked.

    `chain_at` tells the chain hash of the receipt with a number, or None.
    """
    mark = f"{path.name}.mark"
    restore = "restore the file and all that lay beside it from one copy"
    go_on = f"to go on with what is there, open the file once with DuckDB itself and close it, then delete {mark}"
    if marked is None:
        if has_log:
            raise MemoryDamaged(
                f"{path}: it was not closed, and its mark {mark} is missing or damaged, so that nothing says whether "
                f"the log {path.name}.wal is whole; put the mark back, or {restore}; {go_on}"
            )
    elif last < marked.sequence:
        raise MemoryDamaged(
            f"{path}: write {marked.sequence} was acknowledged, and the last one there is {last}: the log "
            f"{path.name}.wal was lost or damaged, or the file is an older copy; put the log back, or "
            f"{restore}; {go_on}"
        )
    elif chain_at(marked.sequence) != (marked.chain or None):
        raise MemoryDamaged(
            f"{path}: write {marked.sequence} is another than the one that was acknowledged: the file and its mark "
            f"{mark} belong to different memories; {restore}; {go_on}"
        )


def _entry(slot: bytes) -> Entry | None:
    """What a slot says, or None if it is not whole."""
    fields, checksum = slot[: _FIELDS.size], slot[_FIELDS.size :]
    if len(slot) != _SLOT_BYTES or hashlib.sha256(fields).digest() != checksum:
        return None
    _, sequence, chain = _FIELDS.unpack(fields)
    return Entry(sequence, chain.hex()) if sequence else NOTHING


_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # not on every system
