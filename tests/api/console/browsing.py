"""A page of the console in a real browser, and what it must not do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

AXE = Path(__file__).parent / "vendor" / "axe.min.js"

PATIENCE = 10_000
"""Milliseconds until a test gives up on what it waits for; nothing takes so long."""


class Console:
    """One tab with a session of its own. `faults` are errors of scripts and of the content policy, and what is asked
    of elsewhere.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.faults: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        self.page.on("request", self._asked)

    def open(self, path: str, key: str = "") -> Page:
        """Go to a view, with this key as if it had been typed in."""
        if key:
            self.page.add_init_script(f"sessionStorage.setItem('protomem-key', '{key}')")
        self.page.goto(f"{self.url}/#{path}")
        return self.page

    def accessibility_faults(self, rules: Sequence[str] = ()) -> list[str]:
        """Serious and critical faults that axe finds in the page as it is: by all of its rules, or by these."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
        found = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:200]} {node['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        told_by_the_browser = "Failed to load resource"  # a status from 400 on, which the page tells too
        if message.type in ("error", "warning") and told_by_the_browser not in message.text:
            self.faults.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"asked elsewhere: {request.url}")
