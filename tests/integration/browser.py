"""Debian's Chromium, driven by Playwright, on a real page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.faults.harness.tools import missing

VARIABLE = "CHROMIUM_BIN"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DEADLINE_MS = 20_000
NOTABLE = ("error", "warning")


def chromium() -> Path:
    """Skips the test, or fails it where tools are required, when there is none."""
    for name in (os.environ.get(VARIABLE), "chromium", "chromium-browser", "google-chrome"):
        if name and (found := shutil.which(name)):
            return Path(found)
    return missing("Chromium", f"`make tools`, or name one in {VARIABLE}")


@contextmanager
def browser() -> Iterator[Browser]:
    """A new one, with nothing remembered."""
    executable = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        try:
            yield opened
        finally:
            opened.close()


class Visit:
    """A page in a context of its own; ``complaints`` are what its console said and what its scripts threw."""

    def __init__(self, opened: Browser, url: str, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self._context = opened.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        self._url = url.removesuffix("/docs")
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(DEADLINE_MS)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in NOTABLE:
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:")):
            self.foreign.append(request.url)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def violations(self) -> str:
        """What axe finds of WCAG 2 A and AA and of its good practice, empty where nothing is wrong."""
        found = Axe().run(self.page)
        return found.generate_report() if found.violations_count else ""

    def overflows(self) -> bool:
        """Whether the page is wider than its window."""
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        return wide
