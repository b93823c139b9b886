"""JupyterLab in headless Chromium. Without a browser these tests are skipped, except where they must run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .lab import BROWSERS, Lab, find_browser, launch


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One server for all tests."""
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.close()


@pytest.fixture(scope="package")
def chromium():  # type: ignore[no-untyped-def]
    """One browser for all tests of this folder; while it is open this thread has a running event loop."""
    executable = find_browser()
    if executable is None:
        said = f"no browser on the PATH ({', '.join(BROWSERS)})"
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = launch(playwright, executable)
        yield running
        running.close()


@pytest.fixture
def tab(chromium):  # type: ignore[no-untyped-def]
    """A browser tab of its own, wide and high enough to see a form whole."""
    context = chromium.new_context(viewport={"width": 1100, "height": 1600})
    context.set_default_timeout(20000)
    yield context.new_page()
    context.close()
