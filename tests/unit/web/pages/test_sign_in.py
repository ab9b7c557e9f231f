"""Signing in, out and up: in forms that no other site can send, with answers that tell nobody who has an account."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from imagestore.accounts.attempts import PAIR
from imagestore.accounts.roles import Role
from imagestore.settings import SignUp
from imagestore.web.app import app_of
from imagestore.web.pages.entrance import safe_next
from imagestore.web.services import Services
from unit.accounts.conftest import PASSWORD
from unit.web.conftest import Api
from unit.web.signed_in import COOKIE, PUBLIC, Answer, Browser, Person, form_of

OTHER = "wombat trellis oboe"
VIEWER = "a.viewer@example.org"


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def cookies_of(answer: Answer) -> dict[str, str]:
    """The cookies that an answer sets, each with its attributes."""
    return {line.split("=")[0]: line for line in answer.headers.get_list("set-cookie")}


def sentence(page: Answer) -> str:
    """What a page says went wrong."""
    (found,) = re.findall(r'<p class="wrong" role="alert">(.*?)</p>', page.text)
    return str(found)


def test_a_page_leads_to_sign_in_and_back(browser: Browser, people: dict[Role, Person]) -> None:
    asked = browser.get("/gallery?label=tabby&sort=name")
    assert asked.status_code == 303
    to = asked.headers["location"]
    assert to == "/sign-in?next=%2Fgallery%3Flabel%3Dtabby%26sort%3Dname"
    form = browser.get(to)
    assert form.status_code == 200
    assert "no-store" in form.headers["cache-control"]
    done = browser.submit("/sign-in", form, email=VIEWER, password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/gallery?label=tabby&sort=name")
    page = browser.get(done.headers["location"])
    assert page.status_code == 200
    assert "a viewer" in page.text


def test_the_cookie_is_the_browsers_alone(browser: Browser, people: dict[Role, Person]) -> None:
    session = cookies_of(browser.sign_in(VIEWER))[COOKIE].lower()
    for attribute in ("secure", "httponly", "samesite=lax", "path=/"):
        assert attribute in session
    assert "domain" not in session
    assert "max-age" not in session
    assert "expires" not in session


def test_on_this_machine_there_is_no_https_and_so_no_prefix(guarded: Services, people: dict[Role, Person]) -> None:
    options = replace(guarded.options, public_url="http://localhost:8000")
    browser = Browser(app_of(replace(guarded, options=options)))
    for host in ("localhost:8000", "127.0.0.1:8000"):
        browser.base_url = f"http://{host}"
        browser.cookies.clear()
        headers = {"Origin": f"http://{host}"}
        fields = form_of(browser.get("/sign-in")) | {"email": VIEWER, "password": PASSWORD}
        answer = browser.post("/sign-in", data=fields, headers=headers)
        assert answer.status_code == 303, answer.text
        assert "secure" not in cookies_of(answer)["session"].lower()
        assert browser.get("/api/v1/account").json()["role"] == "viewer"


def test_every_wrong_sign_in_gets_the_same_page(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    guarded.accounts.set_disabled(people[Role.TRAINER].account.id, True)
    pages = {}
    for email in (VIEWER, "nobody@example.org", "a.trainer@example.org"):
        answer = browser.sign_in(email, OTHER if email == VIEWER else PASSWORD)
        assert answer.status_code == 401
        assert COOKIE not in cookies_of(answer)
        pages[email] = answer.text.replace(email, "")
    assert len(set(pages.values())) == 1


def test_who_guesses_is_slowed_down_whether_there_is_an_account_or_not(
    browser: Browser, people: dict[Role, Person]
) -> None:
    said = []
    for email in (VIEWER, "nobody@example.org"):
        for _ in range(PAIR.most):
            assert browser.sign_in(email, OTHER).status_code == 401
        answer = browser.sign_in(email, PASSWORD)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 900
        said.append(sentence(answer))
    assert said[0] == said[1]


def test_a_session_that_a_stranger_chose_is_not_taken_over(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    chosen = people[Role.CONTRIBUTOR].session
    for before in (chosen, "x" * 43):
        browser.cookies.clear()
        browser.cookies.set(COOKIE, before)
        page = browser.get("/sign-in")
        answer = browser.submit("/sign-in", page, email=VIEWER, password=PASSWORD)
        assert answer.status_code == 303
        assert before not in cookies_of(answer)[COOKIE]
    browser.cookies.clear()
    assert browser.get("/api/v1/account", headers={"Cookie": f"{COOKIE}={chosen}"}).status_code == 401, "it has ended"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://pictures.example.org"},
        {"Origin": "https://pictures.example.org.evil.example"}, {"Origin": "https://pictures.example.org:444"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)  # fmt: skip
def test_another_sites_page_cannot_do_anything_in_ones_name(
    browser: Browser, people: dict[Role, Person], headers: dict[str, str]
) -> None:
    browser.sign_in(VIEWER)
    fields = form_of(browser.get("/"))
    assert fields["form"], "the page holds the form that signs out"
    assert browser.post("/sign-out", data=fields, headers=headers).status_code == 403
    assert browser.delete("/api/v1/account", headers=headers).status_code == 403
    assert browser.delete("/api/v1/account/sessions", headers=headers).status_code == 403
    assert browser.get("/api/v1/account").status_code == 200


def test_a_form_without_its_token_is_refused_though_no_header_tells_where_it_came_from(
    browser: Browser, people: dict[Role, Person]
) -> None:
    other = Browser(browser.app)
    foreign = form_of(other.get("/sign-in"))["form"]
    fields = {"email": VIEWER, "password": PASSWORD}
    for form in ({}, {"form": ""}, {"form": "0" * 64}, {"form": foreign}, {"form": "é"}):
        browser.cookies.clear()
        browser.get("/sign-in")
        assert browser.post("/sign-in", data=fields | form).status_code == 403
    browser.sign_in(VIEWER)
    for form in ({}, {"form": foreign}):
        assert browser.post("/sign-out", data=form).status_code == 403
    assert browser.get("/api/v1/account").status_code == 200


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "javascript:x",
     "/\t/evil.example", "/%0d%0aSet-Cookie:x", "/\r\nSet-Cookie: x=1", "gallery", "", "/api/v1/account", "/sign-out",
     "/sign-in?next=/sign-in", "http:/evil.example", " /gallery", "/gallery\x00", "/gäste", "?x", "#x",
     "/..//evil.example"],
)  # fmt: skip
def test_sign_in_leads_to_no_other_place_than_a_page_of_ours(
    browser: Browser, people: dict[Role, Person], address: str
) -> None:
    answer = browser.sign_in(VIEWER, next=address)
    assert answer.status_code == 303
    to = answer.headers["location"]
    assert to == "/" or (to == address and urlsplit(to).netloc == "" and not to.startswith(("//", "/\\")))
    assert "\n" not in to
    assert "set-cookie: x" not in str(answer.headers).lower()


def test_pages_of_ours_are_gone_back_to() -> None:
    for page in ("/", "/gallery?label=a%20b&sort=name", f"/pictures/{'0' * 32}", "/review"):
        assert safe_next(page) == page


@pytest.mark.parametrize(
    "host", ["evil.example", "pictures.example.org.evil.example", "pictures.example.org:444", "x@y"]
)
def test_another_host_name_is_not_answered_but_for_health(
    browser: Browser, people: dict[Role, Person], host: str
) -> None:
    headers = {"Host": host, "X-Forwarded-Host": "pictures.example.org"}
    for path in ("/", "/sign-in", "/api/v1/pictures", "/static/style.css"):
        assert browser.get(path, headers={**headers, **people[Role.ADMIN].bearer}).status_code == 421
    assert browser.get("/api/v1/health/live", headers=headers).status_code == 200


def test_a_link_has_the_public_address_whatever_the_request_says(browser: Browser, people: dict[Role, Person]) -> None:
    headers = {**people[Role.ADMIN].bearer, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    for host in ("pictures.example.org", "PICTURES.example.org:443"):
        body = {"email": f"{len(host)}@example.org", "role": "viewer"}
        made = browser.post("/api/v1/invitations", json=body, headers={**headers, "Host": host})
        assert made.json()["url"].startswith(f"{PUBLIC}/invitation?token=")


def test_an_invitation_makes_an_account_once(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    body = {"email": "new@example.org", "role": "trainer"}
    made = browser.post("/api/v1/invitations", json=body, headers=people[Role.ADMIN].bearer)
    assert made.status_code == 201
    path = made.json()["url"].removeprefix(PUBLIC)
    page = browser.get(path)
    assert "a trainer" in page.text
    assert page.headers["referrer-policy"] == "same-origin", "none at all has browsers send the form with Origin: null"
    weak = browser.submit("/invitation", page, name="New", password="password1234", email="new@example.org")
    assert weak.status_code == 422
    assert "password1234" not in weak.text
    done = browser.submit("/invitation", weak, name="<b>New</b>", password=OTHER, email="evil@example.org")
    assert (done.status_code, done.headers["location"]) == (303, "/")
    me = browser.get("/api/v1/account").json()
    assert (me["email"], me["role"], me["name"]) == ("new@example.org", "trainer", "<b>New</b>")
    assert "<b>New" not in browser.get("/").text
    assert browser.get(path).status_code == 410
    assert browser.submit("/invitation", page, name="X", password=OTHER).status_code in (403, 410)


def test_a_reset_link_sets_another_password_and_signs_out_everywhere(
    browser: Browser, people: dict[Role, Person]
) -> None:
    viewer = people[Role.VIEWER]
    made = browser.post(f"/api/v1/accounts/{viewer.account.id}/reset", headers=people[Role.ADMIN].bearer)
    page = browser.get(made.json()["url"].removeprefix(PUBLIC))
    done = browser.submit("/reset", page, password=OTHER)
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in")
    assert browser.get("/api/v1/account", headers=viewer.cookie).status_code == 401
    assert browser.sign_in(VIEWER, PASSWORD).status_code == 401
    assert browser.sign_in(VIEWER, OTHER).status_code == 303


def test_signing_out_ends_the_session_here_and_on_the_server(browser: Browser, people: dict[Role, Person]) -> None:
    browser.sign_in(VIEWER)
    session = browser.cookies[COOKIE]
    assert browser.get("/sign-out").status_code == 200, "a mere link asks first"
    assert browser.get("/api/v1/account").status_code == 200
    out = browser.submit("/sign-out", browser.get("/"))
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert out.headers["clear-site-data"] == '"cache"'
    browser.cookies.clear()
    assert browser.get("/api/v1/account", headers={"Cookie": f"{COOKIE}={session}"}).status_code == 401


def test_without_a_mail_server_nobody_signs_up(browser: Browser, guarded: Services) -> None:
    """Else whoever likes had an account with the email address of somebody else."""
    opened = Browser(app_of(replace(guarded, options=replace(guarded.options, sign_up=SignUp.OPEN))))
    for one in (browser, opened):
        assert one.get("/sign-up").status_code == 404
        assert "/sign-up" not in one.get("/sign-in").text


def test_a_form_is_small(browser: Browser) -> None:
    page = browser.get("/sign-in")
    assert browser.submit("/sign-in", page, email="x" * 20_000).status_code == 413


def test_scripts_are_told_by_a_status_and_not_led_to_a_form(browser: Browser) -> None:
    for headers in ({"Sec-Fetch-Dest": "empty"}, {"X-Fragment": "1"}):
        answer = browser.get("/gallery", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["code"] == "sign_in"


def test_without_sign_in_the_page_says_whose_it_is(api: Api, app: FastAPI) -> None:
    page: Any = api.get("http://localhost/")
    assert "Signed in as the owner: this app answers to this machine only" in page.text
    assert api.get("http://localhost/sign-in?next=/gallery", follow_redirects=False).headers["location"] == "/gallery"
    me = api.get("/account").json()
    assert (me["role"], me["means"]) == ("admin", "local")
