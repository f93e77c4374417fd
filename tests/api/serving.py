"""The service on loopback, in a thread: what the tests of this folder talk to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import msgspec
import uvicorn

from protomem_api import KeyFile, Settings, create_app
from protomem_api.quick import Quick
from protomem_api.server import server_config


class Served:
    """A server that runs: its address, its folder, and clients with keys of any role."""

    def __init__(self, url: str, settings: Settings, know_keys: Callable[[], None]) -> None:
        self.url = url
        self._know_keys = know_keys
        self.settings = settings
        self.keys = KeyFile(settings.data)
        self._clients: list[httpx.Client] = []

    def client(
        self, role: str | None = "admin", memories: list[str] | None = None, clients: dict | None = None
    ) -> httpx.Client:
        """A client with a new key of this role, which the server knows; without a key for None."""
        headers = {}
        if role is not None:
            _, secret = self.keys.create(f"{role} key", role, memories, clients)
            headers = {"Authorization": f"Bearer {secret}"}
        self._know_keys()  # which a server does by itself every second
        client = httpx.Client(base_url=self.url, headers=headers, timeout=30)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()


@contextmanager
def served(settings: Settings, encoders: tuple = ()) -> Iterator[Served]:
    """Serve in a thread until the block ends."""
    settings = msgspec.structs.replace(settings, port=0)
    app = create_app(settings, encoders)
    server = uvicorn.Server(server_config(settings, app, Quick(app.state.service)))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        port = server.servers[0].sockets[0].getsockname()[1]
        running = Served(f"http://127.0.0.1:{port}", settings, app.state.service.keys.refresh)
        yield running
        running.close()
    finally:
        server.should_exit = True
        thread.join(30)


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until this is so; fail if it takes too long."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)
