"""Errors for people and programs: problem details (RFC 9457) from the API, a page from the pages."""

import logging
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from classify import ModelError
from imagestore.errors import (
    BadCursor,
    Busy,
    Conflict,
    DeletionUnfinished,
    ImageStoreError,
    LastAdmin,
    LinkRefused,
    NotAccepted,
    NotALabel,
    NotAModelName,
    NotAProject,
    NotARoute,
    NotAWebhook,
    NotCorrections,
    NotFound,
    Overloaded,
    Protected,
    SignInRefused,
    TooManyAttempts,
    Unavailable,
)
from imagestore.web.openapi import MEDIA_TYPE, allowed
from preprocess import DecoderFailed, PictureError

log = logging.getLogger("imagestore.web")
RETRY_AFTER_S = 2


_TITLES = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}
"""Python 3.13 calls these otherwise; an answer is the same whatever runs the app."""


class ApiProblem(Exception):
    """An error as the client is told: `detail` is a sentence for a person, `code` a word for a program."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    @property
    def title(self) -> str:
        """What the status means."""
        return _TITLES.get(self.status) or HTTPStatus(self.status).phrase

    def response(self) -> Response:
        """The answer, as problem details."""
        body = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        content = msgspec.json.encode(body | {"code": self.code} | self.more)
        return Response(content, self.status, {**self.headers, "Cache-Control": "no-store"}, MEDIA_TYPE)


def problem_of(error: Exception) -> ApiProblem:
    """What to tell a client about an error.

    An unexpected error is logged under a number, and the client is told the number only.
    """
    match error:
        case ApiProblem():
            return error
        case RequestValidationError():
            return ApiProblem(422, "bad_request", _said(error))
        case HTTPException():
            detail = "There is nothing at this address." if error.status_code == 404 else f"{error.detail}."
            return ApiProblem(error.status_code, "http", detail, headers=error.headers)
        case SignInRefused():
            return ApiProblem(401, "sign_in", f"{error}", headers={"WWW-Authenticate": 'Bearer realm="imagestore"'})
        case TooManyAttempts():
            return ApiProblem(429, "too_many", f"{error}", headers={"Retry-After": str(error.retry_after_s)})
        case Overloaded():
            return ApiProblem(503, "busy", f"{error}", headers={"Retry-After": str(RETRY_AFTER_S)})
        case LinkRefused():
            return ApiProblem(410, "link_refused", f"{error}")
        case DeletionUnfinished():
            return ApiProblem(503, "deletion_unfinished", f"{error}", headers={"Retry-After": str(RETRY_AFTER_S)})
        case LastAdmin():
            return ApiProblem(409, "last_admin", f"{error}")
        case NotAccepted():
            return ApiProblem(422, "not_accepted", f"{error}")
        case NotALabel() | NotAModelName() | NotAProject() | NotARoute() | NotAWebhook() | NotCorrections():
            return ApiProblem(422, "bad_request", str(error))
        case BadCursor():
            return ApiProblem(404, "no_such_page", str(error))
        case ClientDisconnect():
            return ApiProblem(400, "broken_off", "The request broke off before its end.")
        case PictureError():
            return ApiProblem(422, str(error.reason), error.detail)
        case NotFound():
            return ApiProblem(404, "not_found", f"{error}")
        case Conflict():
            return ApiProblem(409, "conflict", f"{error}")
        case Protected():
            return ApiProblem(409, "protected", f"{error}")
        case Busy():
            return ApiProblem(503, "busy", f"{error}", headers={"Retry-After": str(RETRY_AFTER_S)})
        case ModelError():
            return ApiProblem(409, "model_unusable", f"{error}")
        case Unavailable() | DecoderFailed():
            log.warning("%s", error)
            detail = f"A service does not answer now ({error}). Nothing is lost; try again in a moment."
            return ApiProblem(503, "unavailable", detail, headers={"Retry-After": str(RETRY_AFTER_S)})
        case ImageStoreError():
            log.error("%s", error)
            return ApiProblem(502, "store", f"A service refused: {error}")
    number = uuid.uuid4().hex[:8]
    log.error("error %s", number, exc_info=error)
    return ApiProblem(500, "internal", f"Something went wrong on our side. The log says more under {number}.")


Form = Callable[[ApiProblem], Response]


def install(app: FastAPI, page: Any, other_form: Callable[[str], Form | None] = lambda _: None) -> None:
    """Answer errors under /api/ as problem details, others by `page(request, problem)`; where there is an `other_form`
    for an address, in that."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if (form := other_form(request.url.path)) is not None:
            return form(problem)
        if request.url.path.startswith("/api/"):
            if problem.status == 405:
                problem.headers["Allow"] = allowed(app, request.url.path)
            return problem.response()
        response: Response = page(request, problem)
        return response

    for kind in (
        ApiProblem,
        RequestValidationError,
        HTTPException,
        ImageStoreError,
        ModelError,
        PictureError,
        DecoderFailed,
        ClientDisconnect,
        Exception,
    ):
        app.add_exception_handler(kind, answer)


def _said(error: RequestValidationError) -> str:
    first = error.errors()[0]
    said = first["msg"][:1].lower() + first["msg"][1:]
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    if first["loc"][0] == "body":  # which may hold a password
        return f"{where}: {said}."
    given = repr(first.get("input"))[:80]
    return f"{where}: {said}; given was {given}."
