"""The server, with bounds that uvicorn has not: on connections in all, and on how long one may keep it waiting.

uvicorn's own `limit_concurrency` counts idle connections and streams as work and answers 503 at it, so it is not used.
Here a connection has so long for the head of a request, and must take what is sent to it within so long. If there are
as many connections as the process may have files, the one that has been idle for longest makes room.

A request that is refused before its body has come keeps its answer: what comes is thrown away for a while, then the
connection is closed for writing, and as a whole only once the client has done so. Else the system would tell the client
that the connection broke off, and the answer would be lost.
"""

import asyncio
import contextlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from imagestore.web.load.door import Door

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
    pipelined: int = 8
    drained_bytes: int = 32 * 1024 * 1024
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


def server_of(app: ASGIApp, bounds: Bounds | None = None, door: Door | None = None, **options: Any) -> uvicorn.Server:
    """A server of this app, behind this door; `options` are uvicorn's."""
    bounds = bounds or Bounds(connections=max(1, files_allowed() - _KEPT_FILES))

    config = uvicorn.Config(
        app,
        ws="none",
        http=type("Bounded", (_Bounded,), {"_bounds": bounds, "_door": door, "_idle": OrderedDict()}),
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
    _door: Door | None
    _idle: "OrderedDict[_Bounded, None]"
    """Connections without a request, in the order in which they became so."""
    _head_bytes = _drained_bytes = 0
    _heads = 0
    _refused_at_once = 0
    """Requests of what has just come that were refused: more than one were sent ahead."""
    _is_in_head = _is_in_body = _is_leaving = False
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
        if self._is_leaving:
            return
        self._refused_at_once = 0
        if self._is_in_body and self._is_waiting:
            self._drained_bytes += len(data)
            if self._drained_bytes > self._bounds.drained_bytes:
                self._leave()
                return
        left = self._bounds.head_bytes - self._head_bytes
        if not self._is_in_body and len(data) > left:
            heads = self._heads
            super().data_received(data[:left])
            data = data[left:]
            if self._heads == heads:  # so much of a head, and it goes on
                self._end(_TOO_LARGE if self._is_waiting else b"")
        if self.transport.is_closing():
            return
        if not self._is_in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        self._look()

    def on_message_begin(self) -> None:
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes, self._drained_bytes, self._is_in_head, self._is_in_body = 0, 0, False, True
        self._heads += 1
        if self.transport.is_closing():
            return
        if len(self.pipeline) >= self._bounds.pipelined:
            self._end(b"")
            return
        if self._door is not None and self._door.is_shut and self._is_refused(self._door):
            return
        super().on_headers_complete()
        self.cycle.transport = _Closing(self)  # type: ignore[assignment]

    def _is_refused(self, door: Door) -> bool:
        """Answer a plain GET at once if the door refuses it. The app is asked while answers wait to be sent, by an
        earlier request or because the client takes none: there what is sent ahead is bounded."""
        parser = self.parser
        is_plain = parser.get_method() == b"GET" and parser.get_http_version() == "1.1" and parser.should_keep_alive()
        if not (is_plain and self._is_waiting and not self.flow.write_paused) or _has_body(self.headers):
            return False
        url = httptools.parse_url(self.url)
        path = unquote(url.path.decode("ascii"))
        answer = door.refusal({**self.scope, "method": "GET", "path": path, "query_string": url.query or b""})
        if answer is None:
            return False
        self._refused_at_once += 1
        if self._refused_at_once > self._bounds.pipelined:
            self._end(b"")
            return True
        self._idle.pop(self, None)  # it was not idle: `_look` takes it up anew
        self._stop_head_timer()
        added = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(b"".join((answer.head, *added, b"\r\n", answer.body)))
        self.server_state.total_requests += 1
        return True

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_body = False
        if self.cycle is not None:
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for a websocket is answered as if they had not; two lines in the log for each say no more."""

    def on_response_complete(self) -> None:
        if not self._is_leaving:
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
        elif not self.transport.is_closing() and not self._is_leaving:
            self._idle.setdefault(self, None)
            if self._heads and not self._is_in_head and not self._is_in_body:
                self._stop_head_timer()
                if self.timeout_keep_alive_task is None:
                    self.timeout_keep_alive_task = self.loop.call_later(
                        self.timeout_keep_alive, self.timeout_keep_alive_handler
                    )
            elif self._head_timer is None:
                self._unset_keepalive_if_required()
                self._head_timer = self.loop.call_later(self._bounds.head_s, self._give_up)

    def _give_up(self) -> None:
        if self._is_in_body:
            self._leave()
        else:  # who has asked nothing is told nothing: a proxy may take it for the answer to its next request
            self._end(_TOO_SLOW if self._is_in_head else b"")

    def close(self) -> None:
        """Close the connection after an answer; gently, while the body of its request is on its way."""
        if self._is_in_body and not self.transport.is_closing():
            self._leave()
        else:
            self.transport.close()

    def _leave(self) -> None:
        """Say that nothing more will come, and throw away what comes until the client has closed, too."""
        self._is_leaving = True
        self._stop_head_timer()
        self._unset_keepalive_if_required()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(self._bounds.head_s, self.transport.abort)

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


def _has_body(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name in (b"content-length", b"transfer-encoding", b"expect", b"upgrade") for name, _ in headers)


class _Closing:
    """What an answer knows of its connection, closed as the server closes it."""

    def __init__(self, connection: _Bounded) -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = connection.close
