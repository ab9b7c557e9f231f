"""Access tokens for programs, as OAuth 2.0 says (RFC 6749, section 4.4)."""

import base64
import json
from urllib.parse import quote

import pytest

from imagestore.accounts.roles import Role
from imagestore.web.services import Services
from unit.web.signed_in import Answer, Browser, Person

ADDRESS = "/api/v1/oauth/token"


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def asked(browser: Browser, who: Person, **changes: str) -> Answer:
    form = {"grant_type": "client_credentials", "client_id": who.key.id, "client_secret": who.secret} | changes
    return browser.post(ADDRESS, data=form)


def test_a_program_gets_a_token_for_its_key(browser: Browser, people: dict[Role, Person]) -> None:
    trainer = people[Role.TRAINER]
    answer = asked(browser, trainer)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 600, "trainer")
    assert "refresh_token" not in token
    me = browser.get("/api/v1/account", headers={"Authorization": f"Bearer {token['access_token']}"}).json()
    assert (me["id"], me["role"], me["means"]) == (trainer.account.id, "trainer", "token")


def test_a_program_may_authenticate_as_clients_do_by_default(browser: Browser, people: dict[Role, Person]) -> None:
    viewer = people[Role.VIEWER]
    basic = base64.b64encode(f"{quote(viewer.key.id)}:{quote(viewer.secret)}".encode()).decode()
    form = {"grant_type": "client_credentials"}
    assert browser.post(ADDRESS, data=form, headers={"Authorization": f"Basic {basic}"}).status_code == 200
    refused = browser.post(ADDRESS, data=form, headers={"Authorization": "Basic x"})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["www-authenticate"].startswith("Basic")


def test_a_token_may_do_less_than_its_key_and_never_more(browser: Browser, people: dict[Role, Person]) -> None:
    assert asked(browser, people[Role.TRAINER], scope="viewer").json()["scope"] == "viewer"
    raised = asked(browser, people[Role.VIEWER], scope="admin").json()
    assert raised["scope"] == "viewer"
    headers = {"Authorization": f"Bearer {raised['access_token']}"}
    assert browser.get("/api/v1/accounts", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "ims_x"}, 401, "invalid_client"),
        ({"client_id": "key-0"}, 401, "invalid_client"),
        ({"client_id": "", "client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "unsupported_grant_type"),
        ({"scope": "root"}, 400, "invalid_scope"),
    ],
)
def test_what_is_wrong_is_said_as_clients_expect_it(
    browser: Browser, people: dict[Role, Person], changes: dict[str, str], status: int, error: str
) -> None:
    answer = asked(browser, people[Role.VIEWER], **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_another_body_than_a_form_is_refused(browser: Browser, people: dict[Role, Person]) -> None:
    viewer = people[Role.VIEWER]
    form = {"grant_type": "client_credentials", "client_id": viewer.key.id, "client_secret": viewer.secret}
    assert browser.post(ADDRESS, json=form).json()["error"] == "invalid_request"
    twice = "grant_type=client_credentials&grant_type=x"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post(ADDRESS, content=twice, headers=kind).json()["error"] == "invalid_request"
    assert browser.post(ADDRESS, content="x" * 10_000, headers=kind).status_code == 413


def test_a_key_of_a_disabled_account_gets_none(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    guarded.accounts.set_disabled(people[Role.VIEWER].account.id, True)
    assert asked(browser, people[Role.VIEWER]).status_code == 401


def test_a_token_from_another_app_is_not_ours(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    token = asked(browser, people[Role.ADMIN]).json()["access_token"]
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert claims["iss"] == "https://pictures.example.org"
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"client_id": "x"}).encode()).decode().rstrip("=")
    for bad in (f"{head}.{forged}.{signature}", f"{head}.{body}.", f"{head}.{body}"):
        assert browser.get("/api/v1/counts", headers={"Authorization": f"Bearer {bad}"}).status_code == 401


def test_a_refusal_is_on_record_without_what_may_be_a_secret_in_the_wrong_place(
    browser: Browser, people: dict[Role, Person]
) -> None:
    viewer, admin = people[Role.VIEWER], people[Role.ADMIN]
    asked(browser, viewer, client_id=viewer.secret, client_secret=viewer.key.id)
    asked(browser, viewer, client_secret="ims_x")
    log = browser.get("/api/v1/audit?what=token", headers=admin.bearer)
    assert [(entry["target"], entry["result"]) for entry in log.json()["items"]] == [
        (viewer.key.id, "refused"), ("", "refused")
    ]  # fmt: skip
    assert viewer.secret not in log.text
