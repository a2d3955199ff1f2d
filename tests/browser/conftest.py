"""A real browser on a real server, and what it saw: answers, console, requests, overflow, contrast."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from retailhub.core.models import User
from tests.pages.conftest import Shop, shop

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

# The driver runs an event loop in the thread of the test, where Django would refuse our own queries.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    sync = pytest.importorskip("playwright.sync_api", reason="the playwright package is not installed")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium on this machine; CHROMIUM names one")
    with sync.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Visitor:
    """A person at a browser. `trouble` gathers what no page may do."""

    page: Page
    base: str
    trouble: list[str] = field(default_factory=list)
    expected_statuses: set[int] = field(default_factory=set)

    def go(self, path: str) -> int:
        answer = self.page.goto(self.base + path)
        # Panels come by themselves after the page; the shell shows itself once its script has run.
        self.page.wait_for_function(
            "!document.querySelector('.htmx-request') && (!document.documentElement.hasAttribute('x-cloak'))"
        )
        return answer.status if answer else 0

    def overflow(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def pale_words(self) -> list[str]:
        """Answer the words of our own pages that stand out too little from what is behind them."""
        return list(self.page.evaluate(CONTRAST))

    def heard(self, kind: str, text: str) -> None:
        if kind == "error" and any(f"status of {status}" in text for status in self.expected_statuses):
            return
        if kind in {"error", "warning"}:
            self.trouble.append(f"{kind}: {text}")


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Visitor]]:
    contexts: list[BrowserContext] = []

    def enter(user: User | None = None, *, width: int = 1360, mode: Any = "light", **options: Any) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 500 else 900}, color_scheme=mode, **options
        )
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            context.add_cookies(
                [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
            )
        page = context.new_page()
        visitor = Visitor(page=page, base=live_server.url)
        page.on("console", lambda message: visitor.heard(message.type, message.text))
        page.on("pageerror", lambda error: visitor.trouble.append(f"error: {error}"))
        page.on("request", lambda request: _only_ours(visitor, request.url))
        return visitor

    yield enter
    for context in contexts:
        context.close()


def _only_ours(visitor: Visitor, url: str) -> None:
    # The browser shows a PDF with a viewer of its own.
    if not url.startswith((visitor.base, "data:", "blob:", "chrome-extension:", "chrome:")):
        visitor.trouble.append(f"asked another host: {url}")


__all__ = ["Shop", "Visitor", "browser", "shop", "visit"]
