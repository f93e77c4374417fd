"""The pages of the HTTP API: every route is there, can be tried with a key, and nothing is asked of elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect
from tests.api.console.browsing import Console

PICTURES = Path(__file__).parents[3] / ".screenshots"
DOCUMENT = json.loads((Path(__file__).parents[3] / "api" / "openapi.json").read_bytes())


def test_every_operation_is_there_and_may_be_tried_in_the_consoles_colours(tab: Console, key: str, points: str) -> None:
    page = tab.page
    page.goto(f"{tab.url}/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    shown = set(page.locator(".opblock-summary-operation-id").all_inner_texts())
    assert shown == {one["operationId"] for path in DOCUMENT["paths"].values() for one in path.values()}
    page.get_by_role("button", name="Authorize").click()
    asked = page.locator(".modal-ux")
    asked.get_by_role("textbox").fill(key)
    asked.get_by_role("button", name="Apply credentials").click()
    asked.get_by_role("button", name="Close").last.click()
    operation = page.locator("#operations-listing-listClasses")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("name").fill(points.rpartition("/")[2])
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response")
    expect(answer).to_contain_text("200")
    expect(answer).to_contain_text('"north": 2')
    for scheme, ground in (("light", "rgb(246, 246, 243)"), ("dark", "rgb(18, 19, 21)")):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("body")).to_have_css("background-color", ground)
        expect(page.locator("html")).to_have_class("dark-mode" if scheme == "dark" else "")
        page.screenshot(path=PICTURES / f"docs-{scheme}.png")
    page.get_by_role("link", name="Console").click()
    expect(page.get_by_role("heading", name="API key")).to_be_visible()
    assert page.get_by_role("link", name="API", exact=True).get_attribute("href") == "docs"
