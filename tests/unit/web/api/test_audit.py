"""Everything that changes something is on record, with who did it; administrators search and export it."""

import asyncio
import csv
import io
import json
from typing import cast

import pytest
from fastapi import FastAPI
from starlette.types import Message

from imagestore.accounts.keys import Keys
from imagestore.accounts.roles import Role
from imagestore.web.services import Services
from unit.memory_items import MemoryItems
from unit.web.conftest import Drop
from unit.web.signed_in import PUBLIC, Browser, Person

SAME = {"Origin": PUBLIC}


def test_what_changes_something_is_on_record_with_the_account(
    browser: Browser, guarded: Services, people: dict[Role, Person], drop: Drop
) -> None:
    record = drop("garden/cat.jpg")
    contributor, admin = people[Role.CONTRIBUTOR], people[Role.ADMIN]
    path = f"/api/v1/pictures/{record.id}"
    headers = contributor.cookie | SAME
    browser.get(path, headers=headers)
    browser.delete(f"{path}?undoable=true", headers=headers)
    browser.post("/api/v1/pictures?name=new.jpg", content=b"x", headers=contributor.bearer)
    browser.put(f"/api/v1/accounts/{contributor.account.id}/role?role=trainer", headers=admin.bearer)
    found = browser.get("/api/v1/audit", headers=admin.bearer).json()["items"]
    by_what = {entry["what"]: entry for entry in found}
    assert set(by_what) == {"delete", "upload", "setRole"}
    deleted = by_what["delete"]
    assert (deleted["who"], deleted["target"], deleted["result"]) == (contributor.account.id, record.id, "done")
    assert deleted["by"].startswith("session-")
    assert by_what["upload"]["by"] == contributor.key.id
    assert by_what["upload"]["target"] != ""
    changed = by_what["setRole"]
    assert (changed["before"], changed["after"]) == ({"role": "contributor"}, {"role": "trainer"})
    assert "garden" not in json.dumps(found), "names hold people's names"
    assert "@" not in json.dumps(found)


def test_what_ends_in_an_error_of_ours_is_on_record_once(
    browser: Browser, people: dict[Role, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have changed something before it failed."""

    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Keys, "create", broken)
    contributor, admin = people[Role.CONTRIBUTOR], people[Role.ADMIN]
    answer = browser.post("/api/v1/keys", json={"name": "laptop"}, headers=contributor.cookie | SAME)
    assert answer.status_code == 500
    (entry,) = browser.get("/api/v1/audit", headers=admin.bearer).json()["items"]
    assert (entry["who"], entry["what"], entry["result"]) == (contributor.account.id, "createKey", "500")


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def test_what_was_refused_or_failed_is_on_record_too(browser: Browser, people: dict[Role, Person]) -> None:
    viewer, admin = people[Role.VIEWER], people[Role.ADMIN]
    browser.post("/api/v1/models/rollback", headers=viewer.bearer)
    browser.delete(f"/api/v1/pictures/{'0' * 32}", headers=admin.bearer)
    found = browser.get("/api/v1/audit", headers=admin.bearer).json()["items"]
    assert [(entry["what"], entry["who"], entry["result"]) for entry in found] == [
        ("delete", admin.account.id, "404"),
        ("rollback", viewer.account.id, "403"),
    ]


def test_signing_in_and_failing_to_is_on_record(browser: Browser, people: dict[Role, Person]) -> None:
    browser.sign_in("a.viewer@example.org", "wombat trellis oboe")
    browser.sign_in("a.viewer@example.org")
    browser.sign_in("nobody@example.org")
    found = browser.get("/api/v1/audit?what=sign_in", headers=people[Role.ADMIN].bearer).json()["items"]
    viewer = people[Role.VIEWER].account.id
    assert [(entry["who"], entry["result"]) for entry in found] == [
        ("nobody", "refused"), (viewer, "done"), ("nobody", "refused")
    ]  # fmt: skip
    assert found[2]["target"] == viewer, "whose account it was about"


def test_the_entry_is_written_before_the_answer_goes_out_and_its_loss_is_logged(
    browser: Browser, guarded: Services, people: dict[Role, Person], caplog: pytest.LogCaptureFixture
) -> None:
    cast(MemoryItems, guarded.stores.audit).is_away = True
    answer = browser.post("/api/v1/pictures?name=new.jpg", content=b"x", headers=people[Role.CONTRIBUTOR].bearer)
    assert answer.status_code == 202, "what was done stays done"
    assert '"what": "upload"' in caplog.text


def test_entries_are_searched_page_by_page(browser: Browser, people: dict[Role, Person]) -> None:
    admin = people[Role.ADMIN]
    for _ in range(5):
        browser.delete(f"/api/v1/pictures/{'0' * 32}", headers=admin.bearer)
    page = browser.get("/api/v1/audit?limit=3", headers=admin.bearer).json()
    rest = browser.get(f"/api/v1/audit?limit=3&after={page['next']}", headers=admin.bearer).json()
    ids = [entry["id"] for entry in page["items"] + rest["items"]]
    assert len(set(ids)) == 5
    assert ids == sorted(ids, reverse=True)
    assert rest["next"] is None
    assert browser.get("/api/v1/audit?who=x", headers=admin.bearer).json()["items"] == []
    assert len(browser.get("/api/v1/audit?since=2020-01-01", headers=admin.bearer).json()["items"]) == 5
    assert browser.get("/api/v1/audit?until=2020-01-01", headers=admin.bearer).json()["items"] == []


def test_the_log_is_exported_and_no_cell_is_run(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    guarded.accounts.audit.write("ada", "correct", target="=cmd()", after={"label": 'a,"b\n'})
    headers = people[Role.ADMIN].bearer
    table = list(csv.reader(io.StringIO(browser.get("/api/v1/audit/export", headers=headers).text)))
    assert table[0][:3] == ["at", "who", "by"]
    assert table[1][4] == "'=cmd()"
    lines = browser.get("/api/v1/audit/export?format=jsonl", headers=headers).text.splitlines()
    assert json.loads(lines[0])["after"] == {"label": 'a,"b\n'}


def test_a_promotion_is_the_accounts(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    assert browser.post("/api/v1/models/rollback", headers=people[Role.TRAINER].bearer).status_code == 202
    job = guarded.jobs.latest()
    assert job is not None
    assert job.by == people[Role.TRAINER].account.id


@pytest.mark.parametrize(
    ("method", "address", "kind", "begun"),
    [
        ("POST", "/api/v1/pictures?name=cat.jpg", "application/octet-stream", b"half of a pic"),
        (
            "POST",
            "/api/v1/pictures",
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="cat.jpg"\r\n\r\nhalf of a pic',
        ),
        ("POST", "/api/v1/pictures", "multipart/form-data; boundary=x", b"--x\r\nContent-Disp"),
        ("POST", "/api/v1/keys", "application/json", b'{"name": "cam'),
        ("POST", "/account/name", "application/x-www-form-urlencoded", b"name=Ev"),
    ],
    ids=["upload", "upload as a form", "the beginning of a form", "JSON", "a form of the pages"],
)
def test_what_its_sender_breaks_off_is_no_error_of_ours(
    guarded_app: FastAPI,
    guarded: Services,
    people: dict[Role, Person],
    caplog: pytest.LogCaptureFixture,
    method: str,
    address: str,
    kind: str,
    begun: bytes,
) -> None:
    path, _, query = address.partition("?")
    who = people[Role.CONTRIBUTOR].cookie | {"Content-Type": kind, "Origin": PUBLIC, "Host": PUBLIC[8:]}
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "https", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "client": ("192.0.2.7", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in who.items()],
    }  # fmt: skip
    coming: list[Message] = [{"type": "http.request", "body": begun, "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(guarded_app(scope, receive, send))
    assert sent[0]["status"] == 400
    (entry,) = guarded.accounts.audit.search()
    assert entry.result == "400"
    assert next(iter(guarded.stores.uploads.list()))[0] == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
