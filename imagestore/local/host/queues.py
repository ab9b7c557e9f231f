"""Queue triggers.

Each message goes to its function; if that fails, it is tried again at once, and in the end poisoned.
"""

import asyncio
import base64
import binascii
import contextlib
import logging

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from imagestore.local.host.pool import Pool

log = logging.getLogger("host.queues")
_VISIBILITY_S = 30
_RENEW_S = 10
_SHORTEST_POLL_S = 0.1


class QueueTrigger:
    """Polls one queue for one function."""

    def __init__(
        self, pool: Pool, function: str, queue: QueueClient, poison: QueueClient, *, parallel: int, most_tries: int,
        longest_poll_s: float,
    ) -> None:  # fmt: skip
        self._pool, self._function, self._queue, self._poison = pool, function, queue, poison
        self._parallel, self._most_tries, self._longest_poll_s = parallel, most_tries, longest_poll_s

    async def run(self) -> None:
        """Poll until cancelled, more slowly the longer the queue stays empty."""
        running: set[asyncio.Task[None]] = set()
        poll_s = _SHORTEST_POLL_S
        while True:
            free = self._parallel - len(running)
            got = 0
            try:
                if free:
                    async for message in self._queue.receive_messages(
                        max_messages=free, messages_per_page=min(free, 32), visibility_timeout=_VISIBILITY_S
                    ):
                        got += 1
                        task = asyncio.create_task(self._handle(message))
                        running.add(task)
                        task.add_done_callback(running.discard)
            except AzureError as error:
                log.warning("queue %s is unavailable: %s", self._queue.queue_name, type(error).__name__)
            poll_s = _SHORTEST_POLL_S if got else min(poll_s * 2, self._longest_poll_s)
            if not got and running:
                await asyncio.wait(running, timeout=poll_s, return_when=asyncio.FIRST_COMPLETED)
            elif not got:
                await asyncio.sleep(poll_s)

    async def _handle(self, message: QueueMessage) -> None:
        try:
            body = _decoded(message.content)
            if body is None or (message.dequeue_count or 0) > self._most_tries:
                return await self._give_up(message)
            renewing = asyncio.create_task(self._renew(message))
            try:
                value = {"id": message.id, "dequeue_count": message.dequeue_count, "body": body}
                error = await self._pool.call(self._function, value)
                if error is not None:
                    log.warning("function=%s attempt=%s failed: %s", self._function, message.dequeue_count, error)
                    if (message.dequeue_count or 0) >= self._most_tries:
                        return await self._give_up(message)
                    await self._queue.update_message(message, visibility_timeout=0)
                    return
            finally:
                renewing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await renewing
            await self._queue.delete_message(message)
        except AzureError as error:  # it becomes visible again by itself
            log.warning("queue %s is unavailable: %s", self._queue.queue_name, type(error).__name__)

    async def _renew(self, message: QueueMessage) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            with contextlib.suppress(AzureError):
                renewed = await self._queue.update_message(message, visibility_timeout=_VISIBILITY_S)
                message.pop_receipt = renewed.pop_receipt

    async def _give_up(self, message: QueueMessage) -> None:
        log.error("a message moves from queue %s to %s", self._queue.queue_name, self._poison.queue_name)
        await self._poison.send_message(message.content)
        await self._queue.delete_message(message)


def _decoded(content: str) -> str | None:
    """The text of a base64 message, None if it cannot be decoded."""
    try:
        return base64.b64decode(content, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
