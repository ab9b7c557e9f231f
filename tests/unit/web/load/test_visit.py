"""Requests at a gate by the hundred, without sockets: who holds a place while it waits for its client."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import Message

from imagestore.settings import Auth
from imagestore.web.guards.access import Routes
from imagestore.web.load.admission import Admission, own_gate
from imagestore.web.load.most import MostPerMinute
from imagestore.web.load.rates import Rates
from imagestore.web.load.refusals import Refusals

ADDRESS = "/api/v1/pictures"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads what is sent to it, and answers in as many pieces as the address says."""
    while scope["method"] == "POST" and (await receive()).get("more_body"):
        await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for left in range(int(scope["query_string"] or 1) - 1, -1, -1):
        await send({"type": "http.response.body", "body": b"x", "more_body": left > 0})


@pytest.fixture
def admission() -> Admission:
    routes = FastAPI()
    routes.add_api_route(ADDRESS, lambda: None, methods=["GET"])
    routes.add_api_route(ADDRESS, lambda: None, methods=["POST"])
    return Admission(app, Routes(routes), own_gate(), Rates(MostPerMinute()), Refusals(), Auth.OFF)


def scope(method: str, path: str = ADDRESS, query: bytes = b"") -> dict[str, Any]:
    headers = [(b"content-length", b"99")] if method == "POST" else []
    asked = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query}
    return {**asked, "headers": headers, "client": ("1.2.3.4", 1)}


async def nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def status(
    admission: Admission, asked: dict[str, Any], receive: Callable[[], Awaitable[Message]] = nothing
) -> int:
    """What is answered to this."""
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await admission(asked, receive, send)
    return statuses[0]


async def settled() -> None:
    """Until all that can go on has gone on."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_uploads_on_their_way_hold_no_place_and_reads_find_one(admission: Admission) -> None:
    async def played() -> tuple[set[int], list[int]]:
        pieces = asyncio.Event()
        is_over = False

        async def receive() -> Message:
            await pieces.wait()
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"x", "more_body": not is_over}

        uploads = [asyncio.create_task(status(admission, scope("POST"), receive)) for _ in range(100)]
        await settled()
        assert admission._own.at_work == 0
        reads = {await status(admission, scope("GET"))}
        pieces.set()  # from now on a piece of each comes at every turn of the loop
        for _ in range(20):
            reads.add(await status(admission, scope("GET")))
            assert admission._own.at_work <= admission._own.limit // 2
        is_over = True
        return reads, await asyncio.gather(*uploads)

    reads, uploads = asyncio.run(played())
    assert reads == {200}
    assert uploads == [200] * 100


@pytest.mark.parametrize("pieces", [b"1", b"3"])
def test_a_client_that_does_not_take_its_answer_holds_no_place(admission: Admission, pieces: bytes) -> None:
    async def played() -> int:
        async def stuck(_message: Message) -> None:
            await asyncio.Event().wait()

        unread = [
            asyncio.create_task(admission(scope("GET", query=pieces), nothing, stuck))
            for _ in range(2 * admission._own.limit)
        ]
        await settled()
        answered = await status(admission, scope("GET"))
        for task in unread:
            task.cancel()
        await asyncio.gather(*unread, return_exceptions=True)
        assert admission._own.at_work == 0
        return answered

    assert asyncio.run(played()) == 200


def test_an_address_that_is_far_too_long_is_refused(admission: Admission) -> None:
    assert asyncio.run(status(admission, scope("GET", f"/{'x' * 9_000}"))) == 414


def test_long_addresses_are_not_kept(admission: Admission) -> None:
    for number in range(5):
        asyncio.run(status(admission, scope("GET", f"/{number}{'x' * 300}")))
    assert admission._routes._found.cache_info().currsize == 0


def test_refusals_are_quick_and_do_not_count_as_what_a_route_takes(admission: Admission) -> None:
    async def refuses(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    admission._app = refuses
    assert asyncio.run(status(admission, scope("POST"))) == 401
    assert admission._own._limit.mean_s == 0
