"""The server, with bounds that uvicorn has not: on connections in all, and on how long one may keep it waiting.

uvicorn's own `limit_concurrency` counts idle connections and streams as work and answers 503 at it, so it is not used.
Here a connection has so long for the head of a request, and must take what is sent to it within so long. If there are
as many connections as the process may have files, the one that has been idle for longest makes room.
"""

import asyncio
import contextlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

with contextlib.suppress(ImportError):  # on Windows there is none
    import resource

_KEPT_FILES = 512
"""So many of the files that the process may open are for its stores, its index and its children."""
_MOST_CONNECTIONS = 50_000
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Bounds:
    """What one connection may ask of the server, and how many there may be."""

    head_s: float = 20.0
    head_bytes: int = 65_536
    send_s: float = 60.0
    idle_s: int = 75
    connections: int = _MOST_CONNECTIONS


def files_allowed() -> int:
    """How many files and connections this process may have open: what the system allows at most, from now on."""
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    except NameError:
        return _KEPT_FILES + 1_500
    wanted = _MOST_CONNECTIONS + _KEPT_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def server_of(app: ASGIApp, bounds: Bounds | None = None, **options: Any) -> uvicorn.Server:
    """A server of this app; `options` are uvicorn's."""
    bounds = bounds or Bounds(connections=max(1, files_allowed() - _KEPT_FILES))

    config = uvicorn.Config(
        app,
        http=type("Bounded", (_Bounded,), {"_bounds": bounds, "_idle": OrderedDict()}),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # TRUSTED_PROXIES says whom to believe
        timeout_graceful_shutdown=2,
        timeout_keep_alive=bounds.idle_s,
        **options,
    )
    return uvicorn.Server(config)


class _Bounded(HttpToolsProtocol):
    """One connection."""

    _bounds: Bounds
    _idle: "OrderedDict[_Bounded, None]"
    """Connections without a request, in the order in which they became so."""
    _head_bytes = 0
    _heads = 0
    _is_in_body = False
    _head_timer: asyncio.TimerHandle | None = None
    _send_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections and self._idle:
            longest, _ = self._idle.popitem(last=False)
            longest.transport.abort()
        elif len(self.connections) > self._bounds.connections:
            transport.abort()
            return
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._idle.pop(self, None)
        self._stop_head_timer()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        left = self._bounds.head_bytes - self._head_bytes
        if self._is_waiting and not self._is_in_body and len(data) > left:
            heads = self._heads
            super().data_received(data[:left])
            data = data[left:]
            if self._heads == heads:  # so much of a head, and it goes on
                self._end(_TOO_LARGE)
        if self.transport.is_closing():
            return
        if self._is_waiting and not self._is_in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        self._look()

    def on_headers_complete(self) -> None:
        self._head_bytes, self._is_in_body = 0, True
        self._heads += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._send_timer is None:
            self._send_timer = self.loop.call_later(self._bounds.send_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._abort_soon()

    @property
    def _is_waiting(self) -> bool:
        """Whether no request is being answered: what comes is the head of the next, or the body of one that was
        answered before it had come."""
        return self.cycle is None or self.cycle.response_complete

    def _look(self) -> None:
        """Begin or end the time for what is waited for, by what the connection is at now."""
        if not self._is_waiting:
            self._idle.pop(self, None)
            self._stop_head_timer()
        elif not self.transport.is_closing():
            self._idle.setdefault(self, None)
            if self._head_timer is None and self.timeout_keep_alive_task is None:
                self._head_timer = self.loop.call_later(self._bounds.head_s, self._give_up)

    def _give_up(self) -> None:
        self._end(b"" if self._is_in_body else _TOO_SLOW)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
            self._abort_soon()

    def _abort_soon(self) -> None:
        """A closed connection stays until its client has taken all that was sent; no longer than this."""
        self.loop.call_later(self._bounds.send_s, self.transport.abort)
