"""Corrections of many pictures by the API: as a list or a CSV file, asked of two instances in turn."""

from typing import Any

import pytest

from imagestore.accounts.roles import Role
from imagestore.errors import Unavailable
from imagestore.pipeline.changes import bulk
from imagestore.record import Record, record_id
from imagestore.store import Stores
from imagestore.web.api import corrections
from imagestore.web.services import Services
from unit.web.conftest import Answer, Api, Drop, problem
from unit.web.signed_in import PUBLIC, Browser, Person

NAMES = [f"garden/{number}.jpg" for number in range(5)]
IDS = [record_id(name) for name in NAMES]
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def instances() -> int:
    return 2


@pytest.fixture
def dropped(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    monkeypatch.setattr(bulk, "PART", 2)
    return [drop(name) for name in NAMES]


def send(api: Api, *rows: dict[str, Any]) -> Answer:
    return api.post("/pictures/corrections", json={"corrections": list(rows)})


def labels(stores: Stores) -> list[str | None]:
    found = [stores.records.read(id) for id in IDS]
    return [one.record.label for one in found if one is not None]


def test_a_list_is_made_in_steps_and_undone(api: Api, dropped: list[Record], stores: Stores) -> None:
    rows = [{"name": name, "label": f"kind {number}"} for number, name in enumerate(NAMES)]
    begun = send(api, *rows)
    assert begun.status_code == 202
    change = begun.json()["change"]
    assert begun.headers["location"] == f"/api/v1/changes/{change['id']}"
    assert [row["status"] for row in begun.json()["rows"]] == ["done"] * 2 + ["waiting"] * 3
    while change["state"] in ("applying", "undoing"):
        change = api.post(f"/changes/{change['id']}/continue").json()
    assert (change["action"], change["changed"]) == ("correct", 5)
    assert labels(stores) == [f"kind {number}" for number in range(5)]
    change = api.post(f"/changes/{change['id']}/undo").json()
    while change["state"] == "undoing":
        change = api.post(f"/changes/{change['id']}/continue").json()
    assert change["restored"] == 5
    assert labels(stores) == ["tabby"] * 5


def test_what_is_wrong_is_named_and_the_rest_is_made(api: Api, dropped: list[Record], stores: Stores) -> None:
    answer = send(
        api, {"id": IDS[0], "label": ["lynx"]}, {"name": NAMES[1], "label": "unknown"}, {"name": "no.jpg", "label": "a"}
    ).json()
    assert [(row["row"], row["id"], row["status"]) for row in answer["rows"]] == [
        (1, IDS[0], "done"), (2, IDS[1], "refused"), (3, record_id("no.jpg"), "left_alone"),
    ]  # fmt: skip
    assert "There is no record of it" in answer["rows"][2]["why"]
    assert labels(stores)[:2] == ["lynx", "tabby"]
    assert answer["change"]["left_alone"] == 1


def test_a_csv_file_is_taken_as_it_is_or_in_a_form(api: Api, dropped: list[Record], stores: Stores) -> None:
    first = api.post("/pictures/corrections", content=f"name,label\n{NAMES[0]},=1+1\n", headers=CSV)
    assert [row["row"] for row in first.json()["rows"]] == [2]
    api.post("/pictures/corrections", files={"file": ("c.csv", f"id,label\n{IDS[1]},owl\n")})
    assert labels(stores)[:2] == ["=1+1", "owl"]
    exported = api.get("/pictures/export", params={"format": "csv", "q": "garden/0"})
    assert "'=1+1" in exported.text
    again = api.post("/pictures/corrections", content=exported.content, headers=CSV).json()
    assert (again["change"]["same"], again["rows"][0]["status"]) == (1, "done"), "the export can be sent back"


def test_nothing_that_can_be_tried_begins_no_change(api: Api, stores: Stores) -> None:
    answer = send(api, {"label": "a"})
    assert (answer.status_code, answer.json()["change"], answer.json()["rows"][0]["status"]) == (202, None, "refused")
    assert list(stores.jobs.find("bulk_change")) == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "said"),
    [
        (b"{", {"Content-Type": "application/json"}, 422, "The corrections cannot be read"),
        (b"\xff", {"Content-Type": "application/json"}, 422, "The corrections cannot be read"),
        (b"[" * 100_000, {"Content-Type": "application/json"}, 422, "The corrections cannot be read"),
        (b'{"corrections": []}', {"Content-Type": "application/json"}, 422, "length >= 1"),
        (b'{"corrections": [{"name": "a"}]}', {"Content-Type": "application/json"}, 422, "required field `label`"),
        (b'{"corrections": [{"label": 1}]}', {"Content-Type": "application/json"}, 422, r"corrections\[0\]\.label"),
        (b'{"corrections": [{"label": "a", "x": 1}]}', {"Content-Type": "application/json"}, 422, "unknown field `x`"),
        (b"name,label\n", CSV, 422, "There are no corrections in it"),
        (b'name,label\n"a', CSV, 422, "cannot be read at line 2"),
        (b"name,label\n\xff,a\n", CSV, 422, "not in UTF-8: see its line 2"),
        (b"x", {"Content-Type": "application/zip"}, 415, "come as application/json, text/csv, or a form"),
        (b"x", {}, 415, "come as application/json, text/csv, or a form"),
    ],
)
def test_what_cannot_be_read_changes_nothing(
    api: Api, stores: Stores, body: bytes, headers: dict[str, str], status: int, said: str
) -> None:
    refused = problem(api.post("/pictures/corrections", content=body, headers=headers), status)
    assert said.replace("\\", "") in refused["detail"]
    assert list(stores.jobs.every()) == []


def test_too_many_or_too_large_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "MOST_CORRECTIONS", 2)
    many = problem(send(api, *({"name": f"{number}", "label": "a"} for number in range(3))), 413)
    assert many["detail"] == "There are more than 2 corrections, which is the limit. Nothing was changed."
    unread = "name,label\n" + "x\n" * 3 + '"never closed'
    assert problem(api.post("/pictures/corrections", content=unread, headers=CSV), 413)["detail"] == many["detail"]
    monkeypatch.setattr(corrections, "MOST_BYTES", 10)
    assert problem(api.post("/pictures/corrections", content=b"name,label\n", headers=CSV), 413)["limit_bytes"] == 10


def test_a_change_whose_first_step_could_not_be_done_goes_on_when_asked_to(
    api: Api, dropped: list[Record], stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def away(*_: object) -> Any:
            raise Unavailable("reading a document: ServiceRequestError")

        patched.setattr(stores.records, "read", away)
        begun = send(api, {"name": NAMES[0], "label": "lynx"})
    assert (begun.status_code, begun.json()["rows"][0]["status"]) == (202, "waiting")
    change = api.post(f"/changes/{begun.json()['change']['id']}/continue").json()
    assert (change["state"], labels(stores)[0]) == ("applied", "lynx")


def test_sent_again_under_its_key_it_is_one_change(api: Api, dropped: list[Record], stores: Stores) -> None:
    key = {"Idempotency-Key": "corrections-1"}
    body = {"corrections": [{"name": NAMES[0], "label": "lynx"}]}
    answers = [api.post("/pictures/corrections", json=body, headers=key).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(list(stores.jobs.find("bulk_change"))) == 1


def test_contributors_may_and_the_audit_log_says_who_did(
    browser: Browser, people: dict[Role, Person], dropped: list[Record], guarded: Services
) -> None:
    body = {"corrections": [{"name": NAMES[0], "label": "lynx"}]}
    ask = {role: browser.post("/api/v1/pictures/corrections", json=body, headers=people[role].bearer) for role in Role}
    assert [ask[role].status_code for role in (Role.VIEWER, Role.CONTRIBUTOR)] == [403, 202]
    entries = {entry.who: entry for entry in guarded.accounts.audit.search(what="correctMany", limit=None)}
    entry = entries[people[Role.CONTRIBUTOR].account.id]
    assert (entry.target, entry.after) == (
        ask[Role.CONTRIBUTOR].json()["change"]["id"], {"action": "correct", "pictures": 1},
    )  # fmt: skip
    changes = browser.get("/changes", headers=people[Role.CONTRIBUTOR].cookie | {"Origin": PUBLIC})
    assert "1 picture labelled, each as a list says" in changes.text
