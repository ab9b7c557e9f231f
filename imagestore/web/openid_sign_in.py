"""Signing in elsewhere, at the OpenID Connect issuer of the settings: the way there, and the way back."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from imagestore.accounts import attempts
from imagestore.accounts.openid import OpenId, Started
from imagestore.accounts.people import Account
from imagestore.errors import AccessError, SignInRefused
from imagestore.settings import Auth
from imagestore.web import cookies
from imagestore.web.api.common import ServicesDep
from imagestore.web.browser_session import agent_of, client_address, entered, note_attempt, note_refusal
from imagestore.web.entrance import LONGEST_NEXT, entrance, safe_next
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/sign-in/openid")
Next = Annotated[str, Query(max_length=LONGEST_NEXT)]
BACK = "/sign-in/openid/back"
_OTHER_BROWSER = "This sign-in was begun in another browser, or too long ago. Begin again here."


@router.get("")
def begin(request: Request, services: ServicesDep, next: Next = "") -> Response:
    """Lead to the issuer."""
    started = _openid(services).start(_back(request, services))
    response = RedirectResponse(started.url, 303, {"Cache-Control": "no-store"})
    cookies.keep_elsewhere(response, _packed(started, safe_next(next)), services.public.is_https)
    return response


@router.get("/back", name="sign_in")
async def back(request: Request, services: ServicesDep) -> Response:
    """Begin a session for whom the issuer has signed in. Their first sign-in makes their account."""
    openid, is_https = _openid(services), services.public.is_https
    started, next = _unpacked(cookies.elsewhere(request, is_https))
    address = client_address(request, services)

    def admit() -> tuple[Account, str, bool]:
        services.accounts.attempts.begin([(attempts.ADDRESS, address)])
        if started is None:
            raise SignInRefused(_OTHER_BROWSER)
        identity = openid.finish(started, _back(request, services), dict(request.query_params))
        account, is_new = services.accounts.admit(identity)
        return account, services.accounts.sign_in(account, address, agent_of(request)), is_new

    try:
        account, token, is_new = await run_in_threadpool(admit)
    except AccessError as error:
        await note_refusal(services, request, "sign_in", openid.options.issuer, error)
        response = entrance(request, services, "Sign in", "", "", "", links=[("/sign-in", "Sign in")], error=error)
    else:
        after = {"role": str(account.role)} if is_new else None
        await note_attempt(services, request, "join" if is_new else "sign_in", account.id, account.id, after=after)
        response = await entered(request, services, token, next)
    cookies.clear_elsewhere(response, is_https)
    return response


def _openid(services: Services) -> OpenId:
    openid = services.accounts.openid
    if openid is None or services.options.auth is Auth.OFF:
        raise ApiProblem(404, "http", "There is nothing at this address: no other place to sign in at is set.")
    return openid


def _back(request: Request, services: Services) -> str:
    return services.public.link(BACK, request.headers)


def _packed(started: Started, next: str) -> str:
    to = base64.urlsafe_b64encode(next.encode()).decode().rstrip("=")
    return ".".join((started.state, started.nonce, started.verifier, to))


def _unpacked(text: str) -> tuple[Started | None, str]:
    parts = text.split(".")
    if len(parts) != 4 or not all(parts):
        return None, "/"
    state, nonce, verifier, to = parts
    try:
        next = base64.urlsafe_b64decode(to + "=" * (-len(to) % 4)).decode()
    except (binascii.Error, ValueError):
        next = "/"
    return Started("", state, nonce, verifier), next
