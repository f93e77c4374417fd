"""A job that is asked for again with the same idempotency key is the same job."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
from tests.api.processes import ROWS, ServerProcess, ask, create, write_keys


def test_the_same_key_gives_the_same_job_also_after_a_restart(tmp_path: Path) -> None:
    write_keys(tmp_path)
    recent = {"recent": [[1.0] * 8], "windows": 2}
    with ServerProcess(tmp_path) as server:
        create(server.client, "m")
        create(server.client, "other", 2 * ROWS)

        def again(key: str, kind: str, memory: str = "m", body: dict[str, Any] | None = None) -> httpx.Response:
            return server.client.post(f"/v1/memories/{memory}/{kind}", json=body, headers={"Idempotency-Key": key})

        with server.held():
            first = again("first key", "verify").json()
            assert again("first key", "verify").json()["id"] == first["id"]
        ended = server.wait_for(first["id"], "done")
        assert again("first key", "verify").json() == ended
        reported = again("second key", "report", body=recent).json()
        assert again("second key", "report", body=recent).json()["id"] == reported["id"]
        assert again("first key", "verify", "other").json()["id"] != first["id"]
        assert again("third key", "verify").json()["id"] != first["id"]
        assert ask(server.client, "verify")["id"] != ask(server.client, "verify")["id"]
        for answer in (
            again("first key", "purge"),
            again("first key", "report", body={}),
            again("second key", "report", body=recent | {"windows": 3}),
            again("second key", "report", body=recent | {"recent": [[2.0] * 8]}),
            again("second key", "report", body={"windows": 2}),
        ):
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/request-conflict")
        assert again("", "verify").status_code == 422
        server.kill()
        server.start()
        assert again("first key", "verify").json() == ended
        assert again("second key", "report", body=recent).json()["id"] == reported["id"]
        assert again("first key", "purge").status_code == 409
        assert not any(b"first key" in file.read_bytes() for file in (tmp_path / "jobs").iterdir())


def test_many_that_ask_at_once_with_one_key_get_one_job(tmp_path: Path) -> None:
    write_keys(tmp_path)

    async def asked(server: ServerProcess) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.url, headers=server.client.headers, timeout=30) as client:
            headers = {"Idempotency-Key": "at once"}
            return await asyncio.gather(*(client.post("/v1/memories/m/verify", headers=headers) for _ in range(20)))

    with ServerProcess(tmp_path) as server:
        create(server.client, "m", 2 * ROWS)
        answers = asyncio.run(asked(server))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
