"""What every answer carries, and who may ask: this machine's own pages and programs, until sign-in exists.

Listening on the loopback address keeps other machines out, but not the pages that a browser here shows: a page of
another site may send requests to localhost, or bend a name of its own to 127.0.0.1 (DNS rebinding). So the Host must be
a name of this machine, and what changes something must not come from another site's page.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.problems import Problem

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_SAFE = {"GET", "HEAD", "OPTIONS"}


def is_loopback(address: str) -> bool:
    """Whether this address or name is this machine's own, reachable from nowhere else."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Turns strangers away and sets the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        problem = refused(scope["method"], Headers(scope=scope))
        if problem is not None:
            await problem.response()(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)


def refused(method: str, headers: Headers) -> Problem | None:
    """Why this request is not answered; None where it is."""
    host = headers.get("host", "")
    if not is_loopback(urlsplit(f"//{host}").hostname or ""):
        return Problem(421, "wrong_host", "This address is served to this machine only: use http://localhost.")
    if method in _SAFE:
        return None
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site", "same-origin")
    if (origin is not None and urlsplit(origin).netloc != host) or site not in ("same-origin", "none"):
        return Problem(403, "wrong_origin", "Another site's page may not change anything here.")
    return None
