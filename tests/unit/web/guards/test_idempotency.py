"""Requests under an idempotency key: done once, answered alike, whichever instance is asked and whatever dies."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from imagestore.accounts import kept_answers
from imagestore.accounts.kept_answers import TYPE
from imagestore.accounts.roles import Role
from imagestore.store import Stores
from imagestore.web.app import app_of
from imagestore.web.guards import idempotency
from imagestore.web.guards.idempotency import _Digest, key_of
from imagestore.web.openapi import describe
from imagestore.web.problems import ApiProblem
from imagestore.web.rules import SECRET_ANSWERS, TABLE, TAKES_KEY
from imagestore.web.services import Services
from unit.memory_items import MemoryItems
from unit.web.conftest import Answer, Api, Drop, problem
from unit.web.in_turn import another
from unit.web.signed_in import Browser, Person

KEY = {"Idempotency-Key": '"8f0c9a52-3d1e-4b1f"'}
FORM = "--{0}\r\nContent-Disposition: form-data; name=file; filename=cup.jpg\r\n\r\npicture\r\n--{0}--\r\n"


@pytest.fixture
def other(services: Services, api: Api, tmp_path: Path) -> Api:
    """Another instance."""
    app = app_of(another(services, tmp_path))
    app.openapi_schema = describe(cast(Any, api.app))
    return Api(app)


def jobs(stores: Stores) -> int:
    return len(list(stores.jobs.find("job")))


def kept(stores: Stores) -> list[dict[str, Any]]:
    return [item.document for item in stores.accounts.find(TYPE)]


def rename(api: Api, content: bytes = b"cup", **headers: str) -> Answer:
    return api.post(
        "/pictures", params={"name": "cup.jpg", "if_exists": "rename"}, content=content, headers=KEY | headers
    )


def test_a_request_that_is_sent_again_is_answered_alike_and_not_done_again(
    api: Api, other: Api, stores: Stores, drop: Drop
) -> None:
    drop("cup.jpg", b"another cup")
    first = rename(api)
    assert "idempotency-replayed" not in first.headers
    for instance in (api, other):
        again = rename(instance)
        assert (again.status_code, again.json()) == (first.status_code, first.json()) == (202, first.json())
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotency-replayed"] == "true"
    assert sorted(vars(stores.uploads)["blobs"]) == ["cup (2).jpg", "cup.jpg"]
    assert "idempotency-replayed" not in rename(api, b"cup", **{"Idempotency-Key": "another"}).headers


def test_a_correction_that_comes_late_does_not_undo_that_of_another(api: Api, drop: Drop) -> None:
    id = drop("cat.jpg").id
    first = api.put(f"/pictures/{id}/correction", params={"label": "lynx"}, headers=KEY)
    api.put(f"/pictures/{id}/correction", params={"label": "ocelot"})
    late = api.put(f"/pictures/{id}/correction", params={"label": "lynx"}, headers=KEY)
    assert late.json() == first.json()
    assert api.get(f"/pictures/{id}").json()["label"] == "ocelot"


@pytest.mark.parametrize("instances", [2])
def test_a_job_is_put_in_once(api: Api, stores: Stores) -> None:
    body = {"kind": "reprocess"}
    first = api.post("/jobs", json=body, headers=KEY)
    assert first.status_code == 202
    assert api.post("/jobs", json=body, headers=KEY).json()["id"] == first.json()["id"]
    assert problem(api.post("/jobs", json=body), 409)["code"] == "conflict"
    assert jobs(stores) == 1


def test_without_the_header_nothing_is_looked_up_or_kept(api: Api, stores: Stores) -> None:
    items = cast(MemoryItems, stores.accounts)
    before = items.calls
    assert api.post("/pictures", params={"name": "cup.jpg"}, content=b"cup").status_code == 202
    assert items.calls == before


def test_another_request_under_the_same_key_is_refused(api: Api, stores: Stores) -> None:
    assert rename(api).status_code == 202
    name = {"name": "other.jpg", "if_exists": "rename"}
    for other in (
        rename(api, b"cap"),
        rename(api, b"cup and saucer"),
        rename(api, b""),
        api.post("/pictures", params=name, content=b"cup", headers=KEY),
    ):
        assert problem(other, 422)["code"] == "idempotency_key_reused"
    assert list(vars(stores.uploads)["blobs"]) == ["cup.jpg"]
    assert api.post("/jobs", json={"kind": "reprocess"}, headers=KEY).status_code == 202, "a key is for one route"


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_form_is_the_same_whatever_its_boundary(size: int) -> None:
    def digest(boundary: str, name: str = "picture") -> object:
        scope = {"type": "http", "headers": [(b"content-type", f"multipart/form-data; boundary={boundary}".encode())]}
        data, made = FORM.format(boundary).replace("picture", name).encode(), _Digest(scope)
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        for number, piece in enumerate(pieces):
            made.add(piece, is_last=number == len(pieces) - 1)
        return made.body()

    assert digest("----a1b2c3") == digest("xyz-and-longer")
    assert digest("----a1b2c3") != digest("----a1b2c3", "another")


def test_a_form_that_is_made_anew_is_the_same_request(api: Api) -> None:
    answers = [api.post("/pictures", files={"file": ("cup.jpg", b"cup")}, headers=KEY) for _ in range(2)]
    assert [one.headers.get("idempotency-replayed") for one in answers] == [None, "true"]


def test_of_many_at_once_one_is_done(api: Api, other: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end = threading.Event(), threading.Event()
    stat = stores.uploads.stat

    def slow(name: str) -> Any:
        begun.set()
        assert may_end.wait(30)
        return stat(name)

    monkeypatch.setattr(stores.uploads, "stat", slow)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(rename, api)
        assert begun.wait(30)
        try:
            for instance in (api, other):
                refused = rename(instance)
                assert problem(refused, 409)["code"] == "request_at_work"
                assert refused.headers["retry-after"] == "3"
            reused = api.post("/pictures", params={"name": "b.jpg"}, content=b"b", headers=KEY)
            assert problem(reused, 422)["code"] == "idempotency_key_reused"
        finally:
            may_end.set()
        assert first.result().status_code == 202
    assert rename(other).json() == first.result().json()


def test_who_begins_at_the_same_moment_does_it_once(api: Api, stores: Stores, drop: Drop) -> None:
    drop("cup.jpg", b"another cup")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: rename(api), range(8)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert {answer.json()["name"] for answer in answers if answer.status_code == 202} == {"cup (2).jpg"}
    assert len(vars(stores.uploads)["blobs"]) == 2


def test_who_died_between_doing_and_keeping_locks_the_key_for_half_a_minute_alone(
    api: Api, other: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        for method in ("keep", "release"):
            patched.setattr(kept_answers.Claim, method, lambda *_: None)
        first = api.post("/pictures", params={"name": "cup.jpg"}, content=b"cup", headers=KEY)
    again = other.post("/pictures", params={"name": "cup.jpg"}, content=b"cup", headers=KEY)
    assert problem(again, 409)["code"] == "request_at_work"
    (claim,) = kept(stores)
    stores.accounts.replace(claim | {"until": "2026-01-01T00:00:00.000Z"}, etag(stores, claim["id"]))
    wrong = other.post("/pictures", params={"name": "cap.jpg"}, content=b"cup", headers=KEY)
    assert problem(wrong, 422)["code"] == "idempotency_key_reused"
    done = other.post("/pictures", params={"name": "cup.jpg"}, content=b"cup", headers=KEY)
    assert done.json() == first.json(), "the same file under the same name is not taken in twice"
    assert "idempotency-replayed" not in done.headers
    assert list(vars(stores.uploads)["blobs"]) == ["cup.jpg"]


def etag(stores: Stores, id: str) -> str:
    found = stores.accounts.read(id)
    assert found is not None
    return found.etag


def test_a_request_that_takes_long_keeps_its_claim(api: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "_RENEWED_EVERY_S", 0.01)
    renewed, renew, stat = threading.Event(), kept_answers.Claim.renew, stores.uploads.stat
    seen: list[kept_answers.Claim] = []

    def told(claim: kept_answers.Claim) -> None:
        renew(claim)
        seen.append(claim)
        if len(seen) == 3:
            renewed.set()

    def slow(name: str) -> Any:
        assert renewed.wait(30)
        return stat(name)

    monkeypatch.setattr(kept_answers.Claim, "renew", told)
    monkeypatch.setattr(stores.uploads, "stat", slow)
    assert rename(api).status_code == 202
    assert rename(api).headers["idempotency-replayed"] == "true"


def test_what_was_refused_or_failed_is_tried_anew(
    api: Api, stores: Stores, drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop("cup.jpg", b"another cup")

    def ask() -> Answer:
        return api.post("/pictures", params={"name": "cup.jpg"}, content=b"c", headers=KEY)

    assert problem(ask(), 409)["code"] == "name_taken"
    assert kept(stores) == []
    with monkeypatch.context() as patched:
        patched.setattr(stores.uploads, "stat", lambda name: 1 / 0)
        assert problem(ask(), 500)["code"] == "internal"
    assert kept(stores) == []
    stores.uploads.delete("cup.jpg")
    assert ask().status_code == 202


def test_an_answer_that_cannot_be_kept_goes_out_all_the_same(
    api: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = cast(MemoryItems, stores.accounts)
    writer = stores.uploads.writer

    def away(name: str) -> Any:
        items.is_away = True
        return writer(name)

    monkeypatch.setattr(stores.uploads, "writer", away)
    assert rename(api).status_code == 202
    unavailable = rename(api)
    assert problem(unavailable, 503)["code"] == "unavailable"
    assert "retry-after" in unavailable.headers


def test_an_answer_that_is_too_large_is_not_kept_and_not_made_again(
    api: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_answers, "MOST_ANSWER_BYTES", 10)
    assert rename(api).status_code == 202
    assert problem(rename(api), 409)["code"] == "answer_not_kept"


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (['"8e03978e-40d5"'], "8e03978e-40d5"),
        (["8e03978e-40d5"], "8e03978e-40d5"),
        (['"a \\"b\\" \\\\ c"'], 'a "b" \\ c'),
        (["x" * 255], "x" * 255),
    ],
)
def test_a_key_is_a_string_with_or_without_quotation_marks(given: list[str], key: str) -> None:
    assert key_of(given) == key


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([""], "has other ones"),
        (['""'], "has 0 characters"),
        (["x" * 256], "has 256 characters"),
        (['"' + "x" * 300 + '"'], "has 300 characters"),
        (['"open'], "has other ones"),
        (['"a";b=1'], "has other ones"),
        (["two words"], "has other ones"),
        (["käse"], "has other ones"),
        (["a", "a"], "is there more than once"),
    ],
)
def test_what_can_be_no_key_is_said(given: list[str], said: str) -> None:
    with pytest.raises(ApiProblem, match=f"1 to 255 visible ASCII characters.*; this one {said}") as refused:
        key_of(given)
    assert (refused.value.status, refused.value.code) == (400, "bad_idempotency_key")


def test_a_bad_key_is_refused_before_anything_is_done(api: Api, stores: Stores) -> None:
    answer = api.post("/pictures", params={"name": "a.jpg"}, content=b"a", headers={"Idempotency-Key": "x" * 999})
    assert problem(answer, 400)["code"] == "bad_idempotency_key"
    assert vars(stores.uploads)["blobs"] == {}


def test_a_key_is_its_callers_alone(browser: Browser, people: dict[Role, Person], stores: Stores) -> None:
    def ask(who: dict[str, str]) -> Answer:
        return browser.post("/api/v1/jobs", json={"kind": "reprocess"}, headers=KEY | who)

    first = ask(people[Role.TRAINER].bearer)
    assert first.status_code == 202
    assert ask(people[Role.TRAINER].bearer).headers["idempotency-replayed"] == "true"
    assert problem(ask(people[Role.ADMIN].bearer), 409)["code"] == "conflict", "it is another's, and is asked anew"
    by_hand = people[Role.TRAINER].cookie | {"Origin": "https://pictures.example.org"}
    assert problem(ask(by_hand), 409)["code"] == "conflict", "so it is with another key of the same account"
    assert problem(ask(people[Role.VIEWER].bearer), 403)["code"] == "role_needed"


def test_an_answer_is_not_for_who_has_another_role_since(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    trainer = people[Role.TRAINER]

    def ask() -> Answer:
        return browser.post("/api/v1/pictures?name=a.jpg", content=b"a", headers=KEY | trainer.bearer)

    assert ask().status_code == 202
    guarded.accounts.set_role(trainer.account.id, Role.CONTRIBUTOR)
    refused = problem(ask(), 422)
    assert "another role" in refused["detail"]


def test_the_audit_log_has_what_was_done_once(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    for _ in range(3):
        browser.post("/api/v1/jobs", json={"kind": "reprocess"}, headers=KEY | people[Role.TRAINER].bearer)
    entries = list(guarded.accounts.audit.search(what="startJob", limit=None))
    assert [entry.result for entry in entries] == ["done"]


def test_what_answers_with_a_secret_takes_no_key(browser: Browser, people: dict[Role, Person], stores: Stores) -> None:
    before = len(list(stores.accounts.every()))
    refused = browser.post("/api/v1/keys", json={"name": "camera"}, headers=KEY | people[Role.ADMIN].bearer)
    assert problem(refused, 400)["code"] == "no_idempotency_key"
    assert len(list(stores.accounts.every())) == before


def test_every_route_that_changes_pictures_and_models_takes_a_key() -> None:
    looks_alone = {"/api/v1/classify", "/api/v1/classify/why", "/api/v1/classify/nearest", "/api/v1/similar"}
    changing = {
        row
        for row, need in TABLE.items()
        if need in (Role.CONTRIBUTOR, Role.TRAINER)
        and not row.startswith("GET ")
        and row.partition(" ")[2].startswith("/api/v1/")
        and row.partition(" ")[2] not in looks_alone
    }
    sends = {"POST /api/v1/webhooks/{id}/test", "POST /api/v1/webhooks/{id}/deliveries/{delivery}/resend"}
    assert changing | sends == TAKES_KEY
    assert set(TABLE) > SECRET_ANSWERS
    assert not TAKES_KEY & SECRET_ANSWERS


def test_every_answer_of_the_api_says_that_keys_are_taken(browser: Browser) -> None:
    for path in ("/api/v1/health/live", "/api/v1/pictures", "/api/v1/nothing"):
        assert browser.get(path).headers["idempotency-supported"] == "true"
    assert "idempotency-supported" not in browser.get("/sign-in").headers


def test_the_description_says_which_take_one(api: Api) -> None:
    document = api.get("/openapi.json").json()
    described = {
        f"{method.upper()} {address}"
        for address, operations in document["paths"].items()
        for method, operation in operations.items()
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
    }
    assert described == TAKES_KEY
