"""Signing in elsewhere, at an OpenID Connect issuer of the settings: the way there, and the way back.

Each issuer has a way back of its own, so that none can answer in the name of another.
"""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from imagestore.accounts import attempts
from imagestore.accounts.openid import OpenId, Started
from imagestore.accounts.people import Account
from imagestore.errors import AccessError, SignInRefused
from imagestore.settings import Auth
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards import cookies
from imagestore.web.pages.browser_session import agent_of, client_address, entered, note_attempt, note_refusal
from imagestore.web.pages.entrance import LONGEST_NEXT, entrance, safe_next
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/sign-in/openid")
Next = Annotated[str, Query(max_length=LONGEST_NEXT)]
IssuerId = Annotated[str, Path(pattern="^[a-z][a-z0-9-]{0,29}$")]
_OTHER_BROWSER = "This sign-in was begun in another browser, or too long ago. Begin again here."


@router.get("")
def begin(request: Request, services: ServicesDep, next: Next = "") -> Response:
    """Lead to the issuer that OIDC_ISSUER names."""
    return _begun(request, services, "", next)


@router.get("/back", name="sign_in")
async def back(request: Request, services: ServicesDep) -> Response:
    """Begin a session for whom that issuer has signed in. Their first sign-in makes their account."""
    return await _completed(request, services, "")


@router.get("/{id}")
def begin_at_another(request: Request, services: ServicesDep, id: IssuerId, next: Next = "") -> Response:
    """Lead to an issuer of OIDC_MORE."""
    return _begun(request, services, id, next)


@router.get("/{id}/back", name="sign_in")
async def back_from_another(request: Request, services: ServicesDep, id: IssuerId) -> Response:
    """Begin a session for whom that issuer has signed in."""
    return await _completed(request, services, id)


def begin_at(id: str) -> str:
    """The address that leads to the issuer with this id."""
    return f"/sign-in/openid/{id}" if id else "/sign-in/openid"


def _begun(request: Request, services: Services, id: str, next: str) -> Response:
    started = _openid(services, id).start(_back(request, services, id))
    response = RedirectResponse(started.url, 303, {"Cache-Control": "no-store"})
    cookies.keep_elsewhere(response, _packed(started, safe_next(next), id), services.public.is_https)
    return response


async def _completed(request: Request, services: Services, id: str) -> Response:
    openid, is_https = _openid(services, id), services.public.is_https
    started, next = _unpacked(cookies.elsewhere(request, is_https), id)
    address = client_address(request, services)

    def admit() -> tuple[Account, str, bool]:
        services.accounts.attempts.begin([attempts.from_address(address)])
        if started is None:
            raise SignInRefused(_OTHER_BROWSER)
        identity = openid.finish(started, _back(request, services, id), dict(request.query_params))
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


def _openid(services: Services, id: str) -> OpenId:
    openid = services.accounts.issuers.with_id(id)
    if openid is None or services.options.auth is Auth.OFF:
        raise ApiProblem(404, "http", "There is nothing at this address: no such place to sign in at is set.")
    return openid


def _back(request: Request, services: Services, id: str) -> str:
    return services.public.link(f"{begin_at(id)}/back", request.headers)


def _packed(started: Started, next: str, id: str) -> str:
    to = base64.urlsafe_b64encode(next.encode()).decode().rstrip("=")
    return ".".join((started.state, started.nonce, started.verifier, to, id))


def _unpacked(text: str, id: str) -> tuple[Started | None, str]:
    """What was begun at this issuer, and where to go then; None where nothing was, or at another one."""
    parts = text.split(".")
    if len(parts) != 5 or not all(parts[:4]) or parts[4] != id:
        return None, "/"
    state, nonce, verifier, to = parts[:4]
    try:
        next = base64.urlsafe_b64decode(to + "=" * (-len(to) % 4)).decode()
    except (binascii.Error, ValueError):
        next = "/"
    return Started("", state, nonce, verifier), next
