"""Who may do what: every route, by everybody. The routes are those of the app, the expectations those of the project's
description: viewers look, contributors upload, correct, try again and delete, trainers train, promote and reprocess,
administrators see to accounts and read the audit log."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from imagestore.accounts.callers import KEPT_S
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.accounts.signing import Tokens
from imagestore.record import record_id
from imagestore.web.app import app_of
from imagestore.web.custom_vision.errors import is_theirs
from imagestore.web.guards import access
from imagestore.web.guards.access import Routes
from imagestore.web.rules import TABLE, Open
from imagestore.web.services import Services
from unit.accounts.conftest import PASSWORD
from unit.memory_items import MemoryItems
from unit.web.signed_in import COOKIE, PUBLIC, Answer, Browser, Person, person

PARAMETERS = {
    "id": record_id("cat.jpg"),
    "name": "garden",
    "project": "garden",
    "published": "line-2",
    "version": "3",
    "file": "model.onnx",
    "sha256": "0" * 64,
    "account": "account-" + "0" * 32,
    "session": "session-" + "0" * 32,
    "key": "key-" + "0" * 32,
    "link": "link-" + "0" * 32,
    "job": "1" * 16,
    "change": f"change-{'1' * 16}-{'0' * 8}",
    "webhook": f"webhook-{'0' * 16}",
    "delivery": f"delivery-{'1' * 17}-{'0' * 16}-{'0' * 32}",
    "api": "v3.0",
    **dict.fromkeys(
        ("project_id", "tag_id", "image_id", "iteration_id", "domain_id", "prediction_id"), str(uuid.UUID(int=0))
    ),
}
ENTRANCES = ("/sign-in", "/sign-up", "/invitation", "/reset")
STRANGE = {"no_such_parameter": "1"}
"""Operations of the API refuse it before they do anything, and so who may use them is seen and nothing happens."""


@dataclass(frozen=True)
class Asked:
    """A request to a route, and what it needs."""

    method: str
    address: str
    path: str
    need: Role | Open


def need_of(method: str, address: str) -> Role | Open:
    """What a route needs by the project's description."""
    api = address.removeprefix("/api/v1")
    if is_theirs(address):
        if api in ("/image", "/url"):
            return Role.CONTRIBUTOR
        if api.endswith("/content"):
            return Open.ANYONE
        if "/prediction/" in api:
            return Role.VIEWER if api.endswith("/nostore") or "/detect/" in api else Role.CONTRIBUTOR
        return Role.TRAINER
    if api.startswith(("/accounts", "/invitations", "/audit", "/people", "/webhooks")):
        return Role.ADMIN
    if api.startswith(("/health/", "/oauth/", "/static", "/favicon.ico", *ENTRANCES)):
        return Open.ANYONE
    if api.startswith(("/account", "/keys", "/sign-out", "/openapi.json")) or address in ("/api", "/api/docs"):
        return Open.SIGNED_IN
    if api.endswith("/original") or api in ("/review", "/label"):
        return Role.CONTRIBUTOR
    if "/files/" in api or api.startswith("/train"):
        return Role.TRAINER
    if method == "GET" or api in ("/classify", "/classify/why", "/classify/nearest", "/similar"):
        return Role.VIEWER
    return Role.TRAINER if api.startswith(("/models", "/projects", "/routes", "/job")) else Role.CONTRIBUTOR


def path_of(address: str) -> str:
    """An address with parameters that fit."""
    values = dict(PARAMETERS)
    for kind, beginning in (
        ("account", "/accounts/{id}"),
        ("account", "/people/{id}"),
        ("key", "/keys/"),
        ("job", "/jobs/"),
        ("change", "/changes/"),
        ("session", "/account/sessions/"),
        ("webhook", "/webhooks/{id}"),
    ):
        if beginning in address:
            values["id"] = PARAMETERS[kind]
    if "/invitations/" in address:
        values["id"] = PARAMETERS["link"]
    if address.startswith("/sign-in/openid/{id}"):
        values["id"] = "partner"
    path = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], address)
    return f"{path}/style.css" if path.startswith("/static") else path


def every(app: FastAPI) -> list[Asked]:
    """A request to each route of the app."""
    asked = []
    for row in Routes(app).rows():
        method, address = row.split(" ")
        asked.append(Asked(method, address, path_of(address), need_of(method, address)))
    return asked


def ask(browser: Browser, asked: Asked, headers: dict[str, str]) -> Answer:
    strange = STRANGE if asked.path.startswith("/api/v1") else None
    if (
        asked.path.startswith("/customvision/") and "Authorization" in headers
    ):  # Custom Vision's clients have a header of their own
        key = headers["Authorization"].removeprefix("Bearer ")
        headers = {"Training-Key": key, "Prediction-Key": key}
    return browser.request(asked.method, asked.path, params=strange, headers={"Origin": PUBLIC, **headers})


def is_turned_away(asked: Asked, answer: Answer) -> bool:
    """Whether the answer sends somebody unknown to sign in."""
    if is_theirs(asked.path):
        return bool(answer.status_code == 401 and answer.json()["code"] == "ForbiddenUser")
    if asked.path.startswith("/api/v1"):
        assert answer.status_code != 303
        return bool(answer.status_code == 401 and answer.json()["code"] == "sign_in")
    return bool(answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"))


def is_forbidden(answer: Answer) -> bool:
    """Whether the answer says which role is needed."""
    return bool(answer.status_code == 403 and "This needs the role" in answer.text)


def is_let_in(asked: Asked, answer: Answer) -> bool:
    """Whether the route itself answered."""
    if asked.path.startswith("/api/v1") and "openapi" not in asked.path:
        return bool(answer.status_code == 422 and answer.json()["code"] == "unknown_parameter")
    return bool(not is_turned_away(asked, answer) and not is_forbidden(answer) and answer.status_code < 500)


def test_the_table_has_every_route_and_no_other(guarded_app: FastAPI) -> None:
    assert sorted(Routes(guarded_app).rows()) == sorted(TABLE)


def test_every_route_lets_in_each_role_that_may_and_nobody_else(
    browser: Browser, guarded_app: FastAPI, people: dict[Role, Person]
) -> None:
    routes = every(guarded_app)
    assert len(routes) == len(TABLE)
    wrong = []
    for asked in routes:
        nobody = ask(browser, asked, {})
        expected = is_let_in if asked.need is Open.ANYONE else is_turned_away
        if not expected(asked, nobody):
            wrong.append(f"nobody {asked.method} {asked.address}: {nobody.status_code}")
        for role, who in people.items():
            for headers in (who.cookie, who.bearer):
                if asked.address.endswith("/sign-out") and headers is who.cookie and asked.method == "POST":
                    continue  # it would end the session
                answer = ask(browser, asked, headers)
                if is_theirs(asked.path) and "Cookie" in headers and asked.need is not Open.ANYONE:
                    continue  # a key must be there
                may = isinstance(asked.need, Open) or list(Role).index(role) >= list(Role).index(asked.need)
                if not (is_let_in(asked, answer) if may else is_forbidden(answer)):
                    wrong.append(f"{role} {asked.method} {asked.address}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []


def test_every_route_turns_away_what_is_not_good_any_more(
    browser: Browser, guarded_app: FastAPI, guarded: Services, people: dict[Role, Person]
) -> None:
    """Of an administrator each: a session that ended, a key that expired, one that was revoked, a disabled account."""
    accounts = guarded.accounts
    signed_out, revoked, disabled, deleted = (person(accounts, Role.ADMIN, name) for name in ("so", "re", "di", "de"))
    accounts.sign_out_everywhere(signed_out.account.id)
    accounts.keys.revoke(revoked.key.id)
    accounts.set_disabled(disabled.account.id, True)
    accounts.delete(deleted.account.id)
    admin = people[Role.ADMIN]
    expired, _ = accounts.keys.create("expired", Role.ADMIN, admin.account.id, days=0)
    token = accounts.tokens.make(revoked.key.id, revoked.account.id, Role.ADMIN)
    an_hour_ago = Tokens(accounts.tokens._keys, PUBLIC, lambda: datetime.now(UTC) - timedelta(hours=1))
    old = an_hour_ago.make(admin.key.id, admin.account.id, Role.ADMIN)
    bad = {
        "signed out": signed_out.cookie,
        "revoked": revoked.bearer,
        "token of a revoked key": {"Authorization": f"Bearer {token}"},
        "old token": {"Authorization": f"Bearer {old}"},
        "expired": {"Authorization": f"Bearer {expired}"},
        "disabled, by session": disabled.cookie,
        "disabled, by key": disabled.bearer,
        "deleted, by session": deleted.cookie,
        "deleted, by key": deleted.bearer,
        "a key as cookie": {"Cookie": f"__Host-session={admin.secret}"},
        "a session as key": {"Authorization": f"Bearer {admin.session}"},
        "another scheme": {"Authorization": f"Basic {admin.secret}"},
        "a wrong key beside a good cookie": {"Authorization": "Bearer ims_x", **admin.cookie},
        "the cookie without its prefix": {"Cookie": f"session={admin.session}"},
    }
    wrong = []
    for asked in every(guarded_app):
        if asked.need is Open.ANYONE:
            continue
        for what, headers in bad.items():
            answer = ask(browser, asked, headers)
            if not is_turned_away(asked, answer):
                wrong.append(f"{what} {asked.method} {asked.address}: {answer.status_code}")
    assert wrong == []


def test_a_route_that_the_table_does_not_have_is_for_nobody(
    guarded: Services, services: Services, people: dict[Role, Person]
) -> None:
    """Neither where people sign in nor where nobody needs to."""
    for of, headers in ((guarded, people[Role.ADMIN].bearer), (services, {})):
        app = app_of(of)
        app.add_api_route("/api/v1/forgotten", lambda: "secret", methods=["GET"])
        app.add_api_route("/forgotten", lambda: "secret", methods=["GET"])
        assert sorted(set(Routes(app).rows()) - set(TABLE)) == ["GET /api/v1/forgotten", "GET /forgotten"]
        asking = TestClient(app, base_url=PUBLIC if headers else "http://localhost", raise_server_exceptions=False)
        for path in ("/api/v1/forgotten", "/forgotten"):
            answer = asking.get(path, headers=headers)
            assert answer.status_code == 403
            assert "secret" not in answer.text


def test_what_is_not_there_is_told_to_those_alone_who_have_signed_in(
    browser: Browser, people: dict[Role, Person]
) -> None:
    for path in ("/api/v1/nothing", "/nothing", "/api/v2/pictures"):
        assert browser.get(path).status_code in (401, 303)
        assert browser.get(path, headers=people[Role.VIEWER].bearer).status_code == 404
    assert browser.post("/api/v1/counts").status_code == 401
    assert browser.post("/api/v1/counts", headers=people[Role.VIEWER].bearer).status_code == 405


def test_while_cosmos_is_away_who_was_known_looks_and_changes_nothing(
    browser: Browser, guarded: Services, people: dict[Role, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = people[Role.CONTRIBUTOR].bearer
    assert browser.get("/api/v1/counts", headers=headers).status_code == 200
    cast(MemoryItems, guarded.stores.accounts).is_away = True
    later = time.monotonic() + KEPT_S
    monkeypatch.setattr(guarded.accounts.callers, "_monotonic", lambda: later)
    assert browser.get("/api/v1/counts", headers=headers).status_code == 200
    refused = browser.post("/api/v1/pictures?name=x.jpg", content=b"x", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert guarded.stores.uploads.stat("x.jpg") is None
    assert browser.get("/api/v1/counts", headers=people[Role.VIEWER].bearer).status_code == 503, "who was not known"


@pytest.mark.parametrize(
    ("role", "change"),
    [
        (Role.VIEWER, lambda accounts, id: accounts.set_disabled(id, True)),
        (Role.TRAINER, lambda accounts, id: accounts.set_role(id, Role.VIEWER)),
    ],
    ids=["may not read any more", "may not know the places any more"],
)
def test_a_stream_ends_when_its_reader_may_know_less(
    guarded: Services,
    guarded_app: FastAPI,
    people: dict[Role, Person],
    monkeypatch: pytest.MonkeyPatch,
    role: Role,
    change: Callable[[Accounts, str], object],
) -> None:
    reader = people[role]
    monkeypatch.setattr(access, "KEPT_S", 0.0)
    sent: list[Any] = []

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for number in range(10):
            if number == 3:
                change(guarded.accounts, reader.account.id)
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": True})

    async def go() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"authorization", f"Bearer {reader.secret}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/api/v1/events", "query_string": b"", "headers": headers}
        guard = access.Access(stream, guarded, None)
        state = {"found": Routes(guarded_app).find("GET", "/api/v1/events")}
        await guard(scope | {"scheme": "https", "server": ("x", 443), "state": state}, receive, send)

    asyncio.run(go())
    assert [message.get("body") for message in sent[1:]] == [b"0", b"1", b"2", b""]
    assert sent[-1]["more_body"] is False


def test_a_web_socket_is_refused(guarded_app: FastAPI, services: Services) -> None:
    for app in (guarded_app, app_of(services)):
        with pytest.raises(WebSocketDisconnect), TestClient(app).websocket_connect("/api/v1/events"):
            pass


def test_other_sites_use_the_api_with_a_key_where_the_setting_names_them(
    guarded: Services, people: dict[Role, Person]
) -> None:
    shop = "https://shop.example.org"
    app = app_of(replace(guarded, options=replace(guarded.options, allowed_origins=(shop,))))
    asking = Browser(app)
    ask = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"}
    allowed = asking.options("/api/v1/pictures/x", headers={"Origin": shop, **ask})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == shop
    assert "access-control-allow-credentials" not in allowed.headers
    assert asking.options("/api/v1/pictures/x", headers={"Origin": "https://evil.example", **ask}).status_code == 400
    viewer = people[Role.VIEWER]
    read = asking.get("/api/v1/counts", headers={"Origin": shop, "Sec-Fetch-Site": "cross-site", **viewer.bearer})
    assert (read.status_code, read.headers["access-control-allow-origin"]) == (200, shop)
    ride = {"Origin": shop, "Sec-Fetch-Site": "cross-site", **people[Role.ADMIN].cookie}
    assert asking.delete("/api/v1/account", headers=ride).status_code == 403, "a cookie is not taken from there"
    assert "access-control-allow-origin" not in asking.get("/gallery", headers={"Origin": shop}).headers
    closed = Browser(app_of(guarded)).get("/api/v1/counts", headers={"Origin": shop, **viewer.bearer})
    assert "access-control-allow-origin" not in closed.headers


def test_no_secret_gets_into_a_log(
    browser: Browser, guarded: Services, people: dict[Role, Person], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin = people[Role.ADMIN]
    browser.sign_in("a.viewer@example.org")
    browser.sign_in("a.viewer@example.org", "wombat trellis oboe")
    body = {"email": "new@example.org", "role": "viewer"}
    link = browser.post("/api/v1/invitations", json=body, headers=admin.bearer).json()["url"]
    made = browser.post(f"/api/v1/keys/{admin.key.id}/rotate", headers=admin.bearer).json()["secret"]
    form = {"grant_type": "client_credentials", "client_id": admin.key.id, "client_secret": admin.secret}
    token = browser.post("/api/v1/oauth/token", data=form).json()["access_token"]
    browser.get("/api/v1/counts", headers={"Authorization": f"Bearer {token}x"})
    cast(MemoryItems, guarded.stores.audit).is_away = True
    browser.post(f"/api/v1/keys/{admin.key.id}/rotate", headers=admin.bearer)
    secrets = [admin.secret, admin.session, made, token, link.partition("token=")[2], PASSWORD, "wombat", "argon2"]
    secrets += [browser.cookies[COOKIE], "new@example.org", "a.viewer@example.org"]
    assert [secret for secret in secrets if secret in caplog.text] == []
    assert "rotateKey" in caplog.text
