"""Keys of programs: made by people, shown once, never stronger than who has them, nobody else's business."""

import pytest

from imagestore.accounts.roles import Role
from imagestore.web.services import Services
from unit.web.conftest import Api, problem
from unit.web.signed_in import PUBLIC, Browser, Person

SAME = {"Origin": PUBLIC}


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def test_a_key_is_shown_once_and_works(browser: Browser, people: dict[Role, Person]) -> None:
    contributor = people[Role.CONTRIBUTOR]
    headers = contributor.cookie | SAME
    made = browser.post("/api/v1/keys", json={"name": "camera", "days": 7}, headers=headers)
    assert made.status_code == 201
    secret, key = made.json()["secret"], made.json()["key"]
    assert key["role"] == "contributor"
    me = browser.get("/api/v1/account", headers={"Authorization": f"Bearer {secret}"}).json()
    assert (me["id"], me["role"], me["means"]) == (contributor.account.id, "contributor", "key")
    listed = browser.get("/api/v1/keys", headers=headers)
    assert [one["name"] for one in listed.json()] == ["camera", "key of a contributor"]
    assert secret not in listed.text
    assert listed.json()[0]["begins"] == secret[:10]


def test_nobody_makes_a_key_that_may_do_more(browser: Browser, people: dict[Role, Person]) -> None:
    for role in (Role.VIEWER, Role.CONTRIBUTOR, Role.TRAINER):
        headers = people[role].cookie | SAME
        refused = browser.post("/api/v1/keys", json={"name": "x", "role": "admin"}, headers=headers)
        assert problem(refused, 403)["needed"] == "admin"
    weaker = {"name": "x", "role": "viewer"}
    assert browser.post("/api/v1/keys", json=weaker, headers=people[Role.ADMIN].cookie | SAME).status_code == 201


def test_only_an_administrators_key_makes_keys(browser: Browser, people: dict[Role, Person]) -> None:
    for role in (Role.VIEWER, Role.CONTRIBUTOR, Role.TRAINER):
        refused = browser.post("/api/v1/keys", json={"name": "x"}, headers=people[role].bearer)
        assert problem(refused, 403)["code"] == "session_needed"


def test_what_a_stolen_key_made_is_useless_once_that_is_revoked(
    browser: Browser, people: dict[Role, Person], guarded: Services
) -> None:
    admin = people[Role.ADMIN]

    def made(path: str, secret: str) -> str:
        answer = browser.post(path, json={"name": "x"} if path.endswith("keys") else {"days": 3650}, headers={
            "Authorization": f"Bearer {secret}"
        })  # fmt: skip
        assert answer.status_code == 201
        assert answer.json()["key"]["expires_at"] <= admin.key.expires_at, "and it lasts no longer"
        return str(answer.json()["secret"])

    stolen = admin.secret
    second = made("/api/v1/keys", stolen)
    third = made(f"/api/v1/keys/{guarded.accounts.keys.find(second).id}/rotate", second)  # type: ignore[union-attr]
    fourth = made(f"/api/v1/keys/{people[Role.VIEWER].key.id}/rotate", third)
    exchanged = made(f"/api/v1/keys/{admin.key.id}/rotate", stolen)
    all_made = (second, third, fourth, exchanged)
    for secret in all_made:
        assert browser.get("/api/v1/counts", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert browser.delete(f"/api/v1/keys/{admin.key.id}", headers=admin.cookie | SAME).status_code == 204
    for secret in (stolen, *all_made):
        assert browser.get("/api/v1/counts", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    assert browser.get("/api/v1/counts", headers=people[Role.VIEWER].bearer).status_code == 200
    (entry,) = guarded.accounts.audit.search(what="revokeKey")
    assert len(entry.after["also"]) == 4


def test_a_person_who_has_signed_in_gives_a_key_more_time_and_a_program_does_not(
    browser: Browser, people: dict[Role, Person], guarded: Services
) -> None:
    trainer = people[Role.TRAINER]
    secret, key = guarded.accounts.keys.create("short", Role.VIEWER, trainer.account.id, days=2)
    rotate = f"/api/v1/keys/{key.id}/rotate"
    for headers in ({"Authorization": f"Bearer {secret}"}, trainer.bearer):
        with_key = browser.post(rotate, json={"days": 3650}, headers=headers).json()["key"]
        assert with_key["expires_at"] <= (key if headers != trainer.bearer else trainer.key).expires_at
    token = guarded.accounts.tokens.make(key.id, trainer.account.id, Role.VIEWER)
    by_token = browser.post(rotate, json={"days": 9}, headers={"Authorization": f"Bearer {token}"}).json()["key"]
    assert (by_token["expires_at"], by_token["made_with"]) == (key.expires_at, key.id)
    signed_in = browser.post(rotate, json={"days": 3650}, headers=trainer.cookie | SAME).json()["key"]
    assert signed_in["expires_at"] > trainer.key.expires_at
    assert signed_in["made_with"] is None


def test_keys_are_exchanged_without_a_gap(browser: Browser, people: dict[Role, Person]) -> None:
    viewer = people[Role.VIEWER]
    made = browser.post(f"/api/v1/keys/{viewer.key.id}/rotate", headers=viewer.bearer)
    assert made.status_code == 201
    new = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert made.json()["key"]["name"] == viewer.key.name
    for headers in (viewer.bearer, new):
        assert browser.get("/api/v1/counts", headers=headers).status_code == 200
    assert browser.delete(f"/api/v1/keys/{viewer.key.id}", headers=new).status_code == 204
    assert browser.get("/api/v1/counts", headers=viewer.bearer).status_code == 401, "at once"
    assert browser.get("/api/v1/counts", headers=new).status_code == 200


def test_the_keys_of_others_are_not_there(browser: Browser, people: dict[Role, Person]) -> None:
    theirs = people[Role.VIEWER].key.id
    for role in (Role.CONTRIBUTOR, Role.TRAINER):
        for headers in (people[role].cookie | SAME, people[role].bearer):
            for method, path in (("DELETE", f"/api/v1/keys/{theirs}"), ("POST", f"/api/v1/keys/{theirs}/rotate")):
                assert browser.request(method, path, headers=headers).status_code == 404
            assert theirs not in browser.get("/api/v1/keys", headers=headers).text
            assert browser.get("/api/v1/keys?all=true", headers=headers).status_code == 403
    assert browser.get("/api/v1/counts", headers=people[Role.VIEWER].bearer).status_code == 200


def test_an_administrator_sees_all_keys_and_revokes_any(browser: Browser, people: dict[Role, Person]) -> None:
    headers = people[Role.ADMIN].bearer
    assert len(browser.get("/api/v1/keys?all=true", headers=headers).json()) == 4
    assert browser.delete(f"/api/v1/keys/{people[Role.VIEWER].key.id}", headers=headers).status_code == 204
    assert browser.get("/api/v1/counts", headers=people[Role.VIEWER].bearer).status_code == 401


def test_what_is_sent_beside_the_fields_changes_nothing(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    body = {
        "name": "x",
        "role": "viewer",
        "account": people[Role.ADMIN].account.id,
        "id": "key-1",
        "expires_at": "9999",
    }
    viewer = people[Role.VIEWER]
    made = browser.post("/api/v1/keys", json=body, headers=viewer.cookie | SAME).json()["key"]
    assert made["account"] == viewer.account.id
    assert made["expires_at"] < "2100"
    assert made["id"] != "key-1"


def test_where_nobody_signs_in_the_owner_makes_keys_for_later(api: Api) -> None:
    made = api.post("/keys", json={"name": "camera", "role": "trainer"})
    assert made.status_code == 201
    assert made.json()["key"]["account"] is None
    assert [key["name"] for key in api.get("/keys").json()] == ["camera"]


@pytest.mark.parametrize("days", [True, "7", 7.5, 0, 3651, None])
def test_days_are_a_whole_number(browser: Browser, people: dict[Role, Person], days: object) -> None:
    headers = people[Role.VIEWER].cookie | SAME
    assert problem(browser.post("/api/v1/keys", json={"name": "camera", "days": days}, headers=headers), 422)
    assert browser.post("/api/v1/keys", json={"name": "camera", "days": 7.0}, headers=headers).status_code == 201
