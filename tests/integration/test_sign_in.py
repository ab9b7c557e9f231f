"""The way in, as people and programs go it: the link that `imagestore run` prints, the pages, a key for a program."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
import requests
from playwright.sync_api import Browser, Page, expect

import commands
from imagestore.local.ports import Ports
from imagestore.settings import ROOT

from .browser import barriers, needs_browser, watch
from .conftest import TIMEOUT_S, eventually

PORTS = 24500
SITE = f"http://localhost:{Ports.from_base(PORTS).web}"
PASSWORD = "plover gazebo ninety"
COMMAND = [sys.executable, "-m", "imagestore.cli.main"]


@dataclass
class Running:
    """`imagestore run` with sign-in, and what it has printed."""

    folder: Path
    lines: list[str]

    @property
    def link(self) -> str | None:
        """The link that it printed for the first administrator."""
        return next(iter(re.findall(r"http://\S+/invitation\?token=\S+", "\n".join(self.lines))), None)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command about this stack."""
        return commands.run(*arguments, "--data", self.folder)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("guarded")
    command = [*COMMAND, "run", "--ports", str(PORTS), "--workers", "1", "--data", str(folder)]
    environment = os.environ | {"AUTH": "required", "COLUMNS": "200"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        stack = Running(folder, [])
        assert process.stdout is not None
        reader = threading.Thread(target=stack.lines.extend, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            eventually(lambda: process.poll() is not None or stack.link, "the link")
            yield stack
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    with browser.new_context(base_url=SITE) as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        opened = context.new_page()
        watch(opened, complaints)
        yield opened


@needs_browser
def test_the_first_administrator_comes_in_by_the_link_and_invites_others(running: Running, page: Page) -> None:
    assert requests.get(f"{SITE}/api/v1/pictures", timeout=60).status_code == 401
    page.goto("/gallery?sort=name")
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    assert barriers(page) == []
    assert running.link is not None
    page.goto(running.link)
    page.get_by_label("Email address").fill("ada@example.org")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    assert barriers(page) == []
    page.get_by_role("button", name="Make my account").click()
    expect(page).to_have_url(f"{SITE}/")
    expect(page.locator("header")).to_contain_text("Ada, admin")
    assert barriers(page) == []
    page.set_input_files("#files", ROOT / "samples" / "coffee.jpg")
    expect(page.locator(".result", has_text="coffee.jpg").locator("h3")).to_have_text("cup or mug")
    expect(page.locator("#uploads > li")).to_have_count(0)  # before, the page asks whether one really wants to leave
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{SITE}/sign-in")
    page.get_by_label("Email address").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{SITE}/")
    page.goto(running.link)
    expect(page.get_by_role("alert")).to_contain_text("used already")


def test_a_program_gets_a_key_from_the_command_line(running: Running) -> None:
    made = running.cli("keys", "create", "importer", "--role", "contributor")
    assert made.returncode == 0, made.stderr
    assert re.fullmatch(r"ims_[\w-]{43}\n", made.stdout), "the key, alone"
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    sent = requests.post(
        f"{SITE}/api/v1/pictures?name=by+key.jpg&wait=30",
        data=(ROOT / "samples" / "cat.jpg").read_bytes(),
        headers=headers,
        timeout=60,
    )
    assert sent.status_code == 200
    corrected = requests.put(
        f"{SITE}/api/v1/pictures/{sent.json()['id']}/correction?label=lynx", headers=headers, timeout=60
    )
    me = requests.get(f"{SITE}/api/v1/account", headers=headers, timeout=60).json()
    assert corrected.json()["correction"]["account"] == me["id"]
    assert me["name"] == "importer"
    refused = requests.post(f"{SITE}/api/v1/models/rollback", headers=headers, timeout=60)
    assert (refused.status_code, refused.json()["needed"]) == (403, "trainer")
    admin = {"Authorization": f"Bearer {running.cli('keys', 'create', 'auditor', '--role', 'admin').stdout.strip()}"}
    entries = requests.get(f"{SITE}/api/v1/audit?who={me['id']}", headers=admin, timeout=60).json()["items"]
    assert [entry["what"] for entry in entries] == ["rollback", "correct", "upload"]
    assert entries[1]["after"] == {"label": "lynx"}


def test_an_access_token_is_signed_by_a_key_that_only_its_owner_can_read(running: Running) -> None:
    secret = running.cli("keys", "create", "tokens", "--role", "viewer").stdout.strip()
    headers = {"Authorization": f"Bearer {secret}"}
    (key,) = [
        one
        for one in requests.get(
            f"{SITE}/api/v1/keys?all=true",
            headers={"Authorization": f"Bearer {running.cli('keys', 'create', 'x', '--role', 'admin').stdout.strip()}"},
            timeout=60,
        ).json()
        if secret.startswith(one["begins"])
    ]
    form = {"grant_type": "client_credentials", "client_id": key["id"], "client_secret": secret}
    token = requests.post(f"{SITE}/api/v1/oauth/token", data=form, timeout=60).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert requests.get(f"{SITE}/api/v1/account", headers=headers, timeout=60).json()["role"] == "viewer"
    assert (running.folder / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_the_command_line_invites(running: Running) -> None:
    made = running.cli("accounts", "invite", "Maria@Example.org", "--role", "trainer")
    assert made.returncode == 0, made.stderr
    link = made.stdout.strip()
    assert link.startswith(f"{SITE}/invitation?token=")
    form = requests.get(link, timeout=60).text
    assert "maria@example.org" in form
    assert "a trainer" in form
    wrong = running.cli("accounts", "invite", "nobody")
    assert wrong.returncode == 1
    assert "no email address" in wrong.stderr


def entered(page: Page, running: Running, email: str, role: str) -> None:
    """Make an account by an invitation of the command line, and be signed in with it."""
    link = running.cli("accounts", "invite", email, "--role", role).stdout.strip()
    page.goto(link)
    page.get_by_label("Name").fill(email.partition("@")[0])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    expect(page).to_have_url(f"{SITE}/")


def fits(page: Page) -> bool:
    """Whether nothing of the page stands beyond its right edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@needs_browser
def test_an_account_is_looked_after_without_scripts_on_a_narrow_screen(
    running: Running, browser: Browser, complaints: list[str]
) -> None:
    with browser.new_context(
        base_url=SITE, java_script_enabled=False, viewport={"width": 390, "height": 844}
    ) as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        entered(page, running, "nora@example.org", "contributor")
        page.get_by_role("link", name="My account").click()
        page.get_by_label("Name that others see").fill("Nora")
        page.get_by_role("button", name="Save the name").click()
        expect(page.locator(".done")).to_have_text("Your name is changed.")
        page.get_by_label("What it is for").fill("camera")
        page.get_by_role("button", name="Make a key").click()
        secret = page.locator(".secret code").inner_text()
        headers = {"Authorization": f"Bearer {secret}"}
        assert requests.get(f"{SITE}/api/v1/account", headers=headers, timeout=60).json()["name"] == "Nora"
        page.get_by_role("button", name="Revoke camera").click()
        expect(page.locator(".done")).to_have_text("The key is useless from now on.")
        page.locator("section", has=page.get_by_role("heading", name="Second factor")).get_by_label("Password").fill(
            PASSWORD
        )
        page.get_by_role("button", name="Set it up").click()
        key = page.locator("article code").inner_text()
        page.get_by_label("Code that the app shows").fill(pyotp.TOTP(key).now())
        page.get_by_role("button", name="Turn it on").click()
        expect(page.locator(".codes li")).to_have_count(10)
        recovery = page.locator(".codes code").first.inner_text()
        page.get_by_role("link", name="I have kept them").click()
        page.get_by_role("button", name="Sign out everywhere").click()
        page.get_by_label("Email address").fill("nora@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Code").fill(recovery)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("header")).to_contain_text("Nora, contributor")
        page.goto("/account/delete")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Delete my account").click()
        expect(page).to_have_url(f"{SITE}/sign-in")


@needs_browser
def test_pages_of_people_and_audit_can_be_used_by_everybody_and_are_on_record(running: Running, page: Page) -> None:
    entered(page, running, "alma@example.org", "admin")
    page.goto("/people")
    page.get_by_label("Email address").fill("vera@example.org")
    page.get_by_role("button", name="Make a link", exact=True).click()
    link = page.locator(".secret code").inner_text()
    assert link.startswith(f"{SITE}/invitation?token=")
    page.goto("/account")
    page.locator("section", has=page.get_by_role("heading", name="Second factor")).get_by_label("Password").fill(
        PASSWORD
    )
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    assert barriers(page) == []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for path in ("/account", "/account/delete", "/people", "/audit"):
            page.goto(path)
            assert barriers(page) == [], path
            assert fits(page), f"{path} at {width}"
    page.get_by_label("Who: email, name or id").fill("alma@example.org")
    page.get_by_label("What", exact=True).fill("invite")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("role: viewer")
    with page.expect_download() as taken:
        page.get_by_role("link", name="As a table (CSV)").click()
    assert ",invite," in taken.value.path().read_text()


@needs_browser
def test_a_viewer_is_offered_nothing_that_a_viewer_may_not_do(running: Running, page: Page) -> None:
    entered(page, running, "vito@example.org", "viewer")
    key = running.cli("keys", "create", "fill", "--role", "contributor").stdout.strip()
    sent = requests.post(
        f"{SITE}/api/v1/pictures?name=seen+by+viewers.jpg&wait=30",
        data=(ROOT / "samples" / "cat.jpg").read_bytes(),
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    ).json()
    for path in ("/", "/gallery", f"/pictures/{sent['id']}", "/models", "/dashboard", "/account"):
        page.goto(path)
        assert barriers(page) == [], path
        expect(page.get_by_role("link", name="Review")).to_have_count(0)
        for name in ("Delete", "Try again", "Save", "Choose pictures", "Go back"):
            expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    page.goto("/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("Forbidden")
