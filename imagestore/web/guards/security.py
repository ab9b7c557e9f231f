"""What every answer carries, and which requests are refused whoever asks.

Without sign-in (AUTH=off) the app listens on the loopback address, which keeps other machines out, but not the pages
that a browser here shows: a page of another site may send requests to localhost, or bend a name of its own to 127.0.0.1
(DNS rebinding). With sign-in such a page may send a form to an app at which its reader is signed in. So the Host must
be one of the app's own, and what changes something must not come from another site's page.

Where the app's address is an https one, a page that a proxy says was asked for in plain text is answered with that
address, and anything else is refused. The checks of health are not: Azure makes them in plain text.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imagestore.settings import Auth
from imagestore.web.clients import PublicAddress
from imagestore.web.guards import idempotency
from imagestore.web.problems import ApiProblem

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "object-src 'none'",
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
_HEALTH = {"/api/v1/health/live", "/api/v1/health/ready"}
"""Azure asks for these under names of its own."""
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
_METHODS = ("GET", "POST", "PUT", "DELETE")
_ASKED = ("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "If-Range", "Last-Event-ID", "Range")
_TOLD = ("Content-Range", "ETag", "Idempotency-Replayed", "Location", "Retry-After", "WWW-Authenticate")


class OwnHeaders:
    """What every answer carries, unless it has such a header of its own."""

    def __init__(self, public: PublicAddress) -> None:
        always = _HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if public.is_https else {})
        self._of_pages = _raw(always)
        self._of_api = _raw(always | {"Cache-Control": "no-store", idempotency.SUPPORTED: "true"})

    @staticmethod
    def is_api(path: str) -> bool:
        """Whether this is an address of the API, whose answers carry others than pages."""
        return path.startswith("/api/")

    def completed(self, path: str, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer to a request for this path, with ours."""
        given = {name for name, _ in headers}
        own = self._of_api if self.is_api(path) else self._of_pages
        return [*headers, *(one for one in own if one[0] not in given)]


class Guard:
    """Refuses requests that are meant for others or come from other sites, and sets the headers of every answer."""

    def __init__(self, app: ASGIApp, public: PublicAddress, auth: Auth, own_headers: OwnHeaders) -> None:
        self._app = app
        self._public = public
        self._auth = auth
        self._own_headers = own_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._own_headers.completed(scope["path"], message["headers"])
            await send(message)

        headers = Headers(scope=scope)
        problem = refused(scope["method"], scope["path"], headers, self._public, self._auth)
        if problem is not None:
            await problem.response()(scope, receive, send_guarded)
            return
        if self._auth is Auth.REQUIRED and is_in_plain_text(scope["path"], headers, self._public):
            await in_plain_text(scope, self._public)(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as they are sent."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def refused(
    method: str, path: str, headers: Headers, public: PublicAddress, auth: Auth = Auth.OFF
) -> ApiProblem | None:
    """Why this request is refused; None if it is not."""
    host = headers.get("host", "")
    if not public.is_host(host) and not (auth is Auth.REQUIRED and path in _HEALTH):
        where = public.url if auth is Auth.REQUIRED else "http://localhost"
        said = "under its own address only (PUBLIC_URL)" if auth is Auth.REQUIRED else "to this machine only"
        return ApiProblem(421, "wrong_host", f"This app is served {said}: use {where}.")
    if auth is Auth.OFF and any(name in headers for name in _FORWARDED):
        detail = "A proxy forwarded this request, and nobody needs to sign in here (AUTH=off). Set AUTH=required first."
        return ApiProblem(403, "forwarded", detail)
    if method in _SAFE:
        return None
    if auth is Auth.REQUIRED and "authorization" in headers:
        return None  # no page can have a browser send it to another site, unless CORS_ORIGINS allows that
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site", "same-origin")
    if (origin is not None and not public.is_origin(origin, host)) or site not in ("same-origin", "none"):
        return ApiProblem(403, "wrong_origin", "Another site's page may not change anything here.")
    return None


def is_in_plain_text(path: str, headers: Headers, public: PublicAddress) -> bool:
    """Whether the proxy before an app with an https address says that it was asked without encryption."""
    asked_by = headers.get("x-forwarded-proto", "https").rpartition(",")[2].strip().lower()
    return public.is_https and asked_by == "http" and path not in _HEALTH


def in_plain_text(scope: Scope, public: PublicAddress) -> Response:
    """The answer to a request without encryption: the page's address with it, or, to anything else, a refusal."""
    if scope["method"] in _SAFE and not scope["path"].startswith("/api/"):
        asked = b"?".join(filter(None, (scope["raw_path"], scope["query_string"]))).decode("latin-1")
        return RedirectResponse(public.url + asked, 308)
    said = f"This was sent without encryption. Use {public.url}, and another password or key if one was sent."
    return ApiProblem(403, "not_encrypted", said).response()


class ApiCors:
    """Lets pages of other sites use the API with a key or token, never with a cookie."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_ASKED, expose_headers=_TOLD
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass the request on."""
        is_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (self._cors if is_api else self._app)(scope, receive, send)
