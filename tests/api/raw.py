"""A connection by the byte, for what no client library would send."""

from __future__ import annotations

import socket

import httptools

Told = tuple[int, bytes]
"""The status of an answer, and its body."""


class Raw:
    """Also a context manager; the answers are those that came so far."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.told: list[Told] = []
        self._parser = httptools.HttpResponseParser(self)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answers(self, count: int) -> list[Told]:
        """So many answers; fewer where the server closes the connection."""
        while len(self.told) < count and (data := self.socket.recv(65_536)):
            self._parser.feed_data(data)
        return self.told

    def is_closed_within(self, seconds: float) -> bool:
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False

    def on_message_begin(self) -> None:
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.told.append((self._parser.get_status_code(), self._body))
