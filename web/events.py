"""What changes, as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from starlette.concurrency import run_in_threadpool

from web.site import Site

KEEP_ALIVE_S = 15.0
_PAGE = 200


async def events(site: Site, last_id: str | None) -> AsyncIterator[bytes]:
    """Events `picture` (data: the record) and `deleted` (data: its id), beginning after the one with `last_id`.

    One that this index does not know (it was made anew) is answered by `reset`: read again what you show. Who reads
    slowly gets the newest state of what changed, not every step of it, so that nothing piles up here.
    """
    follower, index = site.follower, site.index
    with follower.watching():
        seq = _seq(last_id, index.epoch)
        if seq is None:
            seq = await run_in_threadpool(index.last_seq)
            yield _event("hello" if last_id is None else "reset", b"{}", f"{index.epoch}-{seq}")
        epoch = index.epoch
        while True:
            changed = follower.changed
            if index.epoch != epoch:
                seq, epoch = await run_in_threadpool(index.last_seq), index.epoch
                yield _event("reset", b"{}", f"{epoch}-{seq}")
            rows = await run_in_threadpool(index.since, seq, _PAGE)
            for seq, id, record in rows:
                if record is None:
                    yield _event("deleted", msgspec.json.encode({"id": id}), f"{epoch}-{seq}")
                else:
                    yield _event("picture", record, f"{epoch}-{seq}")
            if rows:
                continue
            try:
                await asyncio.wait_for(changed.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                yield b": still here\n\n"


def _event(kind: str, data: bytes, id: str) -> bytes:
    return b"event: %s\nid: %s\ndata: %s\n\n" % (kind.encode(), id.encode(), data)


def _seq(last_id: str | None, epoch: str) -> int | None:
    """The number in an event's id, if it is of this index."""
    of, _, number = (last_id or "").partition("-")
    with contextlib.suppress(ValueError):
        return int(number) if of == epoch and len(number) < 16 else None
    return None
