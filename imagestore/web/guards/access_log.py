"""One line for each request: method, route, status, how long it took, and who asked, as ids.

Not of what is refused because it is too much: a line for each would cost more than the refusal
(imagestore/web/load/refusals.py counts them).

The route stands for the address, which may hold a picture's name or what somebody searches for. The network address is
in the audit log alone, whose entries expire.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imagestore.accounts.callers import Caller, Means
from imagestore.telemetry.signals import ACCESS_LOG

log = logging.getLogger(ACCESS_LOG)
_HEALTH = "/api/v1/health/"
_EVENTS = "/api/v1/events"


def is_left_out(scope: Mapping[str, Any]) -> bool:
    """Whether a request is not told of: files that every page loads, checks of health, and streams, which last as long
    as somebody looks."""
    path: str = scope.get("path", "")
    return path.startswith(("/static/", _HEALTH)) or path == _EVENTS


class AccessLog:
    """Writes the line once the answer has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and write its line."""
        if scope["type"] != "http" or is_left_out(scope):
            await self._app(scope, receive, send)
            return
        state, started = scope.setdefault("state", {}), time.perf_counter()
        is_written = False

        def write(status: int) -> None:
            nonlocal is_written
            if not is_written:
                is_written = True
                _write(scope["method"], state, status, time.perf_counter() - started)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and not state.get("is_shed"):
                write(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, told)
        except Exception:  # it is answered further out
            write(500)
            raise


def _write(method: str, state: Mapping[str, Any], status: int, seconds: float) -> None:
    caller: Caller | None = state.get("caller")
    if caller is not None and caller.means is Means.LOCAL:
        caller = None  # its account is this machine's user, by name
    log.info(
        "access method=%s route=%s status=%d ms=%d who=%s by=%s",
        method if method.isalpha() else "-",
        state.get("route") or "-",
        status,
        round(1000 * seconds),
        caller.account if caller else "-",
        caller.by if caller else "-",
    )
