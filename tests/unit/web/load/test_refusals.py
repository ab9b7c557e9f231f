"""What who is refused is told, and those who operate the app."""

import asyncio
import logging
from typing import Any

import msgspec
import pytest

from imagestore.web.load.kinds import Kind
from imagestore.web.load.refusals import Refusals, too_many

PROBLEM = too_many("overloaded", "More is asked <here> than can be done.", 7)


def refused(refusals: Refusals, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of the answer to a refused GET."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": given, "state": {}}
    asyncio.run(refusals.send(Kind.SEARCH, "load", PROBLEM, scope, receive, send))
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"]


def test_a_program_is_told_when_to_come_again() -> None:
    status, headers, body = refused(Refusals(), "/api/v1/counts", accept="text/html")
    assert (status, headers["retry-after"], headers["content-type"]) == (429, "7", "application/problem+json")
    said = msgspec.json.decode(body)
    assert (said["code"], said["detail"]) == ("overloaded", f"{PROBLEM.detail}")
    assert PROBLEM.detail.endswith("Try again in 7 s.")


def test_a_page_says_it_in_words_and_loads_itself_again() -> None:
    status, headers, body = refused(Refusals(), "/gallery", accept="text/html,*/*")
    assert (status, headers["retry-after"]) == (429, "7")
    assert b'http-equiv="refresh" content="7"' in body
    assert b"&lt;here&gt;" in body


def test_a_script_of_a_page_gets_the_problem() -> None:
    assert refused(Refusals(), "/gallery", accept="text/html", x_fragment="1")[1]["content-type"].startswith("app")


def test_programs_made_for_custom_vision_get_their_form() -> None:
    status, headers, body = refused(Refusals(), "/customvision/v3.1/prediction/x")
    assert (status, headers["retry-after"]) == (429, "7")
    assert set(msgspec.json.decode(body)) == {"code", "message"}


def test_the_log_has_a_line_now_and_then_with_the_numbers(caplog: pytest.LogCaptureFixture) -> None:
    now = 50.0
    refusals = Refusals(lambda: now)
    with caplog.at_level(logging.WARNING, "imagestore.web.load"):
        for _ in range(4):
            refused(refusals, "/api/v1/counts")
        assert [record.getMessage() for record in caplog.records] == ["refused: 1 search (load)"]
        now += 11
        refused(refusals, "/api/v1/counts")
    assert caplog.records[-1].getMessage() == "refused: 4 search (load)"
