"""The stream of events: what changes is told once and can be gone on with; it ends when its reader leaves."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import pytest
import uvicorn
from fastapi.sse import ServerSentEvent

from imagestore.store.documents import to_json
from imagestore.web.api.events import events
from imagestore.web.app import app_of
from imagestore.web.services import Services
from unit.web.records import picture, stored

EVENTS = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def told(stream: AsyncIterator[ServerSentEvent], count: int) -> list[tuple[str | None, Any, str]]:
    """(kind, data, id) of the next events."""
    found: list[tuple[str | None, Any, str]] = []
    while len(found) < count:
        event = await anext(stream)
        if event.event:
            found.append((event.event, json.loads(event.raw_data or "null"), event.id or ""))
    return found


def test_changes_are_told_and_gone_on_with(services: Services) -> None:
    async def go() -> None:
        stream = events(services, None)
        ((kind, _, start),) = await told(stream, 1)
        assert kind == "hello"
        cat = stored(picture("cat.jpg"))
        services.index.put(cat)
        services.index.put(stored(picture("dog.jpg")))
        services.index.remove(cat.record.id)
        dog, gone = await told(stream, 2)
        assert (dog[0], dog[1]) == ("picture", json.loads(to_json(picture("dog.jpg"))))
        assert (gone[0], gone[1]) == ("deleted", {"id": cat.record.id})
        assert [event[:2] for event in await told(events(services, start), 2)] == [dog[:2], gone[:2]]
        assert [event[:2] for event in await told(events(services, dog[2]), 1)] == [gone[:2]]

    asyncio.run(go())


@pytest.mark.parametrize("last_id", ["elsewhere-7", "x", f"{'9' * 40}"])
def test_an_event_of_another_index_is_answered_by_reset(services: Services, last_id: str) -> None:
    services.index.put(stored(picture("cat.jpg")))
    ((kind, _, id),) = asyncio.run(told(events(services, last_id), 1))
    assert (kind, id) == ("reset", f"{services.index.epoch}-1")


@pytest.fixture
def port(services: Services) -> Iterator[int]:
    """The app as uvicorn serves it, on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app_of(services), log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=[[listening]])
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()


def test_a_stream_ends_when_its_reader_leaves(services: Services, port: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", port))) as reader:
        reader.sendall(EVENTS)
        received = b""
        while b"event: hello" not in received:
            received += reader.recv(65536)
        assert b"\r\ncontent-type: text/event-stream" in received.lower()
        assert b"content-encoding" not in received.lower()
        assert services.change_feed.watchers == 1
    while services.change_feed.watchers:
        threading.Event().wait(0.01)
