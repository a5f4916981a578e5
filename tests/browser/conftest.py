"""A real Chromium against a live site. Skips, and says so, where Chromium is missing."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SIZES = {"1280": {"width": 1280, "height": 900}, "390": {"width": 390, "height": 844}}
FLAGS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("chromium"):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has no sandbox for root
    return {**browser_type_launch_args, "executable_path": shutil.which("chromium"), "args": [*FLAGS, *sandbox]}


@pytest.fixture(scope="session", autouse=True)
def django_beside_playwright() -> Iterator[None]:
    """Playwright's sync interface leaves an event loop in this thread; Django would refuse the ORM because of it.

    It stays until the session ends, so these tests run after all others (see tests/conftest.py).
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


def faults(page: Page) -> list[str]:
    """What axe finds on this page: rule, impact, and where. WCAG 2 A and AA."""
    page.evaluate(AXE)  # evaluated, not added as a script: our policy refuses an inline one
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']}).then(r => r.violations)"
    )
    return [
        f"{fault['id']} ({fault['impact']}): {'; '.join(' '.join(node['target']) for node in fault['nodes'][:3])}"
        for fault in found
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width
