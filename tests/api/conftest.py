"""A server for the tests of this folder, and clients with keys of each role."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from tests.api.serving import Served, served
from tests.conftest import LetterEncoder

from protomem_api import Settings

NUMBERS = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that asks for keys, with the text encoder `letters`, which needs no model, and small limits."""
    settings = Settings(
        data=tmp_path_factory.mktemp("served"), encoders=("letters",), items=50, text_length=200, body_bytes=100_000
    )
    with served(settings, (LetterEncoder(),)) as running:
        yield running


@pytest.fixture(scope="session")
def admin(server: Served) -> httpx.Client:
    """A client with all rights."""
    return server.client("admin")


@pytest.fixture(scope="session")
def key(admin: httpx.Client) -> str:
    """The secret of a key with all rights."""
    return admin.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def texts(admin: httpx.Client) -> str:
    """The path of a new memory of texts that remembers four."""
    return taught(admin, {"encoder": "letters", "retain": "items", "width": 64}, TEXTS)


@pytest.fixture
def points(admin: httpx.Client) -> str:
    """The path of a new memory of points in the plane that remembers four."""
    return taught(admin, {"encoder": "vectors:2", "width": 64}, POINTS)


TEXTS = {
    "items": ["where is my parcel", "the parcel is late", "give me my money back", "refund my money"],
    "labels": ["delivery", "delivery", "refund", "refund"],
    "ids": ["t1", "t2", "t3", "t4"],
    "subjects": ["ann", "bob", "ann", None],
}
POINTS = {
    "items": [[1.0, 0.1], [1.0, -0.1], [0.1, 1.0], [-0.1, 1.0]],
    "labels": ["east", "east", "north", "north"],
    "ids": ["e1", "e2", "n1", "n2"],
    "subjects": ["ann", "bob", "ann", None],
}


def taught(admin: httpx.Client, settings: dict, examples: dict) -> str:
    name = f"memory-{next(NUMBERS)}"
    assert admin.post("/v1/memories", json={"name": name, **settings}).status_code == 201
    path = f"/v1/memories/{name}"
    assert admin.post(f"{path}/learn", json=examples).status_code == 200
    return path
