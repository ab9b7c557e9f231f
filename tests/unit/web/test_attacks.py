"""Attacks that aim at no single module: on addresses, on fields, on what pages show, and on what answers give away."""

import itertools
import json
import logging
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urlencode

import anyio
import pytest
from fastapi import FastAPI

from classify import Prediction, Score
from imagestore.accounts.roles import Role
from imagestore.record import Correction, Failure, Record
from imagestore.web.rules import TABLE, Open
from imagestore.web.services import Services
from preprocess import ImageInfo
from unit.accounts.conftest import PASSWORD
from unit.web.conftest import Drop
from unit.web.records import picture, rejected
from unit.web.signed_in import PUBLIC, Browser, Person, person

SAME = {"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"}
XSS = "\"'><script id=planted>planted()</script><img src=x onerror=planted()>{{7*7}}javascript:planted()"


# Path tricks


TRICKS = [
    "/api/v1/accounts/", "//api/v1/accounts", "/api//v1/accounts", "/api/v1//accounts", "/./api/v1/accounts",
    "/api/v1/./accounts", "/api/v1/health/../accounts", "/api/v1/health/live/../../accounts",
    "/static/../api/v1/accounts", "/static/..%2f..%2fapi/v1/accounts", "/api/v1/accounts%2f", "/api/v1/accounts%00",
    "/api/v1/accounts;x=1", "/api/v1/accounts.json", "/API/v1/accounts", "/api/v1/Accounts", "/api%2fv1%2faccounts",
    "/api/v1/%61ccounts", "/api/v1/accounts%20", "/api/v1/accounts/.", "/api/v1/accounts\\", "/%2e/api/v1/accounts",
    "/sign-in/../api/v1/accounts", "/api/v1/health/live;/api/v1/accounts", "/api/v1/accounts/..;/accounts",
]  # fmt: skip


def raw(app: FastAPI, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, bytes]:
    """The status and body of an answer to an address that no client library would leave as it is."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    given = {"host": PUBLIC.partition("//")[2], **(headers or {})}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https",
        "path": unquote(path), "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("192.0.2.7", 1), "server": ("pictures.example.org", 443), "state": {},
    }  # fmt: skip

    async def ask() -> None:
        await app(scope, receive, send)

    anyio.run(ask)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_no_spelling_of_an_address_leads_around_its_rule(guarded_app: FastAPI, people: dict[Role, Person]) -> None:
    callers: tuple[dict[str, str], ...] = ({}, people[Role.VIEWER].bearer, people[Role.TRAINER].bearer)
    for trick, headers in itertools.product(TRICKS, callers):
        status, body = raw(guarded_app, trick, headers)
        assert status not in (200, 500), trick
        assert people[Role.ADMIN].account.email.encode() not in body


OUTSIDE = [
    "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/..\\app.py",
    "/static/swagger/..%2f..%2fapp.py", "/static/%00", "/static/page.js%00.png",
]  # fmt: skip


def test_no_file_outside_the_static_ones_is_given(guarded_app: FastAPI) -> None:
    for path in OUTSIDE:
        status, body = raw(guarded_app, path)
        assert status in (400, 401, 303, 404, 405), path
        assert b"FastAPI(" not in body
        assert b"root:" not in body


def test_no_upload_leaves_its_container(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    bearer = people[Role.CONTRIBUTOR].bearer
    for name in ("../secret.jpg", "a/../../b.jpg", "..", "./x", "a/./b", "a\\..\\b", "a\0b"):
        answer = browser.post("/api/v1/pictures", params={"name": name}, content=b"x", headers=bearer)
        assert answer.status_code == 422, name
        assert guarded.stores.uploads.stat(name) is None


# Mass assignment


def test_a_form_gives_nobody_a_higher_role(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    more = {"role": "admin", "is_disabled": "false", "id": "account-1", "issuer": "x"}
    before = people[Role.VIEWER].account
    browser.sign_in(before.email)
    assert browser.submit("/account/name", browser.get("/account"), name="Eve", **more).status_code == 303
    assert guarded.accounts.people.get(before.id) == replace(before, name="Eve")


def test_an_invitation_is_for_its_own_address_and_role_whatever_the_form_says(
    browser: Browser, guarded: Services
) -> None:
    token, _ = guarded.accounts.links.invite(Role.VIEWER, "maria@example.org", "account-1")
    page = browser.get("/invitation", params={"token": token})
    browser.submit(
        "/invitation", page, email="eve@example.org", name="Maria", password=PASSWORD, again=PASSWORD, role="admin"
    )
    assert guarded.accounts.people.find("eve@example.org") is None
    maria = guarded.accounts.people.find("maria@example.org")
    assert maria is not None
    assert maria.role is Role.VIEWER


def test_what_stands_beside_the_fields_of_an_operation_is_not_taken(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    admin, viewer = people[Role.ADMIN], people[Role.VIEWER]
    body = {"email": "x@example.org", "role": "viewer", "id": "link-1", "by": "nobody", "expires_at": "9999"}
    made = browser.post("/api/v1/invitations", json=body, headers=admin.bearer).json()
    (kept,) = guarded.accounts.links.list()
    assert (kept.id, kept.by) == (made["id"], admin.account.id)
    assert kept.expires_at < "2100"
    strange = {"role": "trainer", "is_disabled": "true", "email": "eve@example.org"}
    refused = browser.put(f"/api/v1/accounts/{viewer.account.id}/role", params=strange, headers=admin.bearer)
    assert refused.json()["code"] == "unknown_parameter"
    assert guarded.accounts.people.get(viewer.account.id) == viewer.account


# Scripts in fields


class Planted(HTMLParser):
    """What of a page could run a script that somebody planted."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        runs = [name for name in values if name.startswith("on")]
        leads = [
            name
            for name in ("href", "src", "action", "formaction", "srcset", "data")
            if values.get(name, "").strip().lower().startswith(("javascript:", "data:text", "vbscript:"))
        ]
        if runs or leads or "srcdoc" in values or values.get("id") == "planted" or values.get("src") == "x":
            self.found.append(f"{tag} {values}")
        if tag in ("script", "iframe", "object", "embed", "base", "svg:script") and "src" not in values:
            self.found.append(f"{tag} {values}")


def planted_in(page: str) -> list[str]:
    parser = Planted()
    parser.feed(page)
    return parser.found


def hostile_records() -> list[Record]:
    """Pictures with a script in every field that a stranger, a camera or a model fills."""
    base = picture(f"{XSS.replace('/', '')}.jpg", XSS)
    assert base.prediction is not None
    model = replace(base.prediction.model, name=XSS, version=XSS)
    metadata = {"Make": XSS, "Model": XSS, "ImageDescription": XSS, "DateTime": XSS}
    hostile = replace(
        base,
        image=ImageInfo(XSS, 640, 480, XSS, metadata=metadata),
        prediction=Prediction(XSS, 0.8, 0.2, 0.35, (Score(XSS, 0.8), Score(XSS + "2", 0.1)), model),
        correction=Correction(XSS, XSS, "2026-11-21T09:05:00.000Z", XSS, model),
        trace_id=XSS,
    ).finished("2026-11-21T09:05:00.000Z")
    bad = replace(rejected("bad.jpg"), problem=Failure(XSS, XSS, XSS))
    return [hostile, bad]


def test_no_field_of_a_picture_or_an_account_becomes_a_part_of_a_page(
    browser: Browser, guarded: Services, people: dict[Role, Person], drop: Drop
) -> None:
    eve = person(guarded.accounts, Role.ADMIN, "eve")
    guarded.accounts.people.change(eve.account.id, lambda account: replace(account, name=XSS, issuer=XSS))
    guarded.accounts.callers.forget(eve.account.id)
    guarded.accounts.keys.create(XSS, Role.VIEWER, eve.account.id)
    session = guarded.accounts.sign_in(eve.account, XSS, XSS)
    guarded.accounts.links.invite(Role.VIEWER, XSS, XSS)
    guarded.accounts.audit.write(XSS, XSS, by=XSS, target=XSS, address=XSS, result=XSS, before={XSS: XSS})
    records = [drop(record.name, made=record) for record in hostile_records()]
    addresses = [row.partition(" ")[2] for row, need in TABLE.items() if row.startswith("GET") and "{" not in row]
    pages = [address for address in addresses if not address.startswith(("/api/v1", "/static", "/sign-out"))]
    pages += [f"/{kind}/{record.id}" for kind in ("pictures", "cards") for record in records]
    asked = ("label", "q", "reason", "who", "what", "next", "token", "after", "sort", "since")
    searching = ("/gallery", "/review", "/audit", "/sign-in", "/invitation")
    pages += [f"{page}?{urlencode({name: XSS})}" for page in searching for name in asked]
    pages += [f"/{quote(XSS)}", f"/pictures/{quote(XSS, safe='')}", f"/people/{quote(XSS, safe='')}/delete"]
    assert len(pages) > 60
    seen = ""
    for page in pages:
        answer = browser.get(page, headers={"Cookie": f"__Host-session={session}", "User-Agent": XSS})
        assert answer.status_code != 500, page
        assert "49javascript" not in answer.text, "nothing is a template"
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert planted_in(answer.text) == [], page
            assert "script-src 'self';" in answer.headers["content-security-policy"]
            seen += answer.text
    assert seen.count("planted()") > 40, "the fields were shown"


def test_the_finder_of_planted_scripts_finds_them() -> None:
    for page in (
        XSS,
        "<a href=' JavaScript:x()'>",
        "<svg onload=x()>",
        "<script>x()</script>",
        "<iframe srcdoc=x src=y>",
    ):
        assert planted_in(page), page
    assert planted_in('<script src="/static/page.js"></script><p title="onload=">') == []


# Secrets in answers


def test_no_answer_address_or_error_gives_a_secret_away(
    guarded: Services, guarded_app: FastAPI, people: dict[Role, Person], caplog: pytest.LogCaptureFixture
) -> None:
    """A key, a password, a session and links are planted; then everything is asked for, rightly and wrongly."""
    caplog.set_level(logging.DEBUG)
    admin, hashed = people[Role.ADMIN], people[Role.VIEWER].account.password or ""
    invitation, _ = guarded.accounts.links.invite(Role.VIEWER, "new@example.org", admin.account.id)
    reset, _ = guarded.accounts.links.allow_reset(people[Role.VIEWER].account.id, admin.account.id)
    secrets = {one.secret for one in people.values()} | {one.session for one in people.values()}
    password = "mandolin quagga sleet"
    guarded.accounts.people.create("mara@example.org", "Mara", Role.VIEWER, guarded.accounts.passwords.hash(password))
    secrets |= {invitation, reset, password, hashed}
    told: dict[str, str] = {}
    with Browser(guarded_app) as browser:
        for row, need in TABLE.items():
            method, _, address = row.partition(" ")
            if address.endswith("/events"):
                continue
            path = address.replace("{id}", "account-" + "0" * 32).replace("{name}", "mine").replace("{version}", "1")
            body: dict[str, Any] = {"json": {"password": password, "old": password, "new": 7, "name": [admin.secret]}}
            query: dict[str, Any] = {"params": {"key": admin.secret, "token": invitation}}
            for headers in (admin.bearer, {"Authorization": f"Basic {admin.secret}"}):
                for options in (body, query, {}):
                    if method != "GET" and need is Open.SIGNED_IN and not options:
                        continue  # which would sign out
                    if options is query and not path.startswith("/api/v1/"):
                        continue  # a page comes back to its own address after signing in
                    answer = browser.request(method, path, headers={**headers, **SAME}, **options)
                    assert answer.status_code != 500, (row, headers, options)
                    told[f"{row} {headers} {options}"] = answer.text + json.dumps(dict(answer.headers))
        signed_in = browser.sign_in("mara@example.org", password, next="/gallery")
        told["signing in"] = signed_in.headers["location"]
        used = browser.get("/invitation", params={"token": invitation})
        assert used.headers["referrer-policy"] in ("no-referrer", "same-origin"), "a link's token goes to no other site"
        assert "no-store" in used.headers["cache-control"]
    others = ("httpx", "httpcore")  # which are the browser's
    told["the log"] = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith(others))
    assert {where: secret for where, text in told.items() for secret in secrets if secret in text} == {}
