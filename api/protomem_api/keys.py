"""API keys: random secrets of which only the SHA-256 is kept, each with a role, for all memories or some.

Each role may do what those before it may, but for `contribute`: it may merge what the clients named in the key sent,
which `write` may of any client, and nothing else.

The secrets have 256 random bits, so a fast hash is enough: nobody can try them all, whatever a trial costs.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets as dice
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final

import msgspec

from protomem.errors import InvalidId, InvalidInput, NotRemembered, StoreError
from protomem.inputs import check_name
from protomem_api.wire.shared import NAME_PATTERN, Role

if sys.platform != "win32":  # one writer at a time, among the server and the command line
    import fcntl

__all__ = ["PREFIX", "Key", "KeyFile", "Role"]

PREFIX: Final = "pm_"
SECRET_BYTES: Final = 32
PUBLIC_KEY: Final = "[0-9a-f]{64}"

GRANTS: Final[Mapping[Role, frozenset[Role]]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "contribute", "write"}),
    "admin": frozenset({"read", "contribute", "write", "admin"}),
    "contribute": frozenset({"contribute"}),
}
"""What each role is enough for."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key as it is kept. `memories` None means all; `sha256` (hex) is of the secret.

    `clients`, of the role `contribute` alone, has by name the public key (hex) that a client must have, or None for the
    one that it comes with first.
    """

    id: str
    name: str
    role: Role
    memories: tuple[str, ...] | None
    created: str
    sha256: str
    clients: Mapping[str, str | None] | None = None

    def may(self, role: Role, memory: str | None = None) -> bool:
        """Whether it has this role, in this memory or, without one, in all."""
        if role not in GRANTS[self.role]:
            return False
        return self.memories is None or (memory is not None and memory in self.memories)


@final
class KeyFile:
    """The keys in `keys.json` of a data folder, which other processes may change too."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "keys.json"
        self._lock = folder / "keys.lock"
        self._read: tuple[int, int] | None = None
        self._keys: dict[str, Key] = {}

    def all(self) -> list[Key]:
        """Every key, in the order in which they were made. Reads the file again if it was changed."""
        self.refresh()
        return list(self._keys.values())

    def known(self, secret: str) -> Key | None:
        """The key of this secret, as of the last `refresh`. Every hash is compared in constant time."""
        sought = _sha256(secret)
        found = None
        for kept, key in self._keys.items():
            if hmac.compare_digest(kept, sought):
                found = key
        return found

    def holds(self, key: Key) -> bool:
        """Whether this key is there still, as of the last `refresh`."""
        return self._keys.get(key.sha256) == key

    def create(
        self,
        name: str,
        role: Role,
        memories: Sequence[str] | None = None,
        clients: Mapping[str, str | None] | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which is kept nowhere."""
        if not name.strip():
            raise InvalidInput("name is empty: say what the key is for")
        if role not in GRANTS:
            raise InvalidInput(f"role is {role!r}: it must be one of {', '.join(GRANTS)}")
        for memory in memories or ():
            if re.fullmatch(NAME_PATTERN, memory) is None:
                raise InvalidInput(f"{memory!r} is no name of a memory: it must match {NAME_PATTERN}")
        _check_clients(role, clients)
        secret = PREFIX + dice.token_urlsafe(SECRET_BYTES)
        key = Key(
            id=dice.token_hex(8),
            name=name,
            role=role,
            memories=None if memories is None else tuple(sorted(set(memories))),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            sha256=_sha256(secret),
            clients=clients,
        )
        with self._changing() as keys:
            keys.append(key)
        return key, secret

    def delete(self, id: str) -> None:
        """Delete a key. Raises `NotRemembered` where there is none of this id."""
        with self._changing() as keys:
            found = [key for key in keys if key.id == id]
            if not found:
                raise NotRemembered(f"there is no key {id!r}: `protomem keys list` shows them")
            keys.remove(found[0])

    def refresh(self) -> None:
        """Read the file if it is another than the one that was read last."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._read, self._keys = None, {}
            return
        if self._read != (found.st_mtime_ns, found.st_ino):
            keys = self._decoded()
            self._keys = {key.sha256: key for key in keys}
            self._read = (found.st_mtime_ns, found.st_ino)

    def _decoded(self) -> list[Key]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[Key])
        except (OSError, msgspec.MsgspecError) as error:
            raise StoreError(
                f"{self._path} cannot be read as keys ({error}): restore it from a copy, or move it away and make the "
                "keys anew"
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[list[Key]]:
        """The keys as a list to change; written as a whole when the block ends."""
        with os.fdopen(os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as lock:
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)
            keys = self.all()
            yield keys
            self._write(keys)

    def _write(self, keys: Sequence[Key]) -> None:
        partial = self._path.with_suffix(".new")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(keys), indent=1))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)
        self.refresh()


def _check_clients(role: Role, clients: Mapping[str, str | None] | None) -> None:
    if role != "contribute":
        if clients is not None:
            raise InvalidInput(f"clients are of the role contribute alone: leave them out of a key that may {role}")
        return
    if not clients:
        raise InvalidInput("clients is missing: name those whose contributions a key with the role contribute may send")
    for client, public_key in clients.items():
        check_name(client, "a client of clients", InvalidId)
        if public_key is not None and re.fullmatch(PUBLIC_KEY, public_key) is None:
            raise InvalidInput(f"clients has no public key for {client!r}: it is 64 hex digits, as `clients` lists it")


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
