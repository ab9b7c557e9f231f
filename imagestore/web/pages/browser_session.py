"""What a browser is given when somebody comes in or leaves: a session's cookie, and where to go; it stays on record."""

from collections.abc import Callable, Mapping

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from imagestore.accounts.audit import NOBODY
from imagestore.errors import Overloaded, TooManyAttempts
from imagestore.web.clients import address_of
from imagestore.web.guards import cookies
from imagestore.web.pages.entrance import safe_next
from imagestore.web.services import Services

_AFTER_SIGN_OUT = '"cache"'
"""Have the browser drop the pages it keeps: the next user of the machine may go back to them."""


async def entered(request: Request, services: Services, token: str, next: str) -> Response:
    """Lead on with the new session; one that the browser had before ends."""
    is_https = services.public.is_https
    if before := cookies.session_token(request, is_https):
        await run_in_threadpool(_end, services, before)
    response = RedirectResponse(safe_next(next), 303)
    cookies.set_session(response, token, is_https)
    return response


def left(services: Services) -> Response:
    """Lead to sign-in after a session has ended."""
    response = RedirectResponse("/sign-in", 303, {"Clear-Site-Data": _AFTER_SIGN_OUT})
    cookies.clear_session(response, services.public.is_https)
    return response


async def note_attempt(
    services: Services,
    request: Request,
    what: str,
    who: str,
    target: str,
    result: str = "done",
    after: Mapping[str, str] | None = None,
) -> None:
    """Add to the audit log that somebody came in, or tried to."""
    write: Callable[..., object] = services.accounts.audit.write
    address = client_address(request, services)
    await run_in_threadpool(write, who, what, target=target, address=address, result=result, after=after)


async def note_refusal(services: Services, request: Request, what: str, target: str, error: Exception) -> None:
    """Each attempt that counted is on record, and no more: whoever likes could fill the log."""
    if not isinstance(error, TooManyAttempts | Overloaded):
        await note_attempt(services, request, what, NOBODY, target, "refused")


def client_address(request: Request, services: Services) -> str:
    """The network address of who asks."""
    return address_of(request.scope, services.options.trusted_proxies)


def agent_of(request: Request) -> str:
    """What the browser says it is."""
    return request.headers.get("user-agent", "")


def _end(services: Services, token: str) -> None:
    session = services.accounts.sessions.find(token)
    if session is not None:
        services.accounts.sessions.end(session.id, session.account)
        services.accounts.callers.forget(session.id)
