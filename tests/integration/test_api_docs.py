"""Swagger UI in a real browser: it shows the API, and an operation can be tried under the page's own policy."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, expect

from imagestore.settings import AZURITE, COSMOS_EMULATOR
from imagestore.web.app import create_app

from .browser import watch
from .conftest import TIMEOUT_S


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    """The web app alone: what is tried here asks no store."""
    away = {"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR, "WEB_INDEX": str(tmp_path / "index.sqlite")}
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(away), log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=[[listening]])
    thread.start()
    yield f"http://localhost:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


def test_an_operation_can_be_tried(browser: Browser, base: str) -> None:
    complaints: list[str] = []
    page = browser.new_page(base_url=base)
    page.set_default_timeout(TIMEOUT_S * 1000)
    watch(page, complaints)
    page.goto("/api/docs#/Overview/counts")
    operation = page.locator("#operations-Overview-counts")
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
    expect(operation.locator(".live-responses-table")).to_contain_text('"total"')
    page.close()
    assert complaints == []
