"""A server, by its URL and an API key: the way to its memories, in one thread or in an event loop."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Final, final

from protomem.encoders import Encoder
from protomem.federation.contribution import Contribution
from protomem.receipts import Receipt
from protomem.settings import Retain
from protomem_client.async_memory import AsyncRemoteMemory
from protomem_client.memory import RemoteMemory
from protomem_client.opening import delete, memories, merge, opened
from protomem_client.replies import MemorySummary
from protomem_client.sending import AsyncSender, Link, Sender

__all__ = ["AsyncClient", "Client"]

TIMEOUT: Final = 70.0
"""Seconds without an answer. A server gives up after 60 by itself, and says so."""

ATTEMPTS: Final = 6
"""With the waits between them some three to seven seconds, in which a server restarts."""


@final
class Client:
    """A protomem server: `Client("http://127.0.0.1:8000", key).memory("support")`.

    `key` is the secret of an API key; None for a server without keys. A request that gets no answer, for `timeout`
    seconds at most, or is told to come again (429, 503), is sent again, `attempts` times in all. Connections are kept
    and shared; safe to use from several threads. `close` ends them; also a context manager.

    Raises `InvalidInput` for a url or a key that cannot be one; nothing is sent yet.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = TIMEOUT, attempts: int = ATTEMPTS) -> None:
        self._link = Link(url, key, timeout, attempts)
        self._sender = Sender(self._link)

    def memory(
        self,
        name: str,
        *,
        encoder: str | Encoder | None = None,
        retain: Retain | None = None,
        width: int | None = None,
        create: bool = True,
        kernel_rows: int | None = None,
    ) -> RemoteMemory:
        """Open a memory, or create it, as `protomem.open` does with a file.

        `encoder` names one that the server has; of an encoder object only its name goes there. `kernel_rows` is fixed
        when the memory is created. Creating one takes a key with the role admin.

        Raises `NotAMemory` for one that is not there, or not for this key, and `EncoderMismatch` for other settings.
        """
        info = self._sender.run(opened(name, encoder, retain, width, kernel_rows, create=create))
        return RemoteMemory(self._sender, info)

    def memories(self) -> list[MemorySummary]:
        """The memories that the key may read, by name; none is opened for it."""
        return self._sender.run(memories())

    def merge(self, name: str, contribution: Contribution | bytes, *, keys: Mapping[str, str] | None = None) -> Receipt:
        """Merge what a client learned into the memory of this name, without opening it; as `RemoteMemory.merge`.

        It is all that a key with the role contribute may do. Raises `NotAMemory` for a memory that is not there, or not
        for this key, and for a client that the key does not name.
        """
        return self._sender.run(merge(name, contribution, keys))

    def delete(self, name: str) -> None:
        """Delete a memory with all its files. Raises `NotAMemory` for one that is not there, or not for this key."""
        self._sender.run(delete(name))

    def close(self) -> None:
        """End the connections. Any use afterwards raises `MemoryClosed`."""
        self._sender.close()

    def __repr__(self) -> str:
        return f"Client({self._link.url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@final
class AsyncClient:
    """A protomem server, for an event loop: `memory = await AsyncClient(url, key).memory("support")`. As `Client`."""

    def __init__(self, url: str, key: str | None = None, *, timeout: float = TIMEOUT, attempts: int = ATTEMPTS) -> None:
        self._link = Link(url, key, timeout, attempts)
        self._sender = AsyncSender(self._link)

    async def memory(
        self,
        name: str,
        *,
        encoder: str | Encoder | None = None,
        retain: Retain | None = None,
        width: int | None = None,
        create: bool = True,
        kernel_rows: int | None = None,
    ) -> AsyncRemoteMemory:
        """Open a memory, or create it; as `Client.memory`."""
        info = await self._sender.run(opened(name, encoder, retain, width, kernel_rows, create=create))
        return AsyncRemoteMemory(self._sender, info)

    async def memories(self) -> list[MemorySummary]:
        """The memories that the key may read, by name; none is opened for it."""
        return await self._sender.run(memories())

    async def merge(
        self, name: str, contribution: Contribution | bytes, *, keys: Mapping[str, str] | None = None
    ) -> Receipt:
        """Merge what a client learned into the memory of this name, without opening it; as `RemoteMemory.merge`.

        It is all that a key with the role contribute may do. Raises `NotAMemory` for a memory that is not there, or not
        for this key, and for a client that the key does not name.
        """
        return await self._sender.run(merge(name, contribution, keys))

    async def delete(self, name: str) -> None:
        """Delete a memory with all its files. Raises `NotAMemory` for one that is not there, or not for this key."""
        await self._sender.run(delete(name))

    async def close(self) -> None:
        """End the connections. Any use afterwards raises `MemoryClosed`."""
        await self._sender.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self._link.url!r})"

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
