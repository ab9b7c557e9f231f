"""Forms for who has not signed in: how they are shown, and how what is sent is read.

They need no scripts. A form is taken only with the token that was given to this browser for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request, Response

from imagestore.accounts.people import LONGEST_NAME
from imagestore.web.guards import cookies
from imagestore.web.pages.rendering import render
from imagestore.web.problems import ApiProblem, problem_of
from imagestore.web.services import Services

MOST_BYTES = 16_384
LONGEST_NEXT = 2048


@dataclass(frozen=True)
class Field:
    """A field of a form."""

    name: str
    label: str
    type: str = "text"
    autocomplete: str = "off"
    value: str = ""
    longest: int = LONGEST_NAME
    is_fixed: bool = False


def safe_next(address: str) -> str:
    """Where to go after sign-in: a page of ours, else the first page. An address that leads elsewhere is not taken."""
    is_plain = address.isascii() and address.isprintable() and "\\" not in address
    if not is_plain or not address.startswith("/") or address.startswith("//"):
        return "/"
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or parts.path.startswith(("/api/", "/sign-", "/invitation", "/reset")):
        return "/"
    return address


def entrance(
    request: Request,
    services: Services,
    title: str,
    lead: str,
    action: str,
    button: str,
    fields: Sequence[Field] = (),
    *,
    kept: Mapping[str, str] | None = None,
    links: Sequence[tuple[str, str]] = (),
    error: Exception | None = None,
) -> Response:
    """A page with one form: what it is for, its fields, and what was wrong with it when it was sent before."""
    is_https = services.public.is_https
    problem = None if error is None else problem_of(error)
    response = render(
        request,
        "entrance.html",
        problem.status if problem else 200,
        title=title,
        lead=lead,
        action=action,
        button=button,
        fields=fields,
        kept=dict(kept or {}),
        links=links,
        wrong=problem.detail if problem else "",
        own_form=cookies.form_token(request, is_https),
    )
    if problem:
        response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    cookies.keep_form(request, response, is_https)
    return response


async def read_form(request: Request, services: Services) -> dict[str, str]:
    """The fields of a form of ours. Raises ApiProblem 403 where another site's page may have sent it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ApiProblem(413, "too_large", f"A form has {MOST_BYTES:,} bytes at most.")
    try:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        raise ApiProblem(422, "bad_request", "This is no form of ours.") from None
    if not cookies.is_own_form(request, form.get("form", ""), services.public.is_https):
        detail = "This form was not made for this browser, or is too old. Open the page again; cookies must be allowed."
        raise ApiProblem(403, "wrong_form", detail)
    return form
