"""The memories of a server: look at one, create it, list them, delete one, merge into one unopened, as steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from protomem.encoders import Encoder, resolve_encoder
from protomem.errors import EncoderMismatch, InvalidInput, NotAMemory
from protomem.federation.contribution import Contribution
from protomem.receipts import Receipt
from protomem.settings import Retain
from protomem_client import federation
from protomem_client.operations import body
from protomem_client.reading import read, require_ok
from protomem_client.replies import Memories, MemoryInfo, MemorySummary
from protomem_client.steps import Request, Steps

__all__ = ["NAME_PATTERN", "delete", "memories", "merge", "opened"]

NAME_PATTERN: Final = "[a-z0-9][a-z0-9_-]{0,63}"
"""Of the service: what else is in a path could mean another route."""


def opened(
    name: str,
    encoder: str | Encoder | None,
    retain: Retain | None,
    width: int | None,
    kernel_rows: int | None,
    *,
    create: bool,
) -> Steps[MemoryInfo]:
    """The memory of this name; created if it is not there and an encoder is named."""
    path = _path(name)
    named = encoder if encoder is None or isinstance(encoder, str) else resolve_encoder(encoder).name
    wanted = {"encoder": named, "retain": retain, "width": width, "kernel_rows": kernel_rows}
    given = {field: value for field, value in wanted.items() if value is not None}
    try:
        info = read((yield Request("GET", path)), MemoryInfo)
    except NotAMemory:
        if not create:
            raise NotAMemory(
                f"there is no memory {name!r} that this key may use: check the name and the key, or create it"
            ) from None
        if named is None:
            raise InvalidInput('a new memory needs an encoder, such as encoder="vectors:384"') from None
        info = read((yield Request("POST", "/v1/memories", body({"name": name, **given}))), MemoryInfo)
    _check_same(info, given)
    return info


def memories() -> Steps[list[MemorySummary]]:
    """All pages."""
    found: list[MemorySummary] = []
    params: dict[str, str] = {}
    while True:
        page = read((yield Request("GET", "/v1/memories", params=params)), Memories)
        found += page.memories
        if page.next is None:
            return found
        params = {"after": page.next}


def delete(name: str) -> Steps[None]:
    """That it is gone when it is to be deleted is no error: the first of two attempts may have done it."""
    path = _path(name)
    read((yield Request("GET", path)), MemoryInfo)
    reply = yield Request("DELETE", path)
    if reply.status != 404:
        require_ok(reply)


def merge(name: str, contribution: Contribution | bytes, keys: Mapping[str, str] | None) -> Steps[Receipt]:
    """Whether the memory is there is not looked at before: that takes more rights."""
    return federation.merge(_path(name), contribution, keys)


def _check_same(info: MemoryInfo, given: Mapping[str, Any]) -> None:
    for field, value in given.items():
        if (found := getattr(info, field)) != value:
            raise EncoderMismatch(f"this memory has {field} {found!r}, not {value!r}: leave {field}= out to keep it")


def _path(name: Any) -> str:
    if not isinstance(name, str) or re.fullmatch(NAME_PATTERN, name) is None:
        raise InvalidInput(f"name is {name!r}: it must be 1 to 64 of a-z, 0-9, - and _, a letter or a digit first")
    return f"/v1/memories/{name}"
