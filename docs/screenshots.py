"""Takes the screenshots of the docs from a running stack: `make screenshots`. Needs Chromium."""

import io
import shutil
import tempfile
from pathlib import Path

import requests
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bench.drawn import COLOURS, drawn
from imagestore.cli.accounts import first_invitation
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
BASE = f"http://localhost:{PORTS.web}"
PASSWORD = "plover gazebo ninety"
"""Of accounts that go with the stack."""
HELD = Held(colour=False, fit=Fit.CROP, level=False, middle=False, backbone="lite0", views=0)
"""How the version on the pictures is trained: nothing is left to be chosen, which takes seconds."""
SHOTS = (
    ("drop", "/"), ("gallery", "/gallery"), ("dashboard", "/dashboard"), ("label", "/label"), ("review", "/review"),
)  # fmt: skip
LATER = (
    ("train", "/train?project={name}"), ("train-pictures", "/train/pictures?project={name}"),
    ("train-doubts", "/train/doubts?project={name}"), ("labels", "/labels?project={name}"),
    ("label-pictures", "/labels/pictures?project={name}&label=circle"), ("models", "/models"),
    ("shipped", "/models/shipped"), ("watch", "/watch"), ("jobs", "/jobs"), ("changes", "/changes"),
    ("webhooks", "/webhooks"), ("api", "/api"),
)  # fmt: skip
"""What is there once a project was trained and a label given."""
SIGNED_IN = (("people", "/people", 860), ("audit", "/audit", 860), ("account", "/account", 1500))
"""What an administrator sees where people sign in, and how high the window is."""


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


def open_to_all(browser: Browser) -> None:
    """The pages of a stack on which nobody signs in."""
    with tempfile.TemporaryDirectory() as folder, Stack(Options(PORTS, Path(folder), with_web=True)) as stack:
        stack.start(print)
        files = {file.name: file.read_bytes() for file in sorted((ROOT / "samples").glob("*.jpg"))}
        for name, data in {"warming up.jpg": files["cat.jpg"], "notes.txt": b"Not a picture.", **files}.items():
            query = {"name": name, "wait": "30"}
            answer = requests.post(f"{BASE}/api/v1/pictures", params=query, data=data, timeout=60).json()
            if name.startswith("warming"):
                requests.delete(f"{BASE}/api/v1/pictures/{answer['id']}", timeout=60)
        page = browser.new_page(base_url=BASE, viewport={"width": 1280, "height": 860}, bypass_csp=True)
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
        requests.post(f"{BASE}/api/v1/changes", json=change, timeout=60).raise_for_status()
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
        told = {"url": "https://shop.example.org/new", "name": "Orders", "events": ["imagestore.picture.classified"]}
        made = requests.post(f"{BASE}/api/v1/webhooks", json=told, timeout=60)
        made.raise_for_status()
        page.goto(f"/webhooks/{made.json()['webhook']['id']}")
        shoot(page, "webhook")


def behind_sign_in(browser: Browser) -> None:
    """The pages for who signs in, as an administrator sees them: the first one, who invites others."""
    values = {"AUTH": "required"}
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Options(PORTS, Path(folder), with_web=True, with_host=False, values=values)) as stack,
        browser.new_context(base_url=BASE, viewport={"width": 1280, "height": 860}, bypass_csp=True) as context,
    ):
        stack.start(print)
        page = context.new_page()
        page.goto("/sign-in")
        shoot(page, "sign-in")
        link = first_invitation(open_stores(stack.environment), BASE)
        page.goto(link or "")
        shoot(page, "invitation")
        entered(page, "ada@example.org", "Ada")
        for email, role in (("maria@example.org", "trainer"), ("vera@example.org", "viewer")):
            page.goto("/people")
            page.get_by_label("Email address").fill(email)
            page.locator("select[name=role]").first.select_option(role)
            page.get_by_role("button", name="Make a link", exact=True).click()
        guest = browser.new_page(base_url=BASE)
        guest.goto(page.locator(".secret code").inner_text())
        entered(guest, None, "Vera")
        page.goto("/account")
        page.get_by_label("What it is for").fill("camera at the gate")
        page.get_by_role("button", name="Make a key").click()
        for name, address, height in SIGNED_IN:
            page.set_viewport_size({"width": 1280, "height": height})
            page.goto(address)
            shoot(page, name)
        page.set_viewport_size({"width": 1280, "height": 860})
        factor = page.locator("section", has=page.get_by_role("heading", name="Second factor"))
        factor.get_by_label("Password").fill(PASSWORD)
        factor.get_by_role("button", name="Set it up").click()
        page.get_by_role("img", name="QR code").wait_for()
        shoot(page, "second-factor")


def entered(page: Page, email: str | None, name: str) -> None:
    """Make the account that a link invites to."""
    if email is not None:
        page.get_by_label("Email address").fill(email)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    page.wait_for_url(f"{BASE}/")


def main() -> None:
    """The command."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is needed: on Debian, apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        open_to_all(browser)
        behind_sign_in(browser)
        browser.close()


if __name__ == "__main__":
    main()
