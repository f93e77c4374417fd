"""A proxy before a server, which loses what it is told to lose: connections before or after the server did its work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from tests.api.serving import Served

HOP_BY_HOP = {"connection", "host", "content-length", "transfer-encoding"}


class Between(ThreadingHTTPServer):
    """`plan` says what befalls the next requests, one after the other; after it all of them pass.

    "lost": no answer, and the server never sees it. "answer lost": the server does its work, and its answer is lost.
    A number: the answer is this status, with Retry-After: 0. `seen` lists the headers of each request.
    """

    daemon_threads = True

    def __init__(self, server: Served) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.upstream = httpx.Client(base_url=server.url, timeout=30)
        self.plan: list[str | int] = []
        self.seen: list[dict[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Between
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        fate = self.server.plan.pop(0) if self.server.plan else "passes"
        if fate == "lost":
            self.close_connection = True
        elif isinstance(fate, int):
            self.tell(fate, {"Retry-After": "0"}, b"")
        else:
            passed = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            reply = self.server.upstream.request(self.command, self.path, content=body, headers=passed)
            if fate == "answer lost":
                self.close_connection = True
            else:
                self.tell(reply.status_code, reply.headers, reply.content)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815  # names of http.server

    def tell(self, status: int, headers: object, body: bytes) -> None:
        self.send_response(status)
        for name, value in dict(headers).items():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def between(server: Served) -> Iterator[Between]:
    """The proxy, until the block ends."""
    with Between(server) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
            proxy.upstream.close()
