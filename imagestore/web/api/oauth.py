"""OAuth 2.0 client credentials (RFC 6749, section 4.4): a program gets an access token of ten minutes for its key.

Its client_id is the key's id, its client_secret the key. There are no refresh tokens: it asks again.
"""

import base64
import binascii
import re
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from imagestore.accounts.roles import Role, lower
from imagestore.accounts.signing import LASTS
from imagestore.errors import SignInRefused
from imagestore.web.answers import AccessToken
from imagestore.web.api.common import AddressDep, ServicesDep
from imagestore.web.problems import ApiProblem

router = APIRouter(prefix="/oauth", tags=["Keys"])
MOST_BYTES = 8192
_STRING = {"type": "string"}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": _STRING, "error_description": _STRING},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "client_id": {**_STRING, "description": "The key's id; it may be sent as Basic authorization."},
                        "client_secret": {**_STRING, "description": "The key."},
                        "scope": {
                            "type": "string",
                            "enum": [str(role) for role in Role],
                            "description": "The most that the token may do; without it, what the key may.",
                        },
                    },
                }
            }
        },
    }
}
_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"description": "As RFC 6749, section 5.2, says.", "content": {"application/json": {"schema": _ERROR}}}
    for status in (400, 401)
}
_PARAMETERS = {"grant_type", "client_id", "client_secret", "scope"}
_KEY_ID = re.compile("key-[0-9a-f]{32}")
"""Whatever else was sent as client_id may be a secret in the wrong place, and gets into no log."""
_UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@router.post("/token", openapi_extra=_BODY, responses=_REFUSED, response_model=AccessToken, operation_id="token")
async def token(request: Request, services: ServicesDep, address: AddressDep) -> Response:
    """Give a program an access token for its key, to be sent as `Authorization: Bearer …` for ten minutes."""
    form = await _form(request)
    if form is None:
        return _error(400, "invalid_request", "The body must be a form (application/x-www-form-urlencoded).")
    if form.get("grant_type") != "client_credentials":
        return _error(400, "unsupported_grant_type", "Only grant_type=client_credentials is known here.")
    scope = form.get("scope", "").strip()
    if scope and scope not in list(Role):
        return _error(400, "invalid_scope", f"The scope is one role: {', '.join(Role)}.")
    basic = _basic(request)
    id, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
    accounts = services.accounts
    try:
        caller = await run_in_threadpool(accounts.client, id, secret, address)
    except SignInRefused as error:
        await run_in_threadpool(
            accounts.audit.write,
            "nobody",
            "token",
            target=id if _KEY_ID.fullmatch(id) else "",
            address=address,
            result="refused",
        )
        return _error(401, "invalid_client", str(error), {"WWW-Authenticate": 'Basic realm="imagestore"'})
    role = lower(caller.role, Role(scope)) if scope else caller.role
    made = await run_in_threadpool(accounts.tokens.make, id, caller.account, role)
    answer = AccessToken(made, int(LASTS.total_seconds()), role)
    return Response(msgspec.json.encode(answer), 200, _UNCACHED, "application/json")


async def _form(request: Request) -> dict[str, str] | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ApiProblem(413, "too_large", f"This form has {MOST_BYTES:,} bytes at most.")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return None
    names = [name for name, _ in fields if name in _PARAMETERS]  # RFC 6749 ignores others, and forbids to repeat these
    return dict(fields) if kind == "application/x-www-form-urlencoded" and len(set(names)) == len(names) else None


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return unquote_plus(id), unquote_plus(secret)


def _error(status: int, code: str, description: str, headers: dict[str, str] | None = None) -> Response:
    body = msgspec.json.encode({"error": code, "error_description": description})
    return Response(body, status, {**_UNCACHED, **(headers or {})}, "application/json")
