"""Takes the screenshots of the docs from a running stack: `make screenshots`. Needs Chromium."""

import io
import shutil
import tempfile
from pathlib import Path

import requests
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from bench.drawn import COLOURS, drawn
from imagestore.configure import open_stores
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.settings import ROOT
from model.training.recipe import Held
from model.training.train import TrainingOptions
from model.versions import gather, train_version
from preprocess import Fit, Limits

DOCS = ROOT / "docs"
PORTS = Ports.from_base(24050)
HELD = Held(colour=False, fit=Fit.CROP, level=False, middle=False, backbone="lite0", views=0)
"""How the version on the pictures is trained: nothing is left to be chosen, which takes seconds."""
SHOTS = (
    ("drop", "/"), ("gallery", "/gallery"), ("dashboard", "/dashboard"), ("label", "/label"), ("review", "/review"),
)  # fmt: skip
LATER = (
    ("train", "/train?project={name}"), ("train-pictures", "/train/pictures?project={name}"),
    ("train-doubts", "/train/doubts?project={name}"), ("labels", "/labels?project={name}"), ("models", "/models"),
    ("shipped", "/models/shipped"), ("watch", "/watch"), ("jobs", "/jobs"), ("changes", "/changes"),
    ("webhooks", "/webhooks"), ("api", "/api"),
)  # fmt: skip
"""What is there once a project was trained and a label given."""


def shoot(page: Page, name: str) -> None:
    """One picture of what the page shows now, once its own pictures are there."""
    page.wait_for_function(
        "() => [...document.images].filter((i) => i.getBoundingClientRect().top < innerHeight).every((i) => i.complete)"
    )
    Image.open(io.BytesIO(page.screenshot())).save(DOCS / f"{name}.webp", quality=88, method=6)


def trained(stack: Stack) -> str:
    """The name of a project of drawn shapes with two versions, the second of which has learned from more pictures."""
    stores = open_stores(stack.environment)
    project = stores.projects.create("Shapes", "the screenshots")
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(420):
            picture, labels = drawn(seed, ("circle", "square", "star", "cross"), most=1)
            label = next(one for one in labels if one not in COLOURS)
            kept = Path(folder) / ("first" if seed < 260 else "second") / label / f"{seed}.png"
            kept.parent.mkdir(parents=True, exist_ok=True)
            picture.save(kept)
        for part in ("first", "second"):
            gathered = gather(stores, project, [Path(folder) / part], Limits(), lambda *_: lambda: None)
            train_version(
                stores,
                gathered,
                project.name,
                lambda version: TrainingOptions(project.name, version, HELD),
                Limits(),
                lambda *_: lambda: None,
            )
    return project.name


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
            id = page.url.rpartition("/")[2].partition("?")[0]
            page.goto(f"/similar?of={id}")
            shoot(page, "similar")
            change = {"action": "label", "pictures": [id], "labels": ["our cat"]}
            requests.post(f"{base}/api/v1/changes", json=change, timeout=60).raise_for_status()
            name = trained(stack)
            page.set_viewport_size({"width": 1280, "height": 1700})
            page.goto(f"/models/{name}/1?said=unknown")
            page.set_input_files("#try-files", [DOCS.parent / "samples" / "hammer.jpg"])
            page.locator("#tried img").wait_for()
            page.locator("#marks circle").first.wait_for()
            shoot(page, "version")
            page.set_viewport_size({"width": 1280, "height": 1200})
            page.locator("#by-label").evaluate("heading => heading.parentElement.scrollIntoView()")
            shoot(page, "mistakes")
            page.goto(f"/models/{name}/2/compare?with=1")
            shoot(page, "compare")
            page.set_viewport_size({"width": 1280, "height": 860})
            for shot, address in LATER:
                page.goto(address.format(name=name))
                shoot(page, shot)
            browser.close()


if __name__ == "__main__":
    main()
