"""The Chromium that is on this machine, driven headless."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable() -> str | None:
    """$CHROMIUM, or the first of the usual names on the PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def running() -> Iterator[Any]:
    """A browser of Playwright's; it ends with the block. Raises LookupError where there is no Chromium."""
    from playwright.sync_api import sync_playwright

    path = executable()
    if path is None:
        raise LookupError(
            f"there is no Chromium here: none of {', '.join(NAMES)} is on the PATH, and $CHROMIUM is not set"
        )
    with sync_playwright() as playwright:
        # No sandbox: it needs rights that a container's root has not. What is opened are our own files.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
