"""The host: `python -m imagestore.local.host --port 7071 --queue FILE --workers 2`, in the function app's folder."""

import argparse
import asyncio
import json
import logging
import os
import re
import signal
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient
from croniter import croniter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from imagestore import parent_watchdog
from imagestore.errors import NotStarted
from imagestore.local.host.blob_queue import BlobQueue
from imagestore.local.host.blobs import BlobTriggers
from imagestore.local.host.pool import Pool
from imagestore.local.host.queues import QueueTrigger
from imagestore.store.queues import BLOB_POISON_QUEUE

log = logging.getLogger("host")
_LAST_REQUESTS_S = 10


class Host:
    """The triggers of the function app, which all run in this process; the functions run in workers."""

    def __init__(
        self, pool: Pool, blob_queue: BlobQueue, config: dict[str, Any], functions: list[dict[str, Any]]
    ) -> None:
        self._pool, self._blob_queue = pool, blob_queue
        extensions = config.get("extensions", {})
        self._blobs, self._queues = extensions.get("blobs", {}), extensions.get("queues", {})
        self._clients: list[QueueClient] = []
        self._routes = [Route("/admin/functions/{name}", self._admin, methods=["POST"])]
        triggers: dict[str, list[dict[str, Any]]] = {}
        for function in functions:
            triggers.setdefault(function["trigger"]["type"], []).append(function)
        self._runs: list[Coroutine[Any, Any, None]] = []
        if blob := triggers.get("blobTrigger"):
            self._runs.append(self._blob_triggers(blob))
        self._runs += [self._queue_trigger(function) for function in triggers.get("queueTrigger", [])]
        self._runs += [self._timer(function) for function in triggers.get("timerTrigger", [])]
        self.app = Starlette(routes=self._routes)
        """What Event Grid and administrators speak to."""

    async def run(self) -> None:
        """Listen to every trigger until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for run in self._runs:
                    group.create_task(run)
        finally:
            for client in self._clients:
                await client.close()

    def _blob_triggers(self, functions: list[dict[str, Any]]) -> Coroutine[Any, Any, None]:
        connections = {f["name"]: f["trigger"]["connection"] for f in functions}
        poison = self._queue(next(iter(connections.values())), BLOB_POISON_QUEUE, encoded=True)
        triggers = BlobTriggers(
            self._pool, self._blob_queue, poison, connections,
            parallel=self._blobs.get("maxDegreeOfParallelism", 8),
            threshold=self._blobs.get("poisonBlobThreshold", 5),
        )  # fmt: skip
        self._routes.append(Route("/runtime/webhooks/blobs", triggers.webhook, methods=["OPTIONS", "POST"]))
        return triggers.run()

    def _queue_trigger(self, function: dict[str, Any]) -> Coroutine[Any, Any, None]:
        name, connection = resolved(function["trigger"]["queueName"]), function["trigger"]["connection"]
        return QueueTrigger(
            self._pool, function["name"], self._queue(connection, name), self._queue(connection, name + "-poison"),
            parallel=self._queues.get("batchSize", 16),
            most_tries=self._queues.get("maxDequeueCount", 5),
            longest_poll_s=seconds(self._queues.get("maxPollingInterval", "00:01:00")),
        ).run()  # fmt: skip

    async def _timer(self, function: dict[str, Any]) -> None:
        schedule = resolved(function["trigger"]["schedule"])
        times = croniter(schedule, datetime.now(), second_at_beginning=len(schedule.split()) == 6)
        while True:
            due = times.get_next(datetime)
            await asyncio.sleep(max(0.0, (due - datetime.now()).total_seconds()))
            await self._pool.call(function["name"], {})

    async def _admin(self, request: Request) -> Response:
        """Run a timer function at once, as Azure Functions' admin interface does."""
        error = await self._pool.call(request.path_params["name"], {})
        return Response(status_code=202) if error is None else PlainTextResponse(error, status_code=500)

    def _queue(self, connection: str, name: str, *, encoded: bool = False) -> QueueClient:
        policy: dict[str, Any] = {"message_encode_policy": TextBase64EncodePolicy()} if encoded else {}
        client = QueueClient.from_connection_string(
            os.environ[connection], name, retry_total=1, transport=AsyncioRequestsTransport(), **policy
        )
        self._clients.append(client)
        return client


def resolved(expression: str) -> str:
    """A binding expression with its %SETTINGS% replaced by their values."""
    return re.sub(r"%([^%]+)%", lambda match: os.environ[match[1]], expression)


def seconds(span: str) -> float:
    """A .NET time span, hh:mm:ss, in seconds."""
    hours, minutes, rest = span.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(rest)).total_seconds()


async def main() -> None:
    """Run the host until SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m imagestore.local.host", description="A local Azure Functions host."
    )
    parser.add_argument("--port", type=int, default=7071)
    parser.add_argument("--queue", type=Path, required=True, help="SQLite file that keeps events not yet handled")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(name)s %(message)s")
    for noisy in ("azure", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    parent_watchdog.end_with_parent()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    pool = Pool(arguments.workers)
    blob_queue = BlobQueue(arguments.queue)
    try:
        functions = await pool.start()
    except NotStarted as error:
        raise SystemExit(f"The function app does not load: {error}") from None
    host = Host(pool, blob_queue, json.loads(Path("host.json").read_text("utf-8")), functions)
    server = uvicorn.Server(
        uvicorn.Config(
            host.app, port=arguments.port, log_config=None, access_log=False, lifespan="off", ws="none",
            timeout_graceful_shutdown=_LAST_REQUESTS_S,
        )
    )  # fmt: skip
    listening = asyncio.create_task(host.run())
    listening.add_done_callback(lambda _: setattr(server, "should_exit", True))
    log.info("port %d, functions: %s", arguments.port, ", ".join(f["name"] for f in functions))
    if not stopping.is_set():
        await server.serve()  # until SIGTERM
    await pool.stop()
    listening.cancel()
    await asyncio.wait([listening])
    blob_queue.close()
    if not listening.cancelled() and listening.exception():
        raise SystemExit("The host's listeners ended; see its log.")


if __name__ == "__main__":
    asyncio.run(main())
