"""Administrators see to accounts, and can never be without one."""

import pytest

from imagestore.accounts.roles import Role
from imagestore.web.services import Services
from unit.web.conftest import problem
from unit.web.signed_in import Browser, Person, person


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def test_everybody_is_listed_without_anything_secret(browser: Browser, people: dict[Role, Person]) -> None:
    listed = browser.get("/api/v1/accounts", headers=people[Role.ADMIN].bearer)
    names = [one["name"] for one in listed.json()]
    assert names == ["a admin", "a contributor", "a trainer", "a viewer"]
    assert "argon2" not in listed.text
    assert "password" not in listed.text


def test_a_role_is_changed_and_holds_at_once(browser: Browser, people: dict[Role, Person]) -> None:
    admin, viewer = people[Role.ADMIN], people[Role.VIEWER]
    assert browser.get("/review", headers=viewer.cookie).status_code == 403
    changed = browser.put(f"/api/v1/accounts/{viewer.account.id}/role?role=contributor", headers=admin.bearer)
    assert changed.json()["role"] == "contributor"
    assert browser.get("/review", headers=viewer.cookie).status_code == 200
    assert browser.get("/api/v1/account", headers=viewer.bearer).json()["role"] == "viewer", "its key stays as it is"


def test_who_is_disabled_is_out_at_once_with_every_key(browser: Browser, people: dict[Role, Person]) -> None:
    admin, viewer = people[Role.ADMIN], people[Role.VIEWER]
    path = f"/api/v1/accounts/{viewer.account.id}/disabled"
    assert browser.put(path, headers=admin.bearer).json()["is_disabled"] is True
    for headers in (viewer.cookie, viewer.bearer):
        assert browser.get("/api/v1/counts", headers=headers).status_code == 401
    assert browser.delete(path, headers=admin.bearer).json()["is_disabled"] is False
    assert browser.get("/api/v1/counts", headers=viewer.bearer).status_code == 200
    assert browser.get("/api/v1/counts", headers=viewer.cookie).status_code == 401, "the session has ended"


@pytest.mark.parametrize(("method", "path"), [("PUT", "/role?role=viewer"), ("PUT", "/disabled"), ("DELETE", "")])
def test_the_last_administrator_stays(
    browser: Browser, guarded: Services, people: dict[Role, Person], method: str, path: str
) -> None:
    admin = people[Role.ADMIN]
    refused = browser.request(method, f"/api/v1/accounts/{admin.account.id}{path}", headers=admin.bearer)
    assert problem(refused, 409)["code"] == "last_admin"
    assert browser.get("/api/v1/accounts", headers=admin.bearer).status_code == 200
    person(guarded.accounts, Role.ADMIN, "second")
    assert browser.request(method, f"/api/v1/accounts/{admin.account.id}{path}", headers=admin.bearer).is_success


def test_an_invitation_is_listed_without_its_link_and_can_be_taken_back(
    browser: Browser, people: dict[Role, Person]
) -> None:
    headers = people[Role.ADMIN].bearer
    body = {"email": "New@example.org", "role": "trainer"}
    made = browser.post("/api/v1/invitations", json=body, headers=headers).json()
    listed = browser.get("/api/v1/invitations", headers=headers)
    assert [(one["id"], one["email"], one["role"]) for one in listed.json()] == [
        (made["id"], "new@example.org", "trainer")
    ]
    token = made["url"].partition("token=")[2]
    assert token not in listed.text
    assert browser.delete(f"/api/v1/invitations/{made['id']}", headers=headers).status_code == 204
    assert browser.get(f"/invitation?token={token}").status_code == 410
    assert browser.delete(f"/api/v1/invitations/{made['id']}", headers=headers).status_code == 404


def test_who_has_an_account_is_not_invited_again(browser: Browser, people: dict[Role, Person]) -> None:
    body = {"email": "A.Viewer@example.org", "role": "admin"}
    problem(browser.post("/api/v1/invitations", json=body, headers=people[Role.ADMIN].bearer), 409)
    body["email"] = "no address"
    problem(browser.post("/api/v1/invitations", json=body, headers=people[Role.ADMIN].bearer), 422)


def test_a_deleted_account_is_gone_with_its_keys(browser: Browser, people: dict[Role, Person]) -> None:
    admin, viewer = people[Role.ADMIN], people[Role.VIEWER]
    path = f"/api/v1/accounts/{viewer.account.id}"
    assert browser.delete(path, headers=admin.bearer).status_code == 204
    assert browser.get("/api/v1/counts", headers=viewer.bearer).status_code == 401
    assert browser.delete(path, headers=admin.bearer).status_code == 404
    assert len(browser.get("/api/v1/keys?all=true", headers=admin.bearer).json()) == 3
