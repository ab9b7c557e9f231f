"""A line for each request, with the route in place of the address, and ids."""

import logging
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from imagestore.accounts.callers import Caller, Means
from imagestore.accounts.roles import Role
from imagestore.web.guards.access_log import AccessLog, is_left_out


def app_with(caller: Caller | None) -> TestClient:
    def answer(request: Request) -> PlainTextResponse:
        request.state.caller, request.state.route = caller, "/pictures/{id}"
        if "fail" in request.query_params:
            raise RuntimeError("a fault")
        return PlainTextResponse("ok", 201)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    return TestClient(AccessLog(app), raise_server_exceptions=False)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "imagestore.access"]


@pytest.mark.parametrize(
    ("means", "who"), [(Means.SESSION, "who=0a1b by=s1"), (Means.LOCAL, "who=- by=-"), (None, "who=- by=-")]
)
def test_a_line_has_the_route_the_status_and_who_by_id(
    caplog: pytest.LogCaptureFixture, means: Means | None, who: str
) -> None:
    caller = None if means is None else Caller("0a1b", "Ada Lovelace", Role.VIEWER, means, "s1")
    with caplog.at_level(logging.INFO):
        app_with(caller).post("/pictures/Geheim.jpg?q=Geheim")
    (line,) = lines(caplog)
    assert line.startswith("access method=POST route=/pictures/{id} status=201 ms=")
    assert line.endswith(who)
    assert not {"Geheim", "Ada"} & set(line.replace("/", " ").split())


def test_a_fault_has_its_line_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert app_with(None).get("/x?fail=1").status_code == 500
    (line,) = lines(caplog)
    assert "status=500" in line


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("/static/style.css", True),
        ("/api/v1/health/ready", True),
        ("/api/v1/events", True),
        ("/api/v1/pictures", False),
        ("/", False),
    ],
)
def test_files_of_the_pages_checks_of_health_and_streams_have_none(path: str, left_out: bool) -> None:
    scope: dict[str, Any] = {"type": "http", "path": path}
    assert is_left_out(scope) is left_out
