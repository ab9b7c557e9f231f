"""How slowly a body may come, by a clock that the test moves on."""

import asyncio
from collections.abc import Iterator
from typing import Any

from imagestore.web.load.most import SlowestBody
from imagestore.web.load.pace import PacedBody, too_slow

HEADERS = [(b"content-length", b"1000000")]


def test_a_body_has_twenty_seconds_and_one_for_every_500_bytes_and_a_piece_a_minute() -> None:
    slowest = SlowestBody()
    assert slowest.first_s == 20
    assert slowest.left_s(20, 5000, 5) == 25
    assert slowest.left_s(20, 0, 21) == 0
    assert slowest.left_s(20, 100_000_000, 5) == 60


def waited(pieces: list[tuple[bytes, float]], *, is_in_memory: bool = False) -> int:
    """How many of these pieces are taken, each of which comes after so many seconds, of a body that never ends."""
    now = 0.0

    async def receive() -> Any:
        nonlocal now
        if not pieces:
            return await asyncio.Event().wait()
        piece, after_s = pieces.pop(0)
        now += after_s
        return {"type": "http.request", "body": piece, "more_body": True}

    async def go() -> int:
        taken = 0
        scope = {"type": "http", "headers": HEADERS}
        body = PacedBody(scope, receive, SlowestBody(), lambda: now, is_in_memory=is_in_memory)
        while pieces and pieces[0][1] <= min(body._left_s, body._left_of_all_s):
            await body.receive()
            taken += 1
        return taken

    return asyncio.run(go())


def test_what_came_quickly_is_not_saved_up() -> None:
    assert waited([(b"x" * 10_000_000, 0.0)] + [(b"x", 50.0)] * 100) == 2


def test_what_is_held_in_memory_has_two_minutes_in_all() -> None:
    pieces = [(b"x" * 10_000, 20.0)] * 100
    assert waited(list(pieces)) == 100
    assert waited(list(pieces), is_in_memory=True) == 6


def test_an_app_is_told_that_the_client_has_left_once_its_body_is_late() -> None:
    moments: Iterator[float] = iter((0.0, 0.4, 0.4, 0.9, 0.9))

    async def receive() -> Any:
        if next(pieces):
            return {"type": "http.request", "body": b"x", "more_body": True}
        return await asyncio.Event().wait()

    async def go() -> None:
        body = PacedBody({"type": "http", "headers": HEADERS}, receive, SlowestBody(0.9, 1e9), lambda: next(moments))
        assert (await body.receive())["body"] == b"x"
        assert (await body.receive())["body"] == b"x"
        assert not body.is_late
        assert [(await body.receive())["type"] for _ in range(2)] == ["http.disconnect"] * 2
        assert body.is_late

    pieces = iter((True, True, False))
    asyncio.run(go())


def test_what_has_no_body_is_not_timed() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    body = PacedBody({"type": "http", "headers": []}, receive, SlowestBody(0, 0, 0))
    assert asyncio.run(body.receive()) == {"type": "http.disconnect"}
    assert not body.is_late


def test_who_was_too_slow_is_told_how_slow_one_may_be() -> None:
    problem = too_slow(SlowestBody())
    assert (problem.status, problem.code) == (408, "too_slow")
    assert "20 s, and one more for every 500 bytes" in problem.detail
