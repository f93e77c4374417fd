"""Every view at two widths, light and dark: nothing wider than the screen, no fault of accessibility, and a picture.

The pictures go to `.screenshots`, which is not in the repository, for whoever wants to look at them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.api.console.browsing import Console

PICTURES = Path(__file__).parents[3] / ".screenshots"
NAME = "looked-at"
SCREENS = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}

LOOKED_AT = {
    ("wide", "light"): (),
    ("narrow", "dark"): ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"),
}
"""Where axe looks, by all of its rules, and by those that depend on the colours or the width."""

TEXTS = {
    "delivery": [
        "where is my parcel",
        "the parcel is late",
        "the courier did not come",
        "my delivery was due on monday",
    ],
    "refund": ["give me my money back", "refund my money", "the money is not back yet"],
    "card": ["my card was charged twice", "the card was declined", "card payment does not work"],
    "account": ["i cannot sign in", "delete my account", "change my address please"],
}


@pytest.fixture(scope="module")
def memory(admin: httpx.Client) -> str:
    """A memory with something to see in every view."""
    admin.post("/v1/memories", json={"name": NAME, "encoder": "letters", "retain": "items", "width": 64})
    for label, texts in TEXTS.items():
        subjects = [f"customer-{row}" for row in range(len(texts))]
        body = {"items": texts, "labels": [label] * len(texts), "subjects": subjects}
        admin.post(f"/v1/memories/{NAME}/learn", json=body).raise_for_status()
    return NAME


def test_every_view_looks_right(tab: Console, key: str, memory: str) -> None:
    seen: list[str] = []
    for view, page in views(tab, key):
        for screen, size in SCREENS.items():
            for scheme in ("light", "dark"):
                page.set_viewport_size(size)
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.screenshot(path=PICTURES / f"{view}-{screen}-{scheme}.png", full_page=True)
                if (screen, scheme) in LOOKED_AT:
                    faults = tab.accessibility_faults(LOOKED_AT[screen, scheme])
                    assert not faults, f"{view}:\n" + "\n".join(faults)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{view} is {width} pixels wide on the {screen} screen"
        page.set_viewport_size(SCREENS["wide"])
        seen.append(view)
    assert len(seen) == 3 + len(VIEWS)


def views(tab: Console, key: str) -> Iterator[tuple[str, Page]]:
    """Each view as a person would see it, with its name."""
    page = tab.open("/")
    expect(page.get_by_label("Key", exact=True)).to_be_visible()
    yield "key", page
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    yield "memories", page
    page.get_by_role("button", name="New memory").click()
    yield "new-memory", page
    page.keyboard.press("Escape")
    page.get_by_role("heading", name=NAME).click()
    for view, show in VIEWS.items():
        page.get_by_role("link", name=re.compile(f"^{view.partition('-')[0]}", re.IGNORECASE)).first.click()
        show(page)
        yield view, page
        page.keyboard.press("Escape")  # of the dialog, where there is one


def ask(page: Page, text: str) -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Ask").click()


def answered(page: Page) -> None:
    ask(page, "where is the parcel i ordered")
    expect(page.get_by_role("article", name="The answer")).to_be_visible()


def strange(page: Page) -> None:
    """So few examples cannot make anything look strange, so the answer is given here."""
    page.route("**/predict", lambda route: route.fulfill(json={"answers": [STRANGE]}))
    ask(page, "qqq xxx zzz")
    expect(page.get_by_role("heading", name="None of these")).to_be_visible()
    page.unroute("**/predict")


STRANGE = {
    "label": None,
    "probability": 0.41,
    "ranking": [{"label": "card", "probability": 0.41}, {"label": "refund", "probability": 0.33}],
    "label_set": [],
    "novelty": 0.01,
    "abstained": True,
    "evidence": [{"id": "x-1", "labels": ["card"], "similarity": 0.12, "item": None}],
    "heads": ["kernel"],
    "explanation": None,
}


def opened(page: Page) -> None:
    page.get_by_role("button", name="refund", exact=True).click()
    expect(page.locator(".examples li")).to_have_count(3)


def drawn(page: Page) -> None:
    page.get_by_label("Who is near").select_option("card")
    expect(page.locator(".map-frame canvas")).to_be_visible()


def confirmed(page: Page) -> None:
    page.get_by_label("Subject", exact=True).last.fill("customer-1")
    page.get_by_role("button", name="Show what will go").click()
    expect(page.get_by_role("dialog")).to_contain_text("Forget 4 examples of customer-1?")


def taught(page: Page) -> None:
    page.get_by_label("Texts").fill("too long" * 50)
    page.get_by_label("Label", exact=True).fill("account")
    page.get_by_role("button", name="Teach", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("characters")


def listed(page: Page) -> None:
    expect(page.locator("tbody tr")).to_have_count(4)
    page.locator("tbody button").first.click()


def waited(page: Page) -> None:
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


VIEWS: dict[str, Callable[[Page], None]] = {
    "try": answered,
    "try-strange": strange,
    "classes": opened,
    "map": drawn,
    "forget": confirmed,
    "teach": taught,
    "receipts": listed,
    "jobs": waited,
}
