"""Whatever is sent to the API or the pages, it is refused as the sender's mistake and never answered with a 500."""

import asyncio
import base64
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagestore.web.openapi import describe
from imagestore.web.services import Services
from unit.web.conftest import Drop
from unit.web.records import picture

ENDLESS = {"events"}
ID = picture("cat.jpg").id
DEEP = 100_000
DIGITS = "9" * 5000


def asked(
    app: FastAPI,
    method: str,
    path: bytes,
    query: bytes = b"",
    headers: Mapping[str, bytes] | None = None,
    body: bytes = b"",
) -> int:
    """The status of the answer to a request that no client library would send. The path is percent-encoded."""
    given = {"host": b"localhost:8000", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.encode(), value) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "app": app,
    }
    return asyncio.run(_status(app, scope, body))


async def _status(app: FastAPI, scope: dict[str, Any], body: bytes) -> int:
    statuses: list[int] = []
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.get_running_loop().create_future()  # nobody leaves

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    try:
        await app(scope, receive, send)
    except Exception:
        return 500
    return statuses[0]


@pytest.fixture(autouse=True)
def _one_picture(services: Services, drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    services.change_feed.problem = None
    drop("cat.jpg", b"0123456789")


def base64_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


CURSORS = [
    b'["confident", %s, "x"]' % DIGITS[:30].encode(),
    b'["confident", %s, "x"]' % DIGITS[:1500].encode(),
    b'["confident", 1e400, "x"]',
    b'["confident", NaN, "x"]',
    b'["confident", true, "x"]',
    b'["newest", "\\ud800", "x"]',
    b'["newest", "x", "\\udfff"]',
    b'["newest", "\xff", "x"]',
    b'["newest", "\\u0000", "x"]',
    b"[" * 3000,
    b'{"a":' * 600,
    b"[" * DEEP,
    b'{"a":' * DEEP,
    b"",
    b"null",
]


@pytest.mark.parametrize("cursor", CURSORS, ids=range(len(CURSORS)))
@pytest.mark.parametrize("sort", ["newest", "confident"])
def test_a_cursor_that_no_list_gave_is_refused(app: FastAPI, cursor: bytes, sort: str) -> None:
    query = f"sort={sort}&after={base64_of(cursor)}".encode()
    assert asked(app, "GET", b"/api/v1/pictures", query) in (200, 404, 422)
    assert asked(app, "GET", b"/gallery", query) in (200, 422)


@pytest.mark.parametrize("host", [b"[::1", b"[", b"]", b"", b"[v1.x]", b"localhost:", b"localhost:99999", b"\xff"])
def test_a_host_that_is_none_is_refused(app: FastAPI, host: bytes) -> None:
    for path in (b"/api/v1/pictures", b"/gallery", b"/static/style.css"):
        assert asked(app, "GET", path, headers={"host": host}) == 421


@pytest.mark.parametrize("host", [b"localhost/x", b"localhost?x", b"a@localhost", b"localhost#", b"127.0.0.1\\x"])
def test_a_host_that_holds_more_than_a_host_is_refused(app: FastAPI, host: bytes) -> None:
    assert asked(app, "GET", b"/api/v1/pictures", headers={"host": host}) == 421


@pytest.mark.parametrize("origin", [b"http://[::1", b"[", b"http://", b"null", b"", b"\xff", b"http://localhost:8000/"])
def test_an_origin_that_is_not_ours_changes_nothing(app: FastAPI, origin: bytes) -> None:
    path = f"/api/v1/pictures/{ID}".encode()
    assert asked(app, "DELETE", path, headers={"origin": origin}) == 403
    assert asked(app, "GET", path) == 200


@pytest.mark.parametrize("range", [f"0-{DIGITS}", f"{DIGITS}-", f"-{DIGITS}", "\u0663-", "-", "1-2,3-4", "-0", "5-2"])
def test_a_range_that_cannot_be_is_no_error_of_ours(app: FastAPI, range: str) -> None:
    path = f"/api/v1/pictures/{ID}/original".encode()
    assert asked(app, "GET", path, headers={"range": b"bytes=" + range.encode()}) in (200, 206, 416)


@pytest.mark.parametrize("length", ["abc", "-1", "1_0", "\u0663", DIGITS, "", "1.5", "0x5"])
def test_a_length_that_is_no_number_of_bytes_is_refused(app: FastAPI, length: str) -> None:
    headers = {"content-length": length.encode()}
    assert asked(app, "POST", b"/api/v1/pictures", b"name=new.jpg", headers, b"12345") == 400


TOKENS = [
    b"[" * 1500,
    b'{"picture":"%s","id":"x","pop_receipt":"y","z":%s' % (ID.encode(), b"[" * 1300),
    b'{"picture":"%s","id":"\\ud800","pop_receipt":"y"}' % ID.encode(),
    b'{"picture":"%s","id":"\\u0000","pop_receipt":"y"}' % ID.encode(),
    b'{"picture":"%s","id":"","pop_receipt":"y"}' % ID.encode(),
    b'{"picture":"%s","id":"x","pop_receipt":"y"}' % (b"0" * 32),
    b"\xff",
]


@pytest.mark.parametrize("token", TOKENS, ids=range(len(TOKENS)))
def test_a_token_that_no_deletion_of_this_picture_gave_undoes_nothing(app: FastAPI, token: bytes) -> None:
    query = b"token=" + base64.urlsafe_b64encode(token)
    assert asked(app, "POST", f"/api/v1/pictures/{ID}/undelete".encode(), query) == 409


def hostile_text() -> st.SearchStrategy[str]:
    """Percent-encoded."""
    known = ["", "\0", "..", "/", "%", "nan", "inf", "-1", DIGITS, "9" * 20, "1e999", "null", "[" * 2000, "' OR 1=1 --"]
    texts = st.one_of(st.sampled_from(known), st.text(max_size=40))
    encoded = st.one_of(texts.map(lambda text: quote(text, safe="")), st.binary(max_size=20).map(quote_from_bytes))
    cursors = st.sampled_from(CURSORS).filter(lambda cursor: len(cursor) <= 3000).map(base64_of)
    return st.one_of(encoded, cursors)


def header_values() -> st.SearchStrategy[bytes]:
    known = [
        b"*",
        b'"',
        b"W/",
        b"bytes=0-",
        b"multipart/form-data",
        b"multipart/form-data; boundary=a",
        b"\xff",
        b"9" * 60,
    ]
    return st.one_of(st.sampled_from(known), st.binary(max_size=60))


HEADERS = (
    "origin", "range", "if-range", "if-none-match", "content-type", "content-length", "last-event-id", "accept",
    "accept-encoding", "cookie", "authorization", "sec-fetch-site", "x-fragment", "x-forwarded-host", "forwarded",
)  # fmt: skip
BODIES = (
    b"",
    b"x",
    b"--a\r\n",
    b"--a\r\nContent-Disposition: form-data; filename*=x''%FF\r\n\r\nx\r\n--a--\r\n",
    b"[" * DEEP,
)
REPORT = "/models/{name}/{version}/report"
PAGES = ("/", "/gallery", "/pictures/{id}", "/review", "/models", "/jobs", REPORT, "/cards/{id}")
PAGE_PARAMETERS = ("after", "before", "count", "sort", "skip", "kind", "label", "since")


def operations(app: FastAPI) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    """(method, address, names of query parameters) of every operation that ends, and of the pages."""
    for address, methods in describe(app)["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] not in ENDLESS:
                names = tuple(one["name"] for one in operation.get("parameters", ()) if one["in"] == "query")
                yield method.upper(), address, names
    for address in PAGES:
        yield "GET", address, PAGE_PARAMETERS


@settings(
    max_examples=250,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_no_request_is_answered_with_a_500(app: FastAPI, data: st.DataObject) -> None:
    method, address, parameters = data.draw(st.sampled_from(list(operations(app))))
    for name in ("id", "name", "version", "project"):
        known = {"id": [ID, ID[:-1]], "name": ["mine"], "version": ["1"], "project": ["mine"]}[name]
        if f"{{{name}}}" in address:
            value = data.draw(st.one_of(st.sampled_from(known), hostile_text()))
            address = address.replace(f"{{{name}}}", value)
    names = st.one_of(st.sampled_from(parameters), hostile_text()) if parameters else hostile_text()
    pairs = data.draw(st.lists(st.tuples(names, hostile_text()), max_size=3))
    query = "&".join(f"{name}={value}" for name, value in pairs if not (name == "wait" and value.isdecimal()))
    headers = data.draw(st.dictionaries(st.sampled_from(HEADERS), header_values(), max_size=3))
    body = data.draw(st.one_of(st.sampled_from(BODIES), st.binary(max_size=100)))
    assert asked(app, method, address.encode(), query.encode(), headers, body) < 500
