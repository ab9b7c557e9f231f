"""One's own account: what is kept of one, where one is signed in, another password, and leaving."""

from datetime import UTC, datetime

import pytest

from imagestore.accounts.attempts import PAIR
from imagestore.accounts.audit import NOBODY, Audit
from imagestore.accounts.people import People
from imagestore.accounts.roles import Role
from imagestore.accounts.sessions import RECENT, Sessions
from imagestore.web.services import Services
from unit.accounts.conftest import PASSWORD
from unit.web.conftest import Api, problem
from unit.web.signed_in import COOKIE, PUBLIC, Answer, Browser, Person, person

SAME = {"Origin": PUBLIC}
OTHER = "wombat trellis oboe"


def test_all_that_is_kept_of_a_person_is_one_file(browser: Browser, people: dict[Role, Person]) -> None:
    viewer = people[Role.VIEWER]
    browser.post("/api/v1/keys", json={"name": "camera"}, headers=viewer.cookie | SAME)
    found = browser.get("/api/v1/account/data", headers=viewer.cookie)
    data = found.json()
    assert data["account"]["email"] == "a.viewer@example.org"
    assert {key["name"] for key in data["keys"]} == {"camera", "key of a viewer"}
    assert len(data["sessions"]) == 1
    assert [entry["what"] for entry in data["audit"]] == ["createKey"]
    assert "argon2" not in found.text


def test_what_was_done_to_ones_account_is_among_what_is_kept_of_one(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    viewer, admin = people[Role.VIEWER], people[Role.ADMIN]
    audit = guarded.accounts.audit
    audit.write(NOBODY, "sign_in", target=viewer.account.id, address="198.51.100.9", result="refused")
    browser.put(f"/api/v1/accounts/{viewer.account.id}/role?role=trainer", headers=admin.bearer)
    audit.write(admin.account.id, "setRole", target=admin.account.id)
    data = browser.get("/api/v1/account/data", headers=viewer.cookie).json()
    told = [(entry["what"], entry["who"], entry["by"], entry["address"]) for entry in data["audit"]]
    assert told == [("setRole", admin.account.id, "", ""), ("sign_in", NOBODY, "", "198.51.100.9")]


def test_what_was_done_by_a_former_account_with_the_same_address_is_not_told(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    viewer = people[Role.VIEWER]
    Audit(guarded.stores.audit, lambda: datetime(2026, 1, 1, tzinfo=UTC)).write(viewer.account.id, "upload")
    assert browser.get("/api/v1/account/data", headers=viewer.cookie).json()["audit"] == []


def test_sessions_are_seen_and_ended_by_their_owner_alone(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    viewer = people[Role.VIEWER]
    elsewhere = guarded.accounts.sign_in(viewer.account, "198.51.100.1", "Firefox on a phone")
    listed = browser.get("/api/v1/account/sessions", headers=viewer.cookie).json()
    assert {(one["agent"], one["is_this"]) for one in listed} == {("Firefox on a phone", False), ("test", True)}
    (phone,) = [one["id"] for one in listed if not one["is_this"]]
    path = f"/api/v1/account/sessions/{phone}"
    assert browser.delete(path, headers=people[Role.ADMIN].cookie | SAME).status_code == 404
    assert browser.delete(path, headers=viewer.cookie | SAME).status_code == 204
    ended = {"Cookie": f"__Host-session={elsewhere}"}
    assert browser.get("/api/v1/account", headers=ended).status_code == 401
    assert browser.get("/api/v1/account", headers=viewer.cookie).status_code == 200


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def test_one_signs_out_everywhere(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    viewer = people[Role.VIEWER]
    elsewhere = {"Cookie": f"__Host-session={guarded.accounts.sign_in(viewer.account, '', '')}"}
    assert browser.delete("/api/v1/account/sessions", headers=viewer.cookie | SAME).status_code == 204
    for headers in (viewer.cookie, elsewhere):
        assert browser.get("/api/v1/account", headers=headers).status_code == 401
    assert browser.get("/api/v1/account", headers=viewer.bearer).status_code == 200, "keys are revoked one by one"


def test_another_password_needs_the_old_one_and_ends_all_sessions(browser: Browser, people: dict[Role, Person]) -> None:
    headers = people[Role.VIEWER].cookie | SAME
    wrong = browser.put("/api/v1/account/password", json={"old": OTHER, "new": OTHER}, headers=headers)
    assert problem(wrong, 403)["code"] == "wrong_password"
    weak = browser.put("/api/v1/account/password", json={"old": PASSWORD, "new": "password1234"}, headers=headers)
    assert "password1234" not in problem(weak, 422)["detail"]
    set_ = browser.put("/api/v1/account/password", json={"old": PASSWORD, "new": OTHER}, headers=headers)
    assert set_.status_code == 204
    assert browser.get("/api/v1/account", headers=headers).status_code == 401
    assert browser.sign_in("a.viewer@example.org", OTHER).status_code == 303


def test_no_answer_repeats_a_password(browser: Browser, people: dict[Role, Person]) -> None:
    headers = people[Role.VIEWER].cookie | SAME
    for body in ({"old": ["hunter2 hunter2"], "new": 1}, {"old": "hunter2 hunter2"}, ["hunter2 hunter2"]):
        refused = browser.put("/api/v1/account/password", json=body, headers=headers)
        assert problem(refused, 422)
        assert "hunter2" not in refused.text


def test_a_key_does_not_act_as_the_person(browser: Browser, people: dict[Role, Person]) -> None:
    """Else a stolen key took the whole account over."""
    headers = people[Role.ADMIN].bearer
    body = {"old": PASSWORD, "new": OTHER}
    for refused in (
        browser.put("/api/v1/account/password", json=body, headers=headers),
        browser.delete("/api/v1/account", headers=headers),
        browser.get("/api/v1/account/data", headers=headers),
        browser.delete("/api/v1/account/sessions", headers=headers),
    ):
        assert problem(refused, 403)["code"] == "session_needed"


def test_one_deletes_ones_account_unless_one_is_the_last_administrator(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    viewer, admin = people[Role.VIEWER], people[Role.ADMIN]
    assert delete(browser, viewer).status_code == 204
    assert guarded.accounts.people.get(viewer.account.id) is None
    assert problem(delete(browser, admin), 409)["code"] == "last_admin"
    person(guarded.accounts, Role.ADMIN, "second")
    assert delete(browser, admin).status_code == 204


def test_without_the_password_a_session_deletes_nothing(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    viewer = people[Role.VIEWER]
    assert problem(delete(browser, viewer, {}), 403)["code"] == "wrong_password"
    assert problem(browser.delete("/api/v1/account", headers=viewer.cookie | SAME), 403)["code"] == "wrong_password"
    for _ in range(PAIR.most - 2):
        assert problem(delete(browser, viewer, {"password": OTHER}), 403)["code"] == "wrong_password"
    assert problem(delete(browser, viewer), 429)["code"] == "too_many", "nor can one guess it so"
    assert guarded.accounts.people.get(viewer.account.id) == viewer.account


def test_who_has_no_password_deletes_the_account_soon_after_signing_in(browser: Browser, guarded: Services) -> None:
    def then() -> datetime:
        return datetime.now(UTC) - RECENT

    people = People(guarded.stores.accounts, then)
    elsewhere = people.create_federated("https://issuer.example", "1", "", "Ada", Role.VIEWER)
    old, _ = Sessions(guarded.stores.accounts, clock=then).start(elsewhere.id, "", "")
    new = guarded.accounts.sign_in(elsewhere, "", "")
    answers = [
        browser.delete("/api/v1/account", headers={"Cookie": f"{COOKIE}={session}"} | SAME) for session in (old, new)
    ]
    assert problem(answers[0], 403)["code"] == "sign_in_again"
    assert answers[1].status_code == 204


def delete(browser: Browser, who: Person, body: dict[str, str] | None = None) -> Answer:
    sent = {"password": PASSWORD} if body is None else body
    return browser.request("DELETE", "/api/v1/account", json=sent, headers=who.cookie | SAME)


def test_where_nobody_signs_in_there_is_no_account(api: Api) -> None:
    for refused in (
        api.put("/account/password", json={"old": PASSWORD, "new": OTHER}),
        api.delete("/account"),
        api.get("/account/data"),
    ):
        assert problem(refused, 409)["code"] == "no_account"
    assert api.get("/account/sessions").json() == []
