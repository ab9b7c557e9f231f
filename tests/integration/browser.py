"""A real browser, and what no page of ours may do in it."""

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_BUSY = "the server responded with a status of 429"
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium).")


def launched() -> Iterator[Browser]:
    """Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        yield browser
        browser.close()


def watch(page: Page, complaints: list[str]) -> None:
    """Note what a page complains of: console errors, uncaught exceptions, violations of its own security policy.

    That the server was busy is no complaint: the page asks again.
    """

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and _BUSY not in message.text:
            complaints.append(message.text)

    def dismissed(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", dismissed)
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (e) => console.error(`CSP: ${e.violatedDirective}`))"
    )


def barriers(page: Page) -> list[str]:
    """What axe (https://github.com/dequelabs/axe-core) finds, be it ever so slight: its rules, and where."""
    found = Axe().run(page).response["violations"]
    return [f"{violation['id']}: {node['html'][:200]}" for violation in found for node in violation["nodes"]]


def open_live(page: Page, address: str) -> None:
    """Open a page and wait until it hears of changes."""
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("data-live", "yes")
