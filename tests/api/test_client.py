"""The client by itself: keys, urls, what it opens, how items travel, and which errors it raises."""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.api.serving import Served

import protomem
from protomem_api import wire
from protomem_client.opening import NAME_PATTERN

NUMBERS = count(1)
SECRET = "pm_a-secret-that-nobody-may-see"  # noqa: S105  # of no server
POINTS = [[1.0, 0.1], [0.1, 1.0]]


@pytest.fixture
def client(server: Served, key: str) -> Iterator[protomem.Client]:
    with protomem.Client(server.url, key) as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"client-{next(NUMBERS)}"


class TestKeys:
    def test_a_key_shows_nowhere(self, server: Served, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG), protomem.Client(server.url, SECRET) as client:
            with pytest.raises(protomem.Unauthorised, match="an API key that the server knows") as raised:
                client.memory("any")
            shown = [repr(client), repr(client._link), str(vars(client._sender)), caplog.text]
            told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
        assert not [text for text in (*shown, "".join(told.format())) if SECRET in text]

    @pytest.mark.parametrize("key", ["", f"{SECRET}\n", f"{SECRET} ", "ключ", b"pm_bytes", 5])
    def test_what_is_no_key_is_refused_without_being_shown(self, server: Served, key: Any) -> None:
        with pytest.raises(protomem.InvalidInput, match="key is no API key") as raised:
            protomem.Client(server.url, key)
        assert SECRET not in str(raised.value)

    def test_a_key_goes_nowhere_else(self, key: str) -> None:
        """Redirects are not followed."""
        with (
            answering(307, {"Location": "http://127.0.0.1:9/elsewhere"}) as url,
            protomem.Client(url, key) as client,
            pytest.raises(protomem.ServerError, match="not that of a protomem server"),
        ):
            client.memory("any")


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("127.0.0.1:8000", "must be that of a server"),
            ("ftp://host", "must be that of a server"),
            ("http://", "must be that of a server"),
            ("http://host?key=1", "must be that of a server"),
            ("http://host:port", "cannot be read"),
            (f"http://user:{SECRET}@host", "holds a name or a password"),
            (None, "is a NoneType"),
        ],
    )
    def test_what_is_no_url_is_refused(self, url: Any, why: str) -> None:
        with pytest.raises(protomem.InvalidInput, match=why) as raised:
            protomem.Client(url)
        assert SECRET not in str(raised.value)

    @pytest.mark.parametrize("option", [{"timeout": 0}, {"attempts": 0}, {"attempts": 1.5}])
    def test_what_is_no_option_is_refused(self, option: dict[str, Any]) -> None:
        with pytest.raises(protomem.InvalidInput, match="must be a"):
            protomem.Client("http://127.0.0.1", **option)

    @pytest.mark.parametrize(
        ("status", "kind", "body"),
        [
            (200, "text/html", b"<p>welcome"),
            (200, "application/json", b"[]"),
            (200, "application/json", b"no json"),
            (404, "text/html", b"not found"),
            (500, "application/problem+json", b"no json"),
            (204, "", b""),
        ],
    )
    def test_what_is_no_protomem_server_is_told(self, status: int, kind: str, body: bytes) -> None:
        with (
            answering(status, {"Content-Type": kind}, body) as url,
            protomem.Client(url) as client,
            pytest.raises(protomem.ServerError, match=r"not that of a protomem server|cannot be read"),
        ):
            client.memory("any")

    def test_a_path_before_the_routes_is_kept(self, server: Served, key: str) -> None:
        with (
            protomem.Client(f"{server.url}/below", key) as client,
            pytest.raises(protomem.NotAMemory, match="there is no memory 'any'"),
        ):
            client.memory("any", create=False)
        with protomem.Client(f"{server.url}/", key) as client:
            assert isinstance(client.memories(), list)


class TestOpening:
    def test_settings_are_those_of_the_embedded_library(self, client: protomem.Client, name: str) -> None:
        remote = client.memory(name, encoder=protomem.Vectors(2), retain="nothing", width=16)
        with protomem.open(None, encoder=protomem.Vectors(2), retain="nothing", width=16) as embedded:
            assert remote.settings == embedded.settings
        assert client.memory(name).public_key == remote.public_key

    def test_other_settings_are_refused(self, client: protomem.Client, name: str) -> None:
        client.memory(name, encoder="vectors:2", width=16)
        for other in ({"encoder": "vectors:3"}, {"retain": "nothing"}, {"width": 8}, {"kernel_rows": 100}):
            with pytest.raises(protomem.EncoderMismatch, match=f"this memory has {next(iter(other))}"):
                client.memory(name, **other)

    def test_what_is_not_there(self, client: protomem.Client, name: str) -> None:
        with pytest.raises(protomem.NotAMemory, match="there is no memory"):
            client.memory(name, create=False)
        with pytest.raises(protomem.InvalidInput, match="a new memory needs an encoder"):
            client.memory(name)
        with pytest.raises(protomem.InvalidInput, match="is no encoder"):
            client.memory(name, encoder=7)
        with pytest.raises(protomem.InvalidInput, match="none of this server's"):
            client.memory(name, encoder="another model")

    @pytest.mark.parametrize("name", ["", "..", "a/b", "A", "a" * 65, "a\n", None])
    def test_what_is_no_name_is_refused(self, client: protomem.Client, name: Any) -> None:
        with pytest.raises(protomem.InvalidInput, match="1 to 64 of a-z"):
            client.memory(name)
        with pytest.raises(protomem.InvalidInput, match="1 to 64 of a-z"):
            client.delete(name)

    def test_names_are_those_of_the_service(self) -> None:
        assert f"^{NAME_PATTERN}$" == wire.NAME_PATTERN

    def test_a_key_without_the_right_sees_nothing(self, server: Served, client: protomem.Client, name: str) -> None:
        client.memory(name, encoder="vectors:2", width=8).learn(POINTS, ["a", "b"])
        header = server.client("read", [name]).headers["Authorization"]
        with protomem.Client(server.url, header.removeprefix("Bearer ")) as reader:
            assert [info.name for info in reader.memories()] == [name]
            with pytest.raises(protomem.NotAMemory, match="nothing here that this key may use"):
                reader.memory(name).forget(label="a")

    def test_after_close(self, client: protomem.Client, name: str, server: Served, key: str) -> None:
        with client.memory(name, encoder="vectors:2") as memory:
            pass
        memory.close()
        with pytest.raises(protomem.MemoryClosed, match="this memory is closed"):
            memory.classes()
        other = protomem.Client(server.url, key)
        memory = other.memory(name)
        other.close()
        with pytest.raises(protomem.MemoryClosed, match="this client is closed"):
            memory.classes()

    def test_after_close_in_an_event_loop(self, client: protomem.Client, name: str, server: Served, key: str) -> None:
        client.memory(name, encoder="vectors:2")

        async def use() -> None:
            async with protomem.AsyncClient(server.url, key) as other:
                async with await other.memory(name) as memory:
                    assert await memory.count() == 0
                with pytest.raises(protomem.MemoryClosed, match="this memory is closed"):
                    await memory.classes()
                assert name in [info.name for info in await other.memories()]
                await other.delete(name)
            with pytest.raises(protomem.MemoryClosed, match="this client is closed"):
                await other.memories()

        asyncio.run(use())


@dataclass
class answering:  # noqa: N801  # a context manager
    """A server that answers everything with this."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def __enter__(self) -> str:
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(told.status)
                for name, value in told.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told.body)))
                self.end_headers()
                self.wfile.write(told.body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_the_readmes_example_runs(server: Served, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "api" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, "api/README.md", "exec"), {"url": server.url, "key": key})  # noqa: S102  # our own file
    printed = [line for line in capsys.readouterr().out.splitlines() if "request_id" not in line]  # the server's log
    assert printed == ["east 2", "['learn', 'forget']"]
