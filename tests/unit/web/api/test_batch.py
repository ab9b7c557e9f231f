"""Many pictures in one form: each is taken in or refused on its own, asked of two instances in turn."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from imagestore.accounts.roles import Role
from imagestore.errors import Unavailable
from imagestore.record import record_id
from imagestore.store import Stores
from imagestore.web.api import batch
from imagestore.web.services import Services
from unit.web.conftest import MAX_BYTES, Answer, Api, Drop, problem
from unit.web.signed_in import Browser, Person

FORM = {"Content-Type": "multipart/form-data; boundary=B"}


@pytest.fixture
def instances() -> int:
    return 2


def send(api: Api, *files: tuple[str, bytes], headers: dict[str, str] | None = None, **query: str) -> Answer:
    return api.post("/pictures/batch", files=[("file", file) for file in files], params=query, headers=headers)


def part(name: str, content: str) -> bytes:
    return f'--B\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{content}\r\n'.encode()


def raw(api: Api, *parts: bytes, end: bytes = b"--B--\r\n") -> Answer:
    return api.post("/pictures/batch", content=b"".join(parts) + end, headers=FORM)


def there(stores: Stores) -> dict[str, bytes]:
    return {name: blob.data for name, blob in vars(stores.uploads)["blobs"].items()}


def told(answer: Answer) -> list[tuple[str, str, str]]:
    assert answer.status_code == 202, answer.text
    return [(one["name"], one["status"], one["code"]) for one in answer.json()["items"]]


def test_each_file_is_taken_in_under_its_name(api: Api, stores: Stores) -> None:
    answer = send(api, ("cat.jpg", b"cat"), ("Küche/dog.jpg", b"dog" * 30_000), prefix="pets/")
    assert told(answer) == [("pets/cat.jpg", "taken", ""), ("pets/Küche/dog.jpg", "taken", "")]
    assert there(stores) == {"pets/cat.jpg": b"cat", "pets/Küche/dog.jpg": b"dog" * 30_000}
    first = answer.json()["items"][0]
    assert (first["id"], first["etag"]) == (record_id("pets/cat.jpg"), stores.uploads.get("pets/cat.jpg").etag)
    assert api.get(f"/pictures/{first['id']}", params={"name": "pets/cat.jpg"}).json()["status"] == "pending"
    assert answer.json()["stopped"] is None


def test_what_is_refused_stops_no_other(api: Api, stores: Stores, drop: Drop) -> None:
    drop("same.jpg", b"same")
    drop("taken.jpg", b"another")
    answer = send(
        api,
        ("same.jpg", b"same"),
        ("taken.jpg", b"taken"),
        ("../up.jpg", b"x"),
        ("a//b.jpg", b"x"),
        ("x" * 1200 + ".jpg", b"x"),
        ("large.jpg", b"x" * (MAX_BYTES + 1)),
        ("twice.jpg", b"one"),
        ("twice.jpg", b"two"),
        ("=1+1.jpg", b"formula"),
        ("empty.jpg", b""),
    )
    assert [(status, code) for _, status, code in told(answer)] == [
        ("unchanged", ""), ("refused", "name_taken"), ("refused", "bad_name"), ("refused", "bad_name"),
        ("refused", "bad_name"), ("refused", "too_many_bytes"), ("taken", ""), ("refused", "name_taken"), ("taken", ""),
        ("taken", ""),
    ]  # fmt: skip
    assert there(stores)["twice.jpg"] == b"one"
    assert "large.jpg" not in there(stores)
    assert all(one["why"].endswith(".") for one in answer.json()["items"] if one["status"] == "refused")


@pytest.mark.parametrize(("if_exists", "name"), [("overwrite", "cat.jpg"), ("rename", "cat (2).jpg")])
def test_if_exists_is_for_each(api: Api, stores: Stores, drop: Drop, if_exists: str, name: str) -> None:
    drop("cat.jpg", b"another")
    assert told(send(api, ("cat.jpg", b"cat"), if_exists=if_exists)) == [(name, "taken", "")]
    assert there(stores)[name] == b"cat"


def test_of_too_many_files_the_first_are_taken_in(api: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_FILES", 2)
    answer = send(api, *((f"{number}.jpg", b"x") for number in range(4)))
    assert [name for name, _, _ in told(answer)] == ["0.jpg", "1.jpg"] == sorted(there(stores))
    assert answer.json()["stopped"] == "A form has 2 files at most. Send those after the last in another one."


def test_of_too_many_bytes_what_came_whole_is_taken_in(
    api: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MOST_BYTES", 400)
    announced = send(api, ("a.jpg", b"a" * 300), ("b.jpg", b"b" * 300))
    assert problem(announced, 413)["limit_bytes"] == 400
    assert there(stores) == {}
    pieces = (part("a.jpg", "a"), part("b.jpg", "b" * 400), b"--B--\r\n")
    streamed = api.post("/pictures/batch", content=iter(pieces), headers=FORM)
    assert told(streamed) == [("a.jpg", "taken", "")]
    assert "more than 400 bytes" in streamed.json()["stopped"]
    assert list(there(stores)) == ["a.jpg"]


@pytest.mark.parametrize(
    "cut",
    [
        part("c.jpg", "c")[:30],
        part("c.jpg", "half")[:-4],
        b"--B\r\nContent-Disposition: form-data; filename*=windows-1252''c.jpg\r\n\r\nc\r\n" + part("d.jpg", "d"),
        part("c.jpg", "c").replace(b"\r\n\r\n", b"\r\nX: x" * 8 + b"\r\n\r\n") + part("d.jpg", "d"),
        part("c.jpg", "c") + b"--B x\r\n" + part("d.jpg", "d"),
    ],
)
@pytest.mark.parametrize("size", [1, 10_000])
def test_of_a_form_that_cannot_be_read_to_its_end_what_came_before_is_told(
    api: Api, stores: Stores, cut: bytes, size: int
) -> None:
    whole = part("a.jpg", "a") + part("b.jpg", "b") + cut
    pieces = (whole[start : start + size] for start in range(0, len(whole), size))
    answer = api.post("/pictures/batch", content=pieces, headers=FORM)
    assert told(answer) == [("a.jpg", "taken", ""), ("b.jpg", "taken", "")]
    assert there(stores) == {"a.jpg": b"a", "b.jpg": b"b"}
    stopped = answer.json()["stopped"]
    assert stopped.startswith("The form cannot be read: ")
    assert stopped.endswith(". Which files were kept is in `items`; send the others again.")


@pytest.mark.parametrize("cut", [b"", b"nonsense", b"--B x\r\n"])
def test_the_file_in_which_a_form_breaks_off_is_not_kept(api: Api, stores: Stores, cut: bytes) -> None:
    answer = raw(api, part("a.jpg", "a"), part("b.jpg", "b"), cut, end=b"")
    assert told(answer) == [("a.jpg", "taken", "")]
    assert list(there(stores)) == ["a.jpg"]


def test_a_name_that_is_refused_is_told_where_the_form_breaks_off_after_it(api: Api) -> None:
    answer = raw(api, part("a.jpg", "a"), part("../b", "b"), part("c.jpg", "c")[:-4], end=b"")
    assert told(answer) == [("a.jpg", "taken", ""), ("../b", "refused", "bad_name")]
    assert "breaks off" in answer.json()["stopped"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", FORM, 400),
        (b"--B--\r\n", FORM, 400),
        (b"cat", {"Content-Type": "image/jpeg"}, 415),
        (b"cat", {"Content-Type": "multipart/form-data"}, 400),
        (b"--B\r\nContent-Disposition: form-data; name=text\r\n\r\nno file\r\n--B--\r\n", FORM, 400),
        (part("a.jpg", "half")[:-3], FORM, 400),
    ],
)
def test_where_nothing_was_taken_in_the_answer_is_a_problem(
    api: Api, stores: Stores, body: bytes, headers: dict[str, str], status: int
) -> None:
    problem(api.post("/pictures/batch", content=body, headers=headers), status)
    assert there(stores) == {}


def test_while_storage_is_away_the_rest_is_not_tried(api: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    stat, asked = stores.uploads.stat, list[str]()

    def away(name: str) -> Any:
        asked.append(name)
        if name != "a.jpg":
            raise Unavailable("looking at a blob: ServiceRequestError")
        return stat(name)

    monkeypatch.setattr(stores.uploads, "stat", away)
    answer = send(api, ("a.jpg", b"a"), ("b.jpg", b"b"), ("c.jpg", b"c"))
    assert told(answer) == [("a.jpg", "taken", "")]
    assert "A service does not answer now" in answer.json()["stopped"]
    assert asked == ["a.jpg", "b.jpg"]
    assert problem(send(api, ("b.jpg", b"b")), 503)["code"] == "unavailable"


def test_sent_again_it_is_unchanged_and_with_a_key_the_same_answer(api: Api, drop: Drop, stores: Stores) -> None:
    files = (("cat.jpg", b"cat"), ("dog.jpg", b"dog"))
    key = {"Idempotency-Key": "batch-1"}
    first = send(api, *files, headers=key)
    assert [status for _, status, _ in told(send(api, *files))] == ["unchanged"] * 2
    again = send(api, *files, headers=key)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    other = send(api, ("cat.jpg", b"cat"), ("dog.jpg", b"elk"), headers=key)
    assert problem(other, 422)["code"] == "idempotency_key_reused"


def test_a_form_that_broke_off_and_is_sent_again_under_its_key_is_taken_in_once(
    api: Api, drop: Drop, stores: Stores
) -> None:
    drop("cat.jpg", b"another")
    key = {"idempotency-key": "batch-1"}
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/api/v1/pictures/batch",
        "raw_path": b"/api/v1/pictures/batch", "query_string": b"if_exists=rename", "root_path": "",
        "client": ("127.0.0.1", 1), "headers": [
            (name.lower().encode(), value.encode()) for name, value in (FORM | key | {"Host": "localhost"}).items()
        ],
    }  # fmt: skip
    begun = part("cat.jpg", "cat") + part("dog.jpg", "dog")
    coming: list[Message] = [{"type": "http.request", "body": begun, "more_body": True}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def answered(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await api.app(scope, receive, answered)

    asyncio.run(run())
    assert sent[0]["status"] == 400
    assert there(stores) == {"cat.jpg": b"another", "cat (2).jpg": b"cat"}, "the end of dog.jpg has not come"
    answer = api.post(
        "/pictures/batch", params={"if_exists": "rename"}, content=begun + b"--B--\r\n", headers=FORM | key
    )
    assert told(answer) == [("cat (2).jpg", "unchanged", ""), ("dog.jpg", "taken", "")]
    assert sorted(there(stores)) == ["cat (2).jpg", "cat.jpg", "dog.jpg"]


def test_contributors_may_and_the_audit_log_names_what_was_taken_in(
    browser: Browser, people: dict[Role, Person], guarded: Services
) -> None:
    files = [("file", ("cat.jpg", b"cat")), ("file", ("../x", b"x"))]
    asked = [
        browser.post("/api/v1/pictures/batch", files=files, headers=people[role].bearer).status_code
        for role in (Role.VIEWER, Role.CONTRIBUTOR)
    ]
    assert asked == [403, 202]
    (entry,) = [one for one in guarded.accounts.audit.search(what="uploadMany", limit=None) if one.result == "done"]
    assert entry.after == {"pictures": [record_id("cat.jpg")]}
