"""Takes the screenshots of the docs from a running stack: `make screenshots`. Needs Chromium."""

import io
import shutil
import tempfile
from pathlib import Path

import requests
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.settings import ROOT

DOCS = ROOT / "docs"
PORTS = Ports.from_base(24050)
SHOTS = (("drop", "/"), ("gallery", "/gallery"), ("dashboard", "/dashboard"))


def shoot(page: Page, name: str) -> None:
    """One picture of what the page shows now, once its own pictures are there."""
    page.wait_for_function(
        "() => [...document.images].filter((i) => i.getBoundingClientRect().top < innerHeight).every((i) => i.complete)"
    )
    Image.open(io.BytesIO(page.screenshot())).save(DOCS / f"{name}.webp", quality=88, method=6)


def main() -> None:
    """The command."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is needed: on Debian, apt-get install chromium.")
    base = f"http://localhost:{PORTS.web}"
    with tempfile.TemporaryDirectory() as folder, Stack(Options(PORTS, Path(folder), with_web=True)) as stack:
        stack.start(print)
        files = {file.name: file.read_bytes() for file in sorted((ROOT / "samples").glob("*.jpg"))}
        for name, data in {"warming up.jpg": files["cat.jpg"], "notes.txt": b"Not a picture.", **files}.items():
            query = {"name": name, "wait": "30"}
            answer = requests.post(f"{base}/api/v1/pictures", params=query, data=data, timeout=60).json()
            if name.startswith("warming"):
                requests.delete(f"{base}/api/v1/pictures/{answer['id']}", timeout=60)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(base_url=base, viewport={"width": 1280, "height": 860}, bypass_csp=True)
            for name, address in SHOTS:
                page.goto(address)
                shoot(page, name)
            page.goto("/gallery")
            page.locator(".card", has_text="cat.jpg").locator("a").click()
            page.wait_for_url("**/pictures/*")
            shoot(page, "picture")
            browser.close()


if __name__ == "__main__":
    main()
