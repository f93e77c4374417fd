"""Long work is followed to its end, by events or by asking again; most answers here are made up as a server's are."""

from __future__ import annotations

import json

import httpx
import pytest
from playwright.sync_api import Page, Route, expect
from tests.api.console.browsing import Console

JOB = {
    "id": "j1", "kind": "verify", "memory": "m", "state": "queued", "created": "2026-11-21T10:00:00+00:00",
    "done": 0, "total": 0, "result": None, "problem": None, "ended": None,
}  # fmt: skip
RUNNING = JOB | {"state": "running", "done": 3, "total": 4}
CHECKS = [
    {"name": "V1 examples", "ok": True, "detail": "4 kept"},
    {"name": "V2 statistics", "ok": True, "detail": "equal"},
]
DONE = JOB | {"state": "done", "result": {"ok": True, "checks": CHECKS, "digest": "00", "examples": 4}}
FAILED = JOB | {
    "state": "failed",
    "problem": {"type": "/problems/x", "title": "Busy", "status": 503, "detail": "later"},
}


def answering(page: Page, path: str, status: int, body: object, kind: str = "application/json") -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    page.route(path, lambda route: route.fulfill(status=status, body=text, content_type=kind))


def events(*jobs: dict) -> str:
    return "".join(f"id: {row}\r\nevent: progress\r\ndata: {json.dumps(job)}\r\n\r\n" for row, job in enumerate(jobs))


@pytest.fixture
def receipts_view(tab: Console, key: str, points: str) -> Page:
    answering(tab.page, "**/verify", 202, JOB)
    page = tab.open(f"/m/{points.rpartition('/')[2]}/receipts", key)
    expect(page.locator("tbody tr")).to_have_count(1)
    return page


def test_events_tell_how_far_it_is_and_what_came_of_it(receipts_view: Page) -> None:
    stream = events(RUNNING) + ": the job goes on\r\n\r\n" + events(DONE)
    answering(receipts_view, "**/v1/jobs/j1/events", 200, stream, "text/event-stream")
    receipts_view.get_by_role("button", name="Verify everything").click()
    expect(receipts_view.get_by_text("Everything holds, over 4 examples.")).to_be_visible()
    expect(receipts_view.locator(".checks li.ok")).to_have_count(2)


def test_without_events_it_is_asked_again(receipts_view: Page) -> None:
    told = iter([RUNNING, DONE])
    answering(receipts_view, "**/v1/jobs/j1/events", 404, {})

    def next_state(route: Route) -> None:
        route.fulfill(json=next(told))

    receipts_view.route("**/v1/jobs/j1", next_state)
    receipts_view.get_by_role("button", name="Verify everything").click()
    expect(receipts_view.locator(".job .meter-row")).to_contain_text("75%")
    expect(receipts_view.get_by_text("Everything holds, over 4 examples.")).to_be_visible()


def test_a_failure_is_told_in_the_servers_words(receipts_view: Page) -> None:
    answering(receipts_view, "**/v1/jobs/j1/events", 200, events(FAILED), "text/event-stream")
    receipts_view.get_by_role("button", name="Verify everything").click()
    expect(receipts_view.locator(".job")).to_contain_text("later")


def test_a_report_is_shown_in_tables(tab: Console, key: str, points: str) -> None:
    asked = JOB | {"kind": "report"}
    answering(tab.page, "**/v1/jobs?*", 200, {"jobs": [], "next": None})
    answering(tab.page, "**/report", 202, asked)
    answering(
        tab.page, "**/v1/jobs/j1/events", 200, events(asked | {"state": "done", "result": REPORT}), "text/event-stream"
    )
    page = tab.open(f"/m/{points.rpartition('/')[2]}/jobs", key)
    expect(page.get_by_text("No jobs yet")).to_be_visible()
    page.get_by_role("button", name="Report").click()
    expect(page.get_by_role("table", name="Accuracy as the examples came").locator("tbody tr")).to_have_text(
        ["51–10068%2.0%", "101–15090%0.0%"]
    )
    expect(page.get_by_role("table", name="What is confused most").locator("tbody tr")).to_have_text(["eastnorth7"])
    assert not tab.accessibility_faults()


WINDOW = {"start": 50, "end": 100, "tested": 50, "accuracy": 0.68, "new_labels": 7, "novelty": 0.5, "strange": 0.02}
STREAM = {
    "length": 150,
    "tested": 100,
    "accuracy": 0.79,
    "accuracy_known": 0.8,
    "windows": [WINDOW, WINDOW | {"start": 100, "end": 150, "accuracy": 0.9, "strange": 0.0}],
    "recent": [],
    "confused": [{"labels": ["east"], "answer": "north", "count": 7}],
    "alarms": [],
    "false_alarm": 0.01,
}
SIZES = {"count": 2, "largest": None, "smallest": None, "singletons": 0}
REPORT = {"examples": 150, "classes": SIZES, "stream": STREAM, "costs": None}


def test_a_server_without_jobs_is_said_to_have_none(tab: Console, key: str, points: str) -> None:
    answering(tab.page, "**/v1/jobs?*", 404, {"title": "Not found", "detail": "nothing here"})
    answering(tab.page, "**/verify", 404, {"title": "Not found", "detail": "nothing here"})
    page = tab.open(f"/m/{points.rpartition('/')[2]}/jobs", key)
    expect(page.get_by_text("No jobs on this server")).to_be_visible()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("alert")).to_contain_text("does not run jobs")


def test_a_real_server_verifies(tab: Console, key: str, points: str, admin: httpx.Client) -> None:
    if admin.get("/v1/jobs").status_code == 404:
        pytest.skip("this server runs no jobs")
    page = tab.open(f"/m/{points.rpartition('/')[2]}/jobs", key)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("Everything holds, over 4 examples.")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Done")).to_be_visible()
