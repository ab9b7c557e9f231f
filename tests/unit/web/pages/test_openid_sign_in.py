"""Signing in at an OpenID Connect issuer: a real one, which runs beside the tests, asked as a browser asks it."""

import base64
import contextlib
import hashlib
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

import pytest
import requests

from imagestore.accounts.openid import OpenId, OpenIdOptions
from imagestore.accounts.passwords import Passwords
from imagestore.accounts.people import federated_id
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.accounts.signing import Tokens, keys_of_this_process
from imagestore.settings import ROOT
from imagestore.web.app import app_of
from imagestore.web.services import Services
from unit.accounts.conftest import QUICK, Clock
from unit.web.pages.test_account import said
from unit.web.signed_in import PUBLIC, Browser, Person

PROVIDER = ROOT / "tests" / "openid"
SECRET = "the secret of the client"
API = "https://pictures.example.org/api"
COOKIE = "__Host-elsewhere"
pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (PROVIDER / "node_modules").exists(),
    reason="The OpenID issuer is not installed (make test installs it with npm).",
)


@contextlib.contextmanager
def provider() -> Iterator[str]:
    """An issuer that runs; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["node", "provider.mjs", str(port)]
    with subprocess.Popen(command, cwd=PROVIDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != b"ready":
            assert process.poll() is None, "the issuer ended"
        yield f"http://localhost:{port}"
        process.kill()


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider() as address:
        yield address


@pytest.fixture(scope="module")
def partner() -> Iterator[str]:
    """Another issuer, of people with the same names."""
    with provider() as address:
        yield address


def options_of(issuer: str, **more: Any) -> OpenIdOptions:
    roles = {"Editors": Role.CONTRIBUTOR, "IT": Role.TRAINER}
    return OpenIdOptions(issuer, "imagestore", "Example Login", API, roles=roles, **more)


def with_issuer(guarded: Services, *options: OpenIdOptions, clock: Any = None) -> Services:
    """The services of an app at which people of these issuers sign in."""
    openids = [OpenId(one, lambda: SECRET, *([clock] if clock else [])) for one in options]
    tokens = Tokens(keys_of_this_process(), PUBLIC)
    stores = guarded.stores
    accounts = Accounts.over(stores.accounts, stores.audit, tokens, passwords=Passwords(QUICK), issuers=openids)
    return replace(guarded, accounts=accounts)


@pytest.fixture
def federated(guarded: Services, issuer: str) -> Services:
    return with_issuer(guarded, options_of(issuer))


@pytest.fixture
def visitor(federated: Services) -> Iterator[Browser]:
    with Browser(app_of(federated)) as opened:
        yield opened


def walk(url: str, name: str, until: str = PUBLIC) -> str:
    """Sign in at the issuer as this person does in a browser. Returns where the issuer leads then."""
    with requests.Session() as session:
        answer = session.get(url, allow_redirects=False, timeout=60)
        while True:
            if (to := answer.headers.get("location")) is not None:
                to = urljoin(answer.url, to)
                if to.startswith(until):
                    return to
                answer = session.get(to, allow_redirects=False, timeout=60)
                continue
            assert answer.status_code == 200, answer.text
            (action,) = re.findall(r'action="([^"]+)"', answer.text)
            (prompt,) = re.findall(r'name="prompt" value="([^"]+)"', answer.text)
            fields = {"prompt": prompt, "login": name, "password": "any"}
            answer = session.post(urljoin(answer.url, unescape(action)), fields, allow_redirects=False, timeout=60)


def begin(browser: Browser, next: str = "/gallery", name: str = "Example Login") -> str:
    """Where the app leads who wants to sign in elsewhere."""
    page = browser.get("/sign-in", params={"next": next})
    (link,) = re.findall(rf'<a href="([^"]+)">Sign in with {name}</a>', page.text)
    led = browser.get(unescape(link))
    assert led.status_code == 303
    return str(led.headers["location"])


def path_of(url: str, **changed: str) -> str:
    """An address of the app without its host, with parameters changed."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changed
    return f"{parts.path}?{urlencode(query)}"


def test_somebody_signs_in_at_the_issuer_and_has_an_account_from_then_on(
    visitor: Browser, federated: Services, issuer: str
) -> None:
    away = begin(visitor)
    asked = parse_qs(urlsplit(away).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    home = visitor.get(path_of(walk(away, "ada")))
    assert (home.status_code, home.headers["location"]) == (303, "/gallery")
    me = visitor.get("/api/v1/account").json()
    assert (me["name"], me["email"], me["role"]) == ("Ada", "ada@example.org", "trainer")
    assert me["id"] == federated_id(issuer, "ada")
    whats = [entry.what for entry in federated.accounts.audit.search(who=me["id"])]
    assert whats == ["join"]
    other = Browser(visitor.app)
    assert other.get(path_of(walk(begin(other), "ada"))).status_code == 303
    assert other.get("/api/v1/account").json()["id"] == me["id"]
    assert COOKIE not in other.cookies, "what belonged to the way there is forgotten"
    page = other.get("/account").text
    assert 'name="old"' not in page, "there is no password to change"


def test_an_email_address_never_joins_two_accounts(
    visitor: Browser, federated: Services, people: dict[Role, Person]
) -> None:
    visitor.get(path_of(walk(begin(visitor), "eve")))
    me = visitor.get("/api/v1/account").json()
    viewer = people[Role.VIEWER].account
    assert me["email"] == viewer.email
    assert me["id"] != viewer.id
    assert visitor.get("/api/v1/keys").json() == []


def test_who_has_no_role_is_refused_with_a_sentence_unless_a_setting_gives_one(
    visitor: Browser, federated: Services, guarded: Services, issuer: str
) -> None:
    refused = visitor.get(path_of(walk(begin(visitor), "sam")))
    assert refused.status_code == 401
    assert "no role here" in said(refused)
    assert federated.accounts.people.get(federated_id(issuer, "sam")) is None
    opened = Browser(app_of(with_issuer(guarded, options_of(issuer, default_role=Role.VIEWER))))
    assert opened.get(path_of(walk(begin(opened), "sam"))).status_code == 303
    me = opened.get("/api/v1/account").json()
    assert (me["role"], me["name"], me["email"]) == ("viewer", "<b>Sam</b>", "")
    assert "<b>Sam" not in opened.get("/").text


def test_the_issuers_roles_count_at_each_sign_in(visitor: Browser, federated: Services, issuer: str) -> None:
    visitor.get(path_of(walk(begin(visitor), "ada")))
    federated.accounts.set_role(federated_id(issuer, "ada"), Role.VIEWER)
    visitor.get(path_of(walk(begin(visitor), "ada")))
    assert visitor.get("/api/v1/account").json()["role"] == "trainer"


def test_a_role_that_changes_with_the_claims_is_on_record(visitor: Browser, federated: Services, issuer: str) -> None:
    ada = federated_id(issuer, "ada")
    visitor.get(path_of(walk(begin(visitor), "ada")))
    visitor.get(path_of(walk(begin(visitor), "ada")))
    assert list(federated.accounts.audit.search(what="setRole")) == [], "it has not changed"
    federated.accounts.set_role(ada, Role.VIEWER)
    visitor.get(path_of(walk(begin(visitor), "ada")))
    (entry,) = federated.accounts.audit.search(what="setRole")
    assert (entry.who, entry.by, entry.target) == (ada, issuer, ada)
    assert (entry.before, entry.after) == ({"role": "viewer"}, {"role": "trainer"})


def test_a_disabled_account_stays_out(visitor: Browser, federated: Services, issuer: str) -> None:
    visitor.get(path_of(walk(begin(visitor), "ada")))
    federated.accounts.set_disabled(federated_id(issuer, "ada"), True)
    refused = visitor.get(path_of(walk(begin(visitor), "ada")))
    assert refused.status_code == 401
    assert "disabled" in said(refused)


def refuse(browser: Browser, path: str) -> str:
    """What the page says of an answer of the issuer that is not taken."""
    answer = browser.get(path)
    assert answer.status_code == 401, answer.text
    assert browser.get("/api/v1/account").status_code == 401
    return said(answer)


def test_an_answer_with_another_state_or_issuer_or_without_code_is_refused(visitor: Browser) -> None:
    changes: tuple[Mapping[str, str], ...] = (
        {"state": "x"}, {"state": ""}, {"iss": "https://evil.example"}, {"iss": ""}, {"code": "x"}, {"code": ""},
        {"error": "access_denied"},
    )  # fmt: skip
    for changed in changes:
        refuse(visitor, path_of(walk(begin(visitor), "ada"), **changed))


def test_an_answer_that_another_browser_asked_for_is_refused(visitor: Browser) -> None:
    answer = path_of(walk(begin(visitor), "ada"))
    victim = Browser(visitor.app)
    assert "another browser" in refuse(victim, answer)
    begin(victim)
    refuse(victim, answer)


def changed_cookie(browser: Browser, place: int, value: str) -> None:
    parts = browser.cookies[COOKIE].split(".")
    parts[place] = value
    browser.cookies.clear()
    browser.cookies.set(COOKIE, ".".join(parts), domain="pictures.example.org", path="/")


def test_another_nonce_or_verifier_is_refused(visitor: Browser) -> None:
    for place in (1, 2):
        visitor.cookies.clear()
        answer = path_of(walk(begin(visitor), "ada"))
        changed_cookie(visitor, place, "x" * 64)
        refuse(visitor, answer)


def test_a_code_is_good_once(visitor: Browser) -> None:
    away = begin(visitor)
    kept = visitor.cookies[COOKIE]
    answer = path_of(walk(away, "ada"))
    assert visitor.get(answer).status_code == 303
    visitor.cookies.clear()
    visitor.cookies.set(COOKIE, kept, domain="pictures.example.org", path="/")
    refuse(visitor, answer)


def test_after_sign_in_one_is_led_to_no_other_site(visitor: Browser) -> None:
    for next in ("https://evil.example", "//evil.example"):
        led = visitor.get("/sign-in/openid", params={"next": next})
        back = visitor.get(path_of(walk(led.headers["location"], "ada")))
        assert back.headers["location"] == "/"
    answer = path_of(walk(begin(visitor), "ada"))
    changed_cookie(visitor, 3, "Ly9ldmlsLmV4YW1wbGU")
    assert visitor.get(answer).headers["location"] == "/"


def test_an_expired_answer_is_refused(guarded: Services, issuer: str) -> None:
    clock = Clock()
    clock.turn(days=365 * 20)
    late = Browser(app_of(with_issuer(guarded, options_of(issuer), clock=clock)))
    refuse(late, path_of(walk(begin(late), "ada")))


def token_of(issuer: str, name: str, resource: str = API, scope: str = "imagestore") -> dict[str, Any]:
    """What another program is given by the issuer when this person lets it."""
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "client_id": "another-program", "response_type": "code", "redirect_uri": "https://program.example.org/back",
        "scope": f"openid {scope}", "state": "s", "nonce": "n", "resource": resource,
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    back = walk(f"{issuer}/auth?{urlencode(query)}", name, "https://program.example.org")
    form = {
        "grant_type": "authorization_code", "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": "https://program.example.org/back", "code_verifier": verifier, "resource": resource,
    }  # fmt: skip
    answer = requests.post(f"{issuer}/token", form, auth=("another-program", quote(SECRET)), timeout=60)
    found: dict[str, Any] = answer.json()
    return found


def test_another_program_acts_for_who_has_signed_in_here_once(visitor: Browser, issuer: str) -> None:
    headers = {"Authorization": f"Bearer {token_of(issuer, 'ada')['access_token']}"}
    program = Browser(visitor.app)
    unknown = program.get("/api/v1/account", headers=headers)
    assert unknown.status_code == 401
    assert "sign in once" in unknown.json()["detail"]
    visitor.get(path_of(walk(begin(visitor), "ada")))
    me = program.get("/api/v1/account", headers=headers).json()
    assert (me["id"], me["role"], me["means"]) == (federated_id(issuer, "ada"), "trainer", "token")


def test_a_token_for_others_or_without_our_scope_is_refused(visitor: Browser, issuer: str) -> None:
    visitor.get(path_of(walk(begin(visitor), "ada")))
    program = Browser(visitor.app)
    for token in (
        token_of(issuer, "ada", resource="https://another.example.org/api")["access_token"],
        token_of(issuer, "ada", scope="other")["access_token"],
        token_of(issuer, "ada")["id_token"],
    ):
        refused = program.get("/api/v1/account", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401, refused.text


def test_without_an_audience_no_token_of_the_issuer_is_taken(guarded: Services, visitor: Browser, issuer: str) -> None:
    visitor.get(path_of(walk(begin(visitor), "ada")))
    closed = Browser(app_of(with_issuer(guarded, replace(options_of(issuer), audience=""))))
    headers = {"Authorization": f"Bearer {token_of(issuer, 'ada')['access_token']}"}
    assert closed.get("/api/v1/account", headers=headers).status_code == 401


def test_an_issuer_that_does_not_answer_is_said_and_passwords_go_on(
    guarded: Services, people: dict[Role, Person]
) -> None:
    away = Browser(app_of(with_issuer(guarded, options_of("http://localhost:9"))))
    answer = away.get("/sign-in/openid")
    assert answer.status_code == 503
    assert "OpenID issuer" in answer.text
    assert away.sign_in("a.viewer@example.org").status_code == 303


def test_without_an_issuer_there_is_no_such_way_in(browser: Browser) -> None:
    for path in ("/sign-in/openid", "/sign-in/openid/back"):
        assert browser.get(path).status_code == 404
    assert "Sign in with" not in browser.get("/sign-in").text


@pytest.fixture
def both(guarded: Services, issuer: str, partner: str) -> Services:
    """The services of an app at which people of two issuers sign in."""
    other = replace(options_of(partner), id="partner", name="Partner", roles={}, default_role=Role.VIEWER)
    return with_issuer(guarded, options_of(issuer), other)


def test_people_of_two_issuers_sign_in_and_each_is_somebody_else(both: Services, issuer: str, partner: str) -> None:
    app = app_of(both)
    first, second = Browser(app), Browser(app)
    assert first.get(path_of(walk(begin(first), "ada"))).status_code == 303
    home = second.get(path_of(walk(begin(second, name="Partner"), "ada")))
    assert (home.status_code, home.headers["location"]) == (303, "/gallery")
    mes = [browser.get("/api/v1/account").json() for browser in (first, second)]
    assert [me["id"] for me in mes] == [federated_id(issuer, "ada"), federated_id(partner, "ada")]
    assert [me["role"] for me in mes] == ["trainer", "viewer"]


def test_an_answer_of_one_issuer_is_not_taken_for_that_of_another(both: Services) -> None:
    app = app_of(both)
    for name, swapped in (("Example Login", "/sign-in/openid/partner/back"), ("Partner", "/sign-in/openid/back")):
        browser = Browser(app)
        answer = path_of(walk(begin(browser, name=name), "ada"))
        refuse(browser, f"{swapped}?{urlsplit(answer).query}")


def test_programs_act_for_people_of_each_allowed_issuer_and_of_no_other(
    both: Services, guarded: Services, issuer: str, partner: str
) -> None:
    program = Browser(app_of(both))
    tokens = {where: token_of(where, "ada")["access_token"] for where in (issuer, partner)}
    for name in ("Example Login", "Partner"):
        visitor = Browser(program.app)
        visitor.get(path_of(walk(begin(visitor, name=name), "ada")))
    for where, token in tokens.items():
        me = program.get("/api/v1/account", headers={"Authorization": f"Bearer {token}"}).json()
        assert (me["id"], me["means"]) == (federated_id(where, "ada"), "token")
    alone = Browser(app_of(with_issuer(guarded, options_of(issuer))))
    refused = alone.get("/api/v1/account", headers={"Authorization": f"Bearer {tokens[partner]}"})
    assert refused.status_code == 401


def test_where_nobody_signs_in_at_an_issuer_its_first_token_makes_the_account(
    guarded: Services, issuer: str, partner: str
) -> None:
    tokens_alone = replace(
        options_of(partner), client_id="", id="partner", name="Partner", roles={}, default_role=Role.CONTRIBUTOR
    )
    services = with_issuer(guarded, options_of(issuer), tokens_alone)
    program = Browser(app_of(services))
    assert "Partner" not in program.get("/sign-in").text
    assert program.get("/sign-in/openid/partner").status_code == 404
    headers = {"Authorization": f"Bearer {token_of(partner, 'ada')['access_token']}"}
    me = program.get("/api/v1/account", headers=headers).json()
    assert (me["id"], me["role"]) == (federated_id(partner, "ada"), "contributor")
    (entry,) = services.accounts.audit.search(what="join")
    assert (entry.who, entry.by, entry.after) == (me["id"], "another-program", {"role": "contributor"})
    services.accounts.set_disabled(me["id"], True)
    assert program.get("/api/v1/account", headers=headers).status_code == 401
