"""Which errors the client raises, and that it is loaded when it is asked for and not before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import pytest
from tests.api.serving import Served

import protomem
from protomem import errors
from protomem_api.problems import TABLE
from protomem_client.reading import Problem, error_of

NUMBERS = count(1)
POINTS = [[1.0, 0.1], [0.1, 1.0]]


@pytest.fixture
def client(server: Served, key: str) -> Iterator[protomem.Client]:
    with protomem.Client(server.url, key) as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"client-errors-{next(NUMBERS)}"


def test_each_error_of_the_service_comes_back_as_itself() -> None:
    for kind, told in TABLE.items():
        expected = errors.ServerError if kind is errors.ProtomemError else kind
        detail = "encoding text needs an optional part that is not installed: pip install 'protomem[text]'"
        found = error_of(Problem(f"/problems/{told.name}", detail, told.status))
        assert type(found) is expected
        assert detail in str(found)


def test_a_missing_extra_of_the_server_is_named() -> None:
    detail = str(protomem.MissingExtra("looking for drift", "streams"))
    found = error_of(Problem("/problems/missing-extra", detail, 501))
    assert isinstance(found, protomem.MissingExtra)
    assert found.extra == "streams"
    assert str(found).startswith("on the server, looking for drift needs")


@pytest.mark.parametrize("given_", ["ключ", " a", "a ", "a\nb"])
def test_an_idempotency_key_fits_a_header(client: protomem.Client, name: str, given_: str) -> None:
    memory = client.memory(name, encoder="vectors:2", width=8)
    with pytest.raises(protomem.InvalidId, match="idempotency_key goes to the server in a header"):
        memory.learn(POINTS, ["a", "b"], idempotency_key=given_)


def test_the_library_loads_no_network_until_it_is_asked_to() -> None:
    code = """
import sys
import protomem
from protomem import *
loaded = {"httpx", "tenacity", "protomem_client", "msgspec"} & set(sys.modules)
assert not loaded, loaded
from protomem import AsyncClient, AsyncRemoteMemory, Client, RemoteMemory
assert protomem.Client is Client and "protomem_client" in sys.modules
assert not {"litestar", "uvicorn", "protomem_api", "duckdb"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_extra_is_named() -> None:
    code = """
import sys
sys.modules["httpx"] = None
import protomem
try:
    protomem.Client
except protomem.MissingExtra as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "protomem.Client needs" in ran.stdout
    assert "pip install 'protomem[client]'" in ran.stdout


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Klient'"):
        _ = protomem.Klient
