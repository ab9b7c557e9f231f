"""Where a key is sent, what is tried again, and what is said when it does not succeed."""

import contextlib
import inspect
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from imagestore.accounts.roles import Role
from imagestore.client import Client, KeyRefused, NotReached, Pending, RemoteError, RequestRefused
from imagestore.client.answers import Deletion
from imagestore.distant_server import checked_server
from imagestore.errors import SettingsError
from imagestore.web.rules import SECRET_ANSWERS, TABLE, TAKES_KEY

SERVER = "https://pictures.example.org"
Reply = Callable[[httpx2.Request], httpx2.Response]
ME = {"id": "key-1", "name": "importer", "email": None, "role": "viewer", "means": "key"}


class Server:
    """Gives these answers, one after the other, and keeps what it was asked."""

    def __init__(self, *replies: httpx2.Response | Exception) -> None:
        self.replies = list(replies)
        self.asked: list[httpx2.Request] = []
        self.bodies: list[bytes] = []
        self.pauses: list[float] = []

    def client(self, key: str | None = "ims_key", **options: Any) -> Client:
        http = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        return Client(SERVER, key, http=http, sleep=self.pauses.append, **options)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        self.bodies.append(request.read())
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def me() -> httpx2.Response:
    return httpx2.Response(200, json=ME)


def takes_keys() -> httpx2.Response:
    """What a server that takes idempotency keys says of its health."""
    return httpx2.Response(200, json={"status": "ok"}, headers={"Idempotency-Supported": "true"})


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: str) -> httpx2.Response:
    return httpx2.Response(
        status,
        json={"status": status, "detail": detail, **more},
        headers={"Content-Type": "application/problem+json", **(headers or {})},
    )


@pytest.mark.parametrize(
    "server",
    ["https://pictures.example.org", "http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000", "HTTPS://a.b/x"],
)
def test_a_key_goes_where_it_is_encrypted_or_stays_on_this_machine(server: str) -> None:
    assert checked_server(server + "/").rstrip("/").lower() == server.lower()


@pytest.mark.parametrize("server", ["http://pictures.example.org", "http://10.0.0.7", "http://localhost.evil.example"])
def test_http_to_another_machine_needs_an_explicit_word(server: str) -> None:
    with pytest.raises(SettingsError, match="is not encrypted"):
        Client(server, "ims_key")
    assert checked_server(server, insecure_http=True) == server


@pytest.mark.parametrize(
    "server",
    ["pictures.example.org", "ftp://a", "https://", "https://me:pw@a.example", "https://a/?x=1", "https://[::1", ""],
)
def test_what_is_no_address_is_named(server: str) -> None:
    with pytest.raises(SettingsError, match="is no address of a server such as"):
        checked_server(server)


@pytest.mark.parametrize("key", ["ims_a\nX-Other: 1", "ims_\u00fc", "two words", ""])
def test_what_can_be_no_key_is_not_sent(key: str) -> None:
    server = Server()
    with pytest.raises(SettingsError, match="characters that no key has"):
        server.client(key)


def test_the_key_is_a_bearer_token_and_in_no_address() -> None:
    server = Server(me())
    assert server.client("ims_secret\n").me().name == "importer"
    (request,) = server.asked
    assert request.headers["authorization"] == "Bearer ims_secret"
    assert "ims_secret" not in str(request.url)


def test_a_server_that_is_busy_is_asked_again_when_it_says() -> None:
    server = Server(problem(503, "Busy.", {"Retry-After": "3"}), problem(429, "Too much.", {"Retry-After": "7"}), me())
    assert server.client().me().name == "importer"
    assert server.pauses == [3, 7]


def test_a_date_in_retry_after_is_understood_and_nonsense_is_not_waited_for() -> None:
    server = Server(
        problem(503, "Busy.", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        problem(503, "Busy.", {"Retry-After": "soon"}),
        me(),
    )
    assert server.client().me().name == "importer"
    assert server.pauses == [0, 1]


def test_it_gives_up_with_the_servers_own_sentence() -> None:
    server = Server(*(problem(503, "A service does not answer now.", code="unavailable") for _ in range(4)))
    with pytest.raises(RequestRefused, match="A service does not answer now") as refused:
        server.client().me()
    assert (refused.value.code, len(server.asked)) == ("unavailable", 4)


def test_a_server_that_says_tomorrow_is_not_waited_for() -> None:
    server = Server(problem(429, "Too many attempts.", {"Retry-After": "86400"}))
    with pytest.raises(RequestRefused, match="Too many attempts"):
        server.client().me()
    assert server.pauses == []


def test_a_secret_that_may_have_been_made_is_not_made_twice() -> None:
    for failure in (httpx2.ReadTimeout("slow"), httpx2.Response(502, text="<html>bad gateway</html>")):
        server = Server(failure)
        with pytest.raises(RemoteError):
            server.client().create_key("camera")
        assert len(server.asked) == 1
        assert "idempotency-key" not in server.asked[0].headers


def test_all_attempts_of_what_changes_something_carry_one_key_and_the_next_request_another() -> None:
    pending = {"id": "1" * 32, "name": "cup.jpg", "etag": "0x1", "url": "/", "status": "pending"}
    done = httpx2.Response(202, json=pending)
    gateway = httpx2.Response(502, text="<html>bad gateway</html>")
    server = Server(httpx2.ReadTimeout("slow"), takes_keys(), gateway, problem(503, "Busy."), done, done)
    client = server.client()
    assert client.retry("1" * 32).name == client.retry("1" * 32).name == "cup.jpg"
    assert [request.url.path for request in server.asked if request.method == "GET"] == ["/api/v1/health/live"]
    keys = [request.headers["idempotency-key"] for request in server.asked if request.method == "POST"]
    assert len(set(keys[:4])) == 1
    assert keys[4] != keys[0]
    assert all(key[0] == key[-1] == '"' for key in keys)


@pytest.mark.parametrize(
    "lost", [httpx2.ReadTimeout("slow"), httpx2.WriteError("broke off"), httpx2.Response(502, text="<html>bad gateway")]
)
@pytest.mark.parametrize("health", [httpx2.Response(200, json={"status": "ok"}), httpx2.Response(404, text="none")])
def test_at_a_server_that_knows_no_keys_nothing_is_done_twice(
    lost: httpx2.Response | Exception, health: httpx2.Response
) -> None:
    """Going back twice is two versions."""
    server = Server(lost, health)
    with pytest.raises(RemoteError):
        server.client().rollback()
    assert [request.method for request in server.asked] == ["POST", "GET"]


def test_a_server_that_once_said_that_it_takes_keys_is_not_asked_whether_it_does() -> None:
    known = me()
    known.headers["Idempotency-Supported"] = "true"
    server = Server(known, httpx2.ReadTimeout("slow"), problem(409, "There is none.", code="conflict"))
    client = server.client()
    client.me()
    with pytest.raises(RequestRefused, match="There is none"):
        client.rollback()
    assert [request.method for request in server.asked] == ["GET", "POST", "POST"]


def test_what_is_the_same_when_repeated_is_repeated_at_any_server() -> None:
    server = Server(httpx2.ReadTimeout("slow"), httpx2.Response(202, json={"id": "1" * 32}))
    assert server.client().delete("1" * 32).id == "1" * 32


ARGUMENTS: dict[str, Any] = {
    "id": 1, "file": Path(__file__), "files": [Path(__file__)], "events": ["x"], "labels": ["x"], "instead_of": ["x"],
    "ids": ["x"], "corrections": [("x", "x")], "role": Role.VIEWER, "pending": Pending("x", "x", "x", "x"),
    "deletion": Deletion("x"), "threshold": 0.5, "action": "label",
}  # fmt: skip


LOOKS = {f"POST /api/v1/{path}" for path in ("classify", "classify/why", "classify/nearest", "similar")}
SAME_IF_REPEATED = {f"POST /api/v1/{path}" for path in ("pictures", "pictures/batch", "projects/{project}/training")}
"""The same content again changes nothing."""


def row_of(request: httpx2.Request) -> str:
    """The row of the table of rules that this request is for."""
    asked = f"{request.method} {request.url.path}"
    fitting = [row for row in TABLE if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", row), asked)]
    return min(fitting, key=lambda row: row.count("{"))


def test_all_that_the_client_may_repeat_under_a_key_takes_one_there() -> None:
    """A request of which the server takes no key is done twice where an answer was lost."""
    with_key, without = set[str](), set[str]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method in ("POST", "PATCH"):
            (with_key if "idempotency-key" in request.headers else without).add(row_of(request))
        return problem(409, "No.", code="conflict")

    client = Client(SERVER, "ims_key", http=httpx2.Client(transport=httpx2.MockTransport(answer)))
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        if name.startswith("_") or name == "close":
            continue
        needed = [one for one in list(inspect.signature(method).parameters.values())[1:] if one.default is one.empty]
        given = ["x" if one.annotation is str else ARGUMENTS[one.name] for one in needed]
        with contextlib.suppress(RequestRefused):
            found = method(client, *given)
            list(found)
    assert {"POST /api/v1/webhooks/{id}/test", "POST /api/v1/models/rollback"} < with_key
    assert with_key <= TAKES_KEY
    assert without == SECRET_ANSWERS | LOOKS | SAME_IF_REPEATED


def test_what_reads_and_what_changes_nothing_when_repeated_needs_no_key() -> None:
    pending = {"id": "1" * 32, "name": "cup.jpg", "etag": "0x1", "url": "/", "status": "pending"}
    server = Server(me(), *(httpx2.Response(202, json=pending) for _ in range(2)))
    client = server.client()
    client.me()
    client.upload(b"picture", "cup.jpg")
    client.upload(b"picture", "cup.jpg", if_exists="rename")
    assert ["idempotency-key" in request.headers for request in server.asked] == [False, False, True]


def test_an_attempt_that_is_still_at_work_is_waited_for() -> None:
    pending = {"id": "1" * 32, "name": "cup.jpg", "etag": "0x1", "url": "/", "status": "pending"}
    at_work = [problem(409, "At work.", {"Retry-After": "3"}, code="request_at_work") for _ in range(30)]
    server = Server(httpx2.ReadTimeout("slow"), takes_keys(), *at_work[:10], httpx2.Response(202, json=pending))
    assert server.client().retry("1" * 32).name == "cup.jpg"
    assert sum(server.pauses) == pytest.approx(30.5)
    for_ever = Server(*at_work)
    with pytest.raises(RequestRefused, match="At work"):
        for_ever.client().retry("1" * 32)
    assert sum(for_ever.pauses) == pytest.approx(60)


def test_what_is_refused_is_not_tried_again() -> None:
    reached = Server(httpx2.ConnectError("refused"), problem(409, "There is none.", code="conflict"))
    with pytest.raises(RequestRefused, match="There is none"):
        reached.client().rollback()


def test_an_upload_is_sent_again_from_its_beginning() -> None:
    pending = {"id": "1" * 32, "name": "cup.jpg", "etag": "0x1", "url": "/", "status": "pending"}
    server = Server(
        httpx2.WriteError("broken off"), httpx2.Response(502, text="no"), httpx2.Response(202, json=pending)
    )
    assert server.client().upload(b"picture", "cup.jpg").name == "cup.jpg"
    assert server.bodies == [b"picture"] * 3


def test_a_redirection_is_named_and_the_key_stays_here() -> None:
    server = Server(httpx2.Response(307, headers={"Location": "https://evil.example/"}))
    with pytest.raises(RequestRefused, match=r"refers to https://evil\.example/"):
        server.client().me()
    assert [request.url.host for request in server.asked] == ["pictures.example.org"]


def test_a_server_that_is_not_there_is_named() -> None:
    server = Server(*(httpx2.ConnectError("[Errno 111] Connection refused") for _ in range(4)))
    with pytest.raises(NotReached, match=r"https://pictures\.example\.org was not reached: .*Connection refused"):
        server.client().me()


def test_a_certificate_that_is_not_trusted_is_said_at_once() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.verify_message = "self-signed certificate"
    error = httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.__cause__ = untrusted
    server = Server(error)
    with pytest.raises(NotReached, match=r"certificate of .* is not trusted: self-signed certificate\. Nothing was"):
        server.client().me()


def test_an_answer_of_something_else_is_told_from_an_answer_of_ours() -> None:
    for reply in (httpx2.Response(200, text="<html>Welcome</html>"), httpx2.Response(200, json=[1]),
                  httpx2.Response(200, content=b"\xff\xfe")):  # fmt: skip
        with pytest.raises(RemoteError, match="does not answer as Intelligent Storage does"):
            Server(reply).client().me()
    with pytest.raises(RequestRefused, match=r"answers with 404 \(Not Found\), and says no more"):
        Server(httpx2.Response(404, text="nginx")).client().me()


def test_a_field_of_a_newer_server_does_not_matter() -> None:
    assert Server(httpx2.Response(200, json=ME | {"new": 1})).client().me().name == "importer"


def test_no_error_says_the_key() -> None:
    for reply in (problem(401, "This key is not known."), httpx2.ConnectTimeout("slow")):
        with pytest.raises((KeyRefused, NotReached)) as refused:
            Server(reply).client("ims_planted", tries=1).me()
        assert "ims_planted" not in f"{refused.value!r}{refused.value.__cause__!r}"
