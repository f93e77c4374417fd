"""Learn, forget and predict by the line: in bounded memory, with bad lines, cut off, and beside single calls."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.api.processes import KEYS, ROOT, ServerProcess, write_keys
from tests.api.serving import wait_until
from tests.api.streams import Stream, Told, exchanged

README = ROOT / "api" / "README.md"

DIMENSION = 64
LINES = 20_000

MIB = 2**20
BOUND = 32 * MIB
"""How much a server may grow over a stream: some batches, and what the allocator keeps. The streams are far longer."""

PADDING = b" " * 6_000
"""Makes a line long without making it slow to read."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("data")
    write_keys(folder)
    with ServerProcess(folder, body_seconds=3) as server:
        yield server


def created(server: ServerProcess, name: str, dimension: int = DIMENSION, retain: str = "codes") -> str:
    body = {"name": name, "encoder": f"vectors:{dimension}", "width": 16, "retain": retain}
    server.client.post("/v1/memories", json=body).raise_for_status()
    return name


def digest(server: ServerProcess, name: str) -> str:
    found: str = server.client.get(f"/v1/memories/{name}").json()["digest"]
    return found


def encoded(*lines: object) -> list[bytes]:
    return [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]


def vectors(count: int, dimension: int = DIMENSION, seed: int = 0) -> list[list[float]]:
    found: list[list[float]] = np.random.default_rng(seed).normal(size=(count, dimension)).tolist()
    return found


@pytest.fixture(scope="module")
def some() -> list[bytes]:
    """As many lines of examples as are sent again and again: 1.3 KB each."""
    rows = vectors(500)
    return encoded(*({"item": row, "labels": f"label {number % 20}"} for number, row in enumerate(rows)))


def numbered(some: list[bytes], count: int) -> Iterator[bytes]:
    """This many examples, each with an id of its own."""
    for number in range(count):
        yield some[number % len(some)][:-1] + b',%b "id": "e%d"}' % (PADDING, number)


def test_a_long_stream_is_learned_predicted_and_forgotten_in_bounded_memory(
    served: ServerProcess, some: list[bytes]
) -> None:
    name = created(served, "long")
    length = sum(len(line) for line in numbered(some, LINES))
    assert length > 4 * BOUND
    exchanged(Stream(served, "learn", name), numbered(some, 500))  # what is allocated once, is
    before = served.resident
    learned = exchanged(Stream(served, "learn", name), numbered(some, LINES))
    remembered = LINES * (DIMENSION + 300)  # codes, ids and labels of the memory itself
    assert served.resident - before < BOUND + remembered
    assert learned[-1] == {"totals": {"learned": LINES - 500, "unchanged": 500}}
    assert [one["line"] for one in learned[:-1]] == list(range(1, LINES + 1))

    questions = (json.dumps({"item": json.loads(line)["item"]}).encode() for line in some)
    asked = encoded({"options": {"top_k": 1, "evidence": 0}}) + list(questions) * 4
    exchanged(Stream(served, "predict", name), asked[:100])
    extras = [json.loads(line) | {"id": f"extra {number}"} for number, line in enumerate(some[:20])]  # of every label
    exchanged(Stream(served, "learn", name), encoded(*extras))  # heads are solved beside those that answer meanwhile
    exchanged(Stream(served, "forget", name), encoded(*({"id": one["id"]} for one in extras)))
    before = served.resident
    answered = exchanged(Stream(served, "predict", name), asked)
    assert served.resident - before < BOUND
    assert answered[-1] == {"totals": {"answered": len(asked) - 1}}

    forgotten = exchanged(Stream(served, "forget", name), encoded(*({"id": f"e{number}"} for number in range(LINES))))
    assert served.resident - before < BOUND
    assert forgotten[-1] == {"totals": {"forgotten": LINES}}
    assert served.client.get(f"/v1/memories/{name}").json()["examples"] == 0


GOOD = {"item": [1.0, 2.0], "labels": "a"}
PICTURE = {"image": base64.b64encode(b"no picture").decode()}
BAD: list[tuple[object, str, str | None]] = [
    (b"nonsense", "malformed-json", None),
    (b'{"item": [1, 2], "labels": "a"', "malformed-json", None),
    (b"\xff\xfe", "malformed-json", None),
    (b'{"item": [NaN, 1], "labels": "a"}', "malformed-json", None),
    (b'{"item": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "invalid-input", "$.item[...]"),
    ([1, 2], "invalid-input", "$"),
    ({"item": [1.0, 2.0]}, "invalid-input", "$"),
    ({"labels": "a"}, "invalid-input", "$"),
    ({**GOOD, "more": 1}, "invalid-input", "$"),
    ({**GOOD, "labels": 3}, "invalid-input", "$.labels"),
    ({**GOOD, "labels": " "}, "invalid-label", "$.labels"),
    ({**GOOD, "labels": []}, "invalid-label", "$.labels"),
    ({**GOOD, "id": ""}, "invalid-id", "$.id"),
    ({**GOOD, "id": "x" * 2_000}, "invalid-id", "$.id"),
    ({**GOOD, "subject": "\0"}, "invalid-id", "$.subject"),
    ({**GOOD, "item": [1.0, 2.0, 3.0]}, "invalid-vectors", None),
    ({**GOOD, "item": [0.0, 0.0]}, "invalid-vectors", None),
    ({**GOOD, "item": []}, "invalid-vectors", None),
    ({**GOOD, "item": "a text"}, "invalid-vectors", None),
    ({**GOOD, "item": "x" * 30_000}, "too-large", "$.item"),
    ({**GOOD, "item": PICTURE}, "invalid-input", "$.item"),
    ({**GOOD, "id": "taken"}, "id-conflict", None),
    ({**GOOD, "id": "gone"}, "forgotten", None),
    (b'{"item": [1, 2], "labels": "' + b"a" * (4 * MIB) + b'"}', "too-large", None),
    ({"options": {"relearn": True}}, "invalid-input", "$"),  # it is not the first line
]


def test_a_bad_line_is_told_why_and_stops_no_other(served: ServerProcess) -> None:
    name = created(served, "bad", 2)
    path = f"/v1/memories/{name}"
    taken = {"items": [[5, 6], [7, 8]], "labels": ["a", "a"], "ids": ["taken", "gone"]}
    served.client.post(f"{path}/learn", json=taken).raise_for_status()
    served.client.post(f"{path}/forget", json={"ids": ["gone"]}).raise_for_status()
    lines: list[object] = [{**GOOD, "id": "good 0"}]
    for number, (line, _, _) in enumerate(BAD, 1):
        lines += [line, {**GOOD, "id": f"good {number}"}]
    *told, end = exchanged(Stream(served, "learn", name), encoded(*lines))
    assert end == {"totals": {"learned": len(BAD) + 1, "error": len(BAD)}}
    assert [one["line"] for one in told] == list(range(1, len(lines) + 1))
    assert {one["id"] for one in told[::2]} == {f"good {number}" for number in range(len(BAD) + 1)}
    for one, (line, problem, place) in zip(told[1::2], BAD, strict=True):
        assert one["status"] == "error", line
        assert one["problem"]["type"] == f"/problems/{problem}", (str(line)[:80], one)
        if place is not None:
            assert one["problem"]["path"].startswith(place.removesuffix("[...]")), (str(line)[:80], one)
    listed = served.client.get(f"{path}/examples", params={"limit": 1_000}).json()["examples"]
    assert {one["id"] for one in listed} == {"taken", *(f"good {number}" for number in range(len(BAD) + 1))}


def test_a_line_comes_to_what_a_call_of_its_own_would(served: ServerProcess) -> None:
    """Also among bad ones, and where one depends on the line before it."""
    rows = vectors(40, 4)
    lines: list[dict[str, Any]] = [
        {"item": row, "labels": ["x", "y"] if number % 3 else "x", "id": f"i{number % 30}", "subject": f"s{number % 4}"}
        for number, row in enumerate(rows)
    ]
    lines += [lines[0], {**lines[1], "labels": "z"}, lines[2]]
    together, apart = created(served, "together", 4), created(served, "apart", 4)
    told = exchanged(Stream(served, "learn", together), encoded(*lines))[:-1]
    assert [status(one) for one in told] == [learned_alone(served, apart, line) for line in lines]
    assert digest(served, together) == digest(served, apart)

    questions = vectors(7, 4, seed=1)
    told = exchanged(Stream(served, "predict", together), encoded(*({"item": one} for one in questions)))[:-1]
    alone = [served.client.post(f"/v1/memories/{apart}/predict", json={"items": [one]}).json() for one in questions]
    assert [one["answer"] for one in told] == [one["answers"][0] for one in alone]

    ids = ["i1", "i2", "nowhere", "i2", "i3"]
    told = exchanged(Stream(served, "forget", together), encoded(*({"id": id} for id in ids)))[:-1]
    assert [one["status"] for one in told] == ["forgotten", "forgotten", "error", "error", "forgotten"]
    calls = [served.client.post(f"/v1/memories/{apart}/forget", json={"ids": [id]}) for id in ids]
    assert [status(one) for one in told] == ["forgotten" if call.is_success else call.json()["type"] for call in calls]
    assert digest(served, together) == digest(served, apart)


def status(told: Told) -> str:
    found: str = told["problem"]["type"] if told["status"] == "error" else told["status"]
    return found


def learned_alone(server: ServerProcess, name: str, line: dict[str, Any]) -> str:
    body = {"items": [line["item"]], "labels": [line["labels"]], "ids": [line["id"]], "subjects": [line["subject"]]}
    answer = server.client.post(f"/v1/memories/{name}/learn", json=body).json()
    return "learned" if answer.get("ids") else "unchanged" if "unchanged" in answer else answer["type"]


def with_bad_ones(count: int) -> list[bytes]:
    """Lines without ids, of which some are bad and some are empty."""
    lines = encoded(*({"item": row, "labels": f"l{number % 5}"} for number, row in enumerate(vectors(count, 4))))
    for number in range(7, count, 90):
        lines[number] = (b"nonsense", b"", json.dumps({"item": [1, 2, 3], "labels": "a"}).encode())[number % 3]
    return lines


@pytest.mark.parametrize("after", [1, 300, 900])
def test_a_stream_that_was_cut_goes_on_when_it_is_sent_again(served: ServerProcess, after: int) -> None:
    """It is cut when so many lines were answered, twice; then it is as if it had come once."""
    lines = with_bad_ones(1_500)
    cut, whole = created(served, f"cut-{after}", 4), created(served, f"whole-{after}", 4)

    async def cut_short() -> list[Told]:
        told: list[Told] = []
        async with Stream(served, "learn", cut, key="the same") as stream:
            await stream.send(lines[: after + 400], end=False)
            answers = stream.answers()
            while len(told) < after:
                told.append(await anext(answers))
        return told

    first = asyncio.run(cut_short())
    assert asyncio.run(cut_short()) == first
    then = exchanged(Stream(served, "learn", cut, key="the same"), lines)
    assert then[:after] == first
    expected = exchanged(Stream(served, "learn", whole, key="the same"), lines)
    assert then[-1] == expected[-1]
    assert digest(served, cut) == digest(served, whole)
    assert exchanged(Stream(served, "learn", cut, key="the same"), lines) == then
    receipts = served.client.get(f"/v1/memories/{cut}/receipts", params={"limit": 1_000}).json()["receipts"]
    assert sum(one["count"] for one in receipts) == then[-1]["totals"]["learned"]

    ids = [one["id"] for one in then if one.get("status") == "learned"]
    gone = encoded(*({"id": id} for id in ids[:600]))
    once = exchanged(Stream(served, "forget", cut, key="forget"), gone)
    assert exchanged(Stream(served, "forget", cut, key="forget"), gone) == once
    assert once[-1] == {"totals": {"forgotten": 600}}


def test_what_was_forgotten_meanwhile_does_not_come_back_with_the_stream(served: ServerProcess) -> None:
    name = created(served, "stale", 4)
    lines = with_bad_ones(300)
    told = exchanged(Stream(served, "learn", name, key="k"), lines)
    ids = [one["id"] for one in told if one.get("status") == "learned"]
    served.client.post(f"/v1/memories/{name}/forget", json={"ids": ids[:100]}).raise_for_status()
    before = digest(served, name)
    exchanged(Stream(served, "learn", name, key="k"), lines)
    exchanged(Stream(served, "learn", name, key="k"), [*lines, *with_bad_ones(10)])
    listed = served.client.get(f"/v1/memories/{name}/examples", params={"limit": 1_000}).json()["examples"]
    assert not {one["id"] for one in listed} & set(ids[:100])
    assert before != digest(served, name)  # the ten lines that were new


def test_a_memory_that_keeps_nothing_gives_receipts_to_forget_by(served: ServerProcess) -> None:
    name = created(served, "sums", 4, retain="nothing")
    told = exchanged(Stream(served, "learn", name), with_bad_ones(300))
    receipts = [one["receipt"] for one in told if "receipt" in one]
    assert sum(len(one["content"]) for one in receipts) == told[-1]["totals"]["learned"]
    for receipt in receipts:
        served.client.post(f"/v1/memories/{name}/forget", json={"receipt": receipt}).raise_for_status()
    assert served.client.get(f"/v1/memories/{name}").json()["examples"] == 0


@pytest.mark.parametrize(
    ("verb", "options", "path"),
    [
        ("learn", {"relearn": 1}, "$.options.relearn"),
        ("learn", {"top_k": 1}, "$.options"),
        ("predict", {"top_k": 0}, "$.options.top_k"),
        ("predict", {"items": []}, "$.options.items"),
        ("predict", {"relearn": True}, "$.options"),
    ],
)
def test_options_that_cannot_be_taken_end_the_stream(
    served: ServerProcess, verb: str, options: dict[str, object], path: str
) -> None:
    name = f"options-{verb}"
    created(served, name, 2)
    lines = encoded({"options": options}, {"item": [1, 2]})
    (end,) = exchanged(Stream(served, verb, name), lines)
    assert end["totals"] == {}
    assert (end["problem"]["status"], end["problem"]["path"]) == (422, path)


def test_relearning_is_an_option(served: ServerProcess) -> None:
    name = created(served, "again", 2)
    line = {"item": [1.0, 2.0], "labels": "a", "id": "x"}
    exchanged(Stream(served, "learn", name), encoded(line))
    exchanged(Stream(served, "forget", name), encoded({"id": "x"}))
    assert exchanged(Stream(served, "learn", name), encoded(line))[0]["problem"]["type"] == "/problems/forgotten"
    told = exchanged(Stream(served, "learn", name), encoded({"options": {"relearn": True}}, line))
    assert told == [{"line": 2, "status": "learned", "id": "x"}, {"totals": {"learned": 1}}]


def test_who_may_send_lines(served: ServerProcess) -> None:
    created(served, "m", 2)
    for verb, line in (("learn", GOOD), ("forget", {"id": "x"}), ("predict", {"item": [1.0, 2.0]})):
        for role in ("admin", "writer", "reader", "other", "stranger"):
            with served.as_(role) as client:
                headers = {"Content-Type": "application/x-ndjson"}
                answers = [
                    client.post(f"/v1/memories/{name}/{verb}", content=json.dumps(line), headers=headers)
                    for name in ("m", "nowhere")
                ]
            if role == "stranger":
                expected = [401, 401]
            else:
                may = role in ("admin", "writer") or (role == "reader" and verb == "predict")
                expected = [200 if may else 404, 404]
            assert [answer.status_code for answer in answers] == expected
            if expected[0] == expected[1]:
                assert answers[0].content == answers[1].content


def test_a_caller_who_does_not_read_is_not_read_from(served: ServerProcess, some: list[bytes]) -> None:
    """What waits in the connection is all that waits; after `body_seconds` the server gives up."""
    name = created(served, "deaf")
    exchanged(Stream(served, "learn", name), numbered(some, 500))
    question = json.dumps({"item": json.loads(some[0])["item"]}).encode()
    sent = 0

    def questions() -> Iterator[bytes]:
        nonlocal sent
        yield json.dumps({"options": {"top_k": 20, "evidence": 20}}).encode()
        for _ in range(LINES):
            sent += 1
            yield question

    async def never_read() -> None:
        async with Stream(served, "predict", name) as stream:
            stream.begin(questions())
            await asyncio.to_thread(wait_until, lambda: ended(served, "predict") == before + 1)

    before, resident = ended(served, "predict"), served.resident
    asyncio.run(never_read())
    assert sent < LINES
    assert served.resident - resident < BOUND


def ended(server: ServerProcess, verb: str) -> int:
    """How many streams of this verb the server has logged at their end."""
    return server.log().count(f"/{verb}/lines")


def test_a_caller_that_stops_in_the_middle_is_told_so(served: ServerProcess) -> None:
    name = created(served, "slow", 2)

    async def stall() -> list[Told]:
        async with Stream(served, "learn", name) as stream:
            await stream.send(encoded(*({**GOOD, "id": f"e{number}"} for number in range(300))), end=False)
            return [one async for one in stream.answers()]

    told = asyncio.run(stall())
    assert Counter(one.get("status") for one in told) == {"learned": 256, None: 1}
    assert told[-1]["problem"]["type"] == "/problems/body-too-slow"


def test_a_stream_ends_where_its_memory_is_deleted(served: ServerProcess) -> None:
    name = created(served, "brief", 2)

    async def cut_off() -> list[Told]:
        lines = encoded(*({**GOOD, "id": f"e{number}"} for number in range(512)))
        async with Stream(served, "learn", name) as stream:
            await stream.send(lines[:256], end=False)
            told = stream.answers()
            found = [await anext(told) for _ in range(256)]
            assert (await asyncio.to_thread(served.client.delete, f"/v1/memories/{name}")).status_code == 204
            await stream.send(lines[256:])
            return found + [one async for one in told]

    told = asyncio.run(cut_off())
    assert told[-1]["totals"] == {"learned": 256}
    assert told[-1]["problem"]["type"] == "/problems/not-found"


def test_nothing_of_a_line_is_logged(served: ServerProcess, tmp_path: Path) -> None:
    name = created(served, "quiet", 2)
    line = {"item": [0.717171, 1.0], "labels": "marked-label", "id": "marked-id", "subject": "marked-subject"}
    exchanged(Stream(served, "learn", name), encoded(line, {**line, "labels": "marked-other"}, b"marked-nonsense"))
    assert "marked" not in served.log()
    assert "0.717171" not in served.log()


def test_the_lines_in_the_readme_are_answered_as_it_says(served: ServerProcess, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    created(served, "points", 2)
    console = README.read_text(encoding="utf-8").split("## Bulk")[1].split("```console")[1].split("```")[0]
    _, lines, shown = console.split("\n$ ", 2)
    (tmp_path / "examples.jsonl").write_text(lines.split("\n", 1)[1] + "\n")
    command, shown = re.split(r"\n(?=\{)", shown, maxsplit=1)
    environment = os.environ | {"PROTOMEM_API_KEY": KEYS["admin"], "PROTOMEM_URL": served.url}
    ran = subprocess.run(
        ["bash", "-c", command], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    answered = ran.stdout.splitlines()
    assert len(answered) == len(shown.splitlines())
    for found, told in zip(answered, shown.splitlines(), strict=True):
        assert all(piece in found for piece in told.split("…"))
