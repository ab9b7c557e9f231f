"""Who may ask: this machine's own pages and programs."""

from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from imagestore.accounts.roles import Role
from imagestore.errors import SettingsError
from imagestore.settings import AZURITE, COSMOS_EMULATOR, Settings
from imagestore.web.clients import PublicAddress
from imagestore.web.guards.security import ApiCors, refused
from unit.web.signed_in import PUBLIC, Browser, Person

HOST = {"host": "localhost:8000"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", HOST, None),
        ("POST", HOST, None),
        ("POST", HOST | {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}, None),
        ("POST", HOST | {"sec-fetch-site": "none"}, None),
        ("GET", {"host": "rebound.example:8000"}, 421),
        ("GET", {}, 421),
        ("GET", {"host": "localhost:8000@evil.example"}, 421),
        ("POST", HOST | {"origin": "http://localhost:9999"}, 403),
        ("POST", HOST | {"origin": "null"}, 403),
        ("DELETE", HOST | {"sec-fetch-site": "cross-site"}, 403),
        ("PUT", HOST | {"sec-fetch-site": "same-site"}, 403),
        ("GET", HOST | {"x-forwarded-for": "192.0.2.7"}, 403),
        ("GET", HOST | {"forwarded": "for=192.0.2.7"}, 403),
    ],
)
def test_the_guard(method: str, headers: dict[str, str], status: int | None) -> None:
    problem = refused(method, "/", Headers(headers), PublicAddress(""))
    assert (problem and problem.status) == status


@pytest.mark.parametrize("asked", ["/gallery", "/gallery?label=a%20b&sort=newest", "/a%3Fb%2Fc", "//evil.example/x"])
def test_a_page_asked_for_without_encryption_is_answered_with_its_encrypted_address(
    browser: Browser, asked: str
) -> None:
    answer = browser.get(PUBLIC + asked, headers={"X-Forwarded-Proto": "http"})
    assert (answer.status_code, answer.headers["location"]) == (308, PUBLIC + asked)
    assert "strict-transport-security" in answer.headers
    assert browser.get(PUBLIC + asked, headers={"X-Forwarded-Proto": "https"}).status_code != 308
    assert browser.get(PUBLIC + asked, headers={"X-Forwarded-Proto": "http, https"}).status_code != 308


def test_what_was_sent_without_encryption_is_refused(browser: Browser, people: dict[Role, Person]) -> None:
    plain = {"X-Forwarded-Proto": "http"}
    key = people[Role.ADMIN].bearer
    for answer in (
        browser.get("/api/v1/account", headers=plain | key),
        browser.put("/api/v1/account/password", headers=plain | key),
        browser.post("/sign-in", headers=plain),
    ):
        assert answer.status_code == 403
        assert answer.json()["code"] == "not_encrypted"
    assert browser.get("/api/v1/account", headers=key).status_code == 200


def test_health_is_told_without_encryption_as_azures_swap_asks_for_it(browser: Browser) -> None:
    for path in ("/api/v1/health/live", "/api/v1/health/ready"):
        answer = browser.get(path, headers={"X-Forwarded-Proto": "http", "Host": "10.0.0.4:8000"})
        assert answer.status_code == 200


Answer = Any
SHOP, EVIL = "https://shop.example", "https://evil.example"


def asked(origins: tuple[str, ...], method: str, headers: dict[str, str], path: str = "/api/v1/pictures") -> Answer:
    """What an app that lets these origins in answers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("here", 401 if "authorization" not in Headers(scope=scope) else 200)(scope, receive, send)

    return TestClient(ApiCors(app, origins) if origins else app).request(method, path, headers=headers)


def test_a_preflight_is_answered_for_listed_origins_alone() -> None:
    ask = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization, content-type"}
    allowed = asked((SHOP,), "OPTIONS", {"Origin": SHOP, **ask})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == SHOP
    assert {"GET", "POST", "PUT", "DELETE"} == set(allowed.headers["access-control-allow-methods"].split(", "))
    for origin in (EVIL, "null", SHOP + ".evil.example", "http://shop.example", SHOP + ":8443", "https://SHOP.example"):
        refused = asked((SHOP,), "OPTIONS", {"Origin": origin, **ask})
        assert refused.status_code == 400, origin
        assert "access-control-allow-origin" not in refused.headers


def test_another_method_or_header_than_the_apis_is_not_allowed() -> None:
    for ask in ({"Access-Control-Request-Method": "PATCH"},
                {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "cookie"}):  # fmt: skip
        assert asked((SHOP,), "OPTIONS", {"Origin": SHOP, **ask}).status_code == 400


def test_no_origin_is_let_in_with_a_cookie_or_by_a_star() -> None:
    for method, headers in (("GET", {"Authorization": "Bearer x"}), ("GET", {"Cookie": "__Host-session=x"}),
                            ("OPTIONS", {"Access-Control-Request-Method": "GET"})):  # fmt: skip
        answer = asked((SHOP,), method, {"Origin": SHOP, **headers})
        assert answer.headers["access-control-allow-origin"] == SHOP, "also with a 401, so that a page can read it"
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"], "no cache gives it to another origin"
    for star in ("*", "https://*", "null", "https://shop.example/path"):
        with pytest.raises(SettingsError, match="CORS_ORIGINS"):
            Settings.read({"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR, "CORS_ORIGINS": star})


def test_pages_and_an_app_without_the_setting_say_nothing_to_other_origins() -> None:
    assert "access-control-allow-origin" not in asked((SHOP,), "GET", {"Origin": SHOP}, "/gallery").headers
    closed = asked((), "GET", {"Origin": SHOP, "Authorization": "Bearer x"})
    assert not [name for name in closed.headers if name.startswith("access-control")]
    assert Settings.read({"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR}).allowed_origins == ()
