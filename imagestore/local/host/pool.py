"""The host's worker processes: starts them, gives each call to the least busy one, replaces those that die."""

import asyncio
import contextlib
import itertools
import json
import logging
import sys
from typing import Any

from imagestore.errors import NotStarted

log = logging.getLogger("host.workers")
_LINE_LIMIT = 2**24
_RESTART_DELAY_S = 0.5


class Worker:
    """One worker process and the calls that it has not answered yet."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.calls: dict[int, asyncio.Future[str | None]] = {}
        self.functions: list[dict[str, Any]] = []

    async def read(self) -> dict[str, Any] | None:
        """Read the next answer, None at the end."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    async def answer_calls(self) -> None:
        """Resolve calls as their answers come, until the process ends; calls without an answer then fail."""
        while (answer := await self.read()) is not None:
            future = self.calls.pop(answer["id"], None)
            if future is None or future.done():
                continue
            error = answer["error"]
            future.set_result(None if error is None else error.strip().splitlines()[-1])
        for future in self.calls.values():
            if not future.done():
                future.set_result(f"worker {self.process.pid} died")


class Pool:
    """A fixed number of workers."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._workers: list[Worker] = []
        self._ids = itertools.count()
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()

    async def start(self) -> list[dict[str, Any]]:
        """Start the workers. Returns the functions of the app; raises NotStarted."""
        first = await self._spawn()
        self._tasks = [asyncio.create_task(self._keep(first))]
        self._tasks += [asyncio.create_task(self._keep(None)) for _ in range(self._size - 1)]
        return first.functions

    async def call(self, function: str, value: dict[str, Any]) -> str | None:
        """Run a function on a worker. Returns the error if it raised one or its worker died, None if all went well."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._workers))
            worker = min(self._workers, key=lambda w: len(w.calls))
            id = next(self._ids)
            future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            worker.calls[id] = future
        call = {"id": id, "function": function, "value": value}
        assert worker.process.stdin is not None
        with contextlib.suppress(ConnectionError):  # it died just now: answer_calls says so
            worker.process.stdin.write(json.dumps(call).encode() + b"\n")
        return await future

    async def stop(self) -> None:
        """Let each worker finish its calls, then end it."""
        for task in self._tasks:
            task.cancel()
        for worker in self._workers:
            if worker.process.stdin is not None:
                worker.process.stdin.close()
        await asyncio.gather(*(worker.process.wait() for worker in self._workers))

    async def _keep(self, worker: Worker | None) -> None:
        while True:
            try:
                worker = worker or await self._spawn()
            except NotStarted as error:
                log.error("%s", error)
                await asyncio.sleep(_RESTART_DELAY_S)
                continue
            async with self._changed:
                self._workers.append(worker)
                self._changed.notify_all()
            try:
                await worker.answer_calls()
            finally:
                self._workers.remove(worker)
            code = await worker.process.wait()
            log.warning("worker %d ended (%d); a new one starts", worker.process.pid, code)
            worker = None

    async def _spawn(self) -> Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "imagestore.local.host.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
        )
        worker = Worker(process)
        hello = await worker.read()
        if hello is None or "error" in hello:
            await process.wait()
            raise NotStarted((hello or {}).get("error", "the worker ended while it loaded the function app"))
        worker.functions = hello["functions"]
        return worker
