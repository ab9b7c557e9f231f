"""Changes of pictures as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import contextlib
from collections.abc import AsyncIterator

import msgspec
from fastapi.sse import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from imagestore.web.answering.location import shown_json
from imagestore.web.services import Services

_MOST_AT_ONCE = 200


async def events(
    services: Services, last_id: str | None, hide_location: bool = False
) -> AsyncIterator[ServerSentEvent]:
    """Events `picture` (data: the record) and `deleted` (data: the id) of everything that changed after the event
    `last_id`.

    The first event is `hello`, or `reset` if this index was made again and does not know `last_id`: then read again
    what you show. A slow reader gets the latest state of each picture instead of every step, so nothing accumulates
    here. The stream ends when the client leaves.
    """
    change_feed, index = services.change_feed, services.index
    with change_feed.watching():
        yield ServerSentEvent(comment="connected")  # the head of the answer goes out with the first bytes
        epoch = index.epoch
        seq = _seq(last_id, epoch)
        if seq is None:
            seq = await run_in_threadpool(index.last_seq)
            yield _event("hello" if last_id is None else "reset", "{}", epoch, seq)
        while True:
            changed = change_feed.changed
            if index.epoch != epoch:
                seq, epoch = await run_in_threadpool(index.last_seq), index.epoch
                yield _event("reset", "{}", epoch, seq)
            rows = await change_feed.since(seq, _MOST_AT_ONCE)
            for seq, id, record in rows:
                if record is None:
                    yield _event("deleted", msgspec.json.encode({"id": id}).decode(), epoch, seq)
                else:
                    yield _event("picture", shown_json(record, hide_location).decode(), epoch, seq)
            if not rows:
                await changed.wait()


def _event(kind: str, data: str, epoch: str, seq: int) -> ServerSentEvent:
    return ServerSentEvent(event=kind, raw_data=data, id=f"{epoch}-{seq}")


def _seq(last_id: str | None, epoch: str) -> int | None:
    """The number in this event's id; None if the event is of another index."""
    of, _, number = (last_id or "").partition("-")
    with contextlib.suppress(ValueError):
        return int(number) if of == epoch and len(number) < 16 else None
    return None
