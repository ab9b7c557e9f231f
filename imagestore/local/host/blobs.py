"""Blob triggers.

Events come through the Event Grid webhook and wait in the blob queue; what keeps failing is poisoned.
"""

import asyncio
import json
import logging
from typing import Any
from urllib.parse import unquote, urlsplit

from azure.storage.queue.aio import QueueClient
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from imagestore.local.host.blob_queue import BlobMessage, BlobQueue
from imagestore.local.host.pool import Pool

log = logging.getLogger("host.blobs")
PREFIX = "Host.Functions."
_EMULATOR_ACCOUNT = "devstoreaccount1"
_POISON_RETRY_S = 2.0


class BlobTriggers:
    """All blob-triggered functions; as in Azure they share one queue and one limit."""

    def __init__(
        self,
        pool: Pool,
        queue: BlobQueue,
        poison: QueueClient,
        functions: dict[str, str],
        parallel: int,
        threshold: int,
    ) -> None:
        """`functions` maps each function's name to the name of its connection."""
        self._pool, self._queue, self._poison, self._functions = pool, queue, poison, functions
        self._parallel, self._threshold = parallel, threshold
        self._offered: asyncio.Queue[BlobMessage] = asyncio.Queue()

    async def run(self) -> None:
        """Handle events until cancelled, beginning with those that were left when the host stopped."""
        for message in self._queue.waiting():
            self._offered.put_nowait(message)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._parallel):
                group.create_task(self._handle())

    async def webhook(self, request: Request) -> Response:
        """The Event Grid webhook: /runtime/webhooks/blobs?functionName=Host.Functions.NAME."""
        if request.method == "OPTIONS":
            return Response(headers={"WebHook-Allowed-Origin": "eventgrid.azure.net"})
        kind = request.headers.get("aeg-event-type", "").lower()
        try:
            events = await request.json()
            events = events if isinstance(events, list) else [events]
            if kind == "subscriptionvalidation":
                return JSONResponse({"validationResponse": events[0]["data"]["validationCode"]})
            if kind != "notification":
                return Response(status_code=202 if kind == "unsubscribe" else 400)
            function = request.query_params.get("functionName", "").removeprefix(PREFIX)
            if function not in self._functions:
                return PlainTextResponse(f"There is no blob function {function!r}.", status_code=404)
            kept = self._queue.put([(function, *_blob_of(event["data"])) for event in events])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            log.warning("refused a malformed event: %r", error)
            return PlainTextResponse("This is no Event Grid event.", status_code=400)
        for message in kept:
            self._offered.put_nowait(message)
        return Response(status_code=202)

    async def _handle(self) -> None:
        while True:
            message = await self._offered.get()
            error = await self._pool.call(message.function, self._value(message))
            if error is not None:
                message = self._queue.failed(message)
                log.warning("function=%s attempt=%d failed: %s", message.function, message.attempts, error)
                if message.attempts < self._threshold:
                    self._offered.put_nowait(message)
                    continue
                await self._give_up(message)
            self._queue.done(message)

    def _value(self, message: BlobMessage) -> dict[str, Any]:
        connection = self._functions[message.function]
        return {"connection": connection, "container": message.container, "name": message.name}

    async def _give_up(self, message: BlobMessage) -> None:
        body = json.dumps(
            {
                "Type": "BlobTrigger",
                "FunctionId": PREFIX + message.function,
                "BlobType": "BlockBlob",
                "ContainerName": message.container,
                "BlobName": message.name,
                "ETag": f'"{message.etag}"',
            }
        )
        while True:
            try:
                await self._poison.send_message(body)
                return
            except Exception as error:  # storage is unavailable: the message stays in the blob queue until it is back
                log.warning("the poison queue is unavailable: %s", type(error).__name__)
                await asyncio.sleep(_POISON_RETRY_S)


def _blob_of(data: dict[str, Any]) -> tuple[str, str, str]:
    """(container, name, etag) of a BlobCreated event's data. Raises ValueError or KeyError if it has none."""
    parts = unquote(urlsplit(data["url"]).path, errors="strict").removeprefix("/")
    parts = parts.removeprefix(_EMULATOR_ACCOUNT + "/")
    container, slash, name = parts.partition("/")
    if not slash or not name:
        raise ValueError("the address names no blob")
    return container, name, str(data.get("eTag", "")).strip('"')
