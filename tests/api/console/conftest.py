"""A real Chromium, and tabs in it that must stay without faults."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from tests.api.console.browsing import Console
from tests.api.serving import Served

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of this machine, headless. Chromium's sandbox does not run for root, which CI is.

    Of this folder, not of the session: as long as it is there Playwright holds the event loop of this thread.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"there is none of {', '.join(NAMES)}: install the package chromium")
    arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # nothing from elsewhere, ever
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """A window whose tabs share what the browser keeps of the console's files, and no session."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context


@pytest.fixture(scope="session")
def key(admin: httpx.Client) -> str:
    """The secret of an admin's key."""
    return admin.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def tab(window: BrowserContext, server: Served) -> Iterator[Console]:
    """A new tab, which must have had no fault when the test ends."""
    opened = Console(window, server.url)
    yield opened
    opened.page.close()
    assert not opened.faults, "\n".join(opened.faults)
