"""Errors as people and programs read them: problem details (RFC 9457) from the API, a page from the pages."""

import logging
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from errors import Away, Conflict, ImageStoreError, Missing, PictureError
from pipeline.correct import NotALabel
from preprocess.decoder import DecoderFailed
from web.openapi import MEDIA_TYPE, allowed
from web.search import BadCursor

log = logging.getLogger("imagestore.web")
RETRY_AFTER_S = 2


class Problem(Exception):
    """What the client is told."""

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
        return HTTPStatus(self.status).phrase

    def response(self) -> Response:
        """As problem details."""
        body = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        content = msgspec.json.encode(body | {"code": self.code} | self.more)
        return Response(content, self.status, {**self.headers, "Cache-Control": "no-store"}, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """What an error means to a client; one that nobody foresaw is logged, and told by number."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return Problem(422, "bad_request", _said(error))
        case HTTPException():
            detail = "There is nothing at this address." if error.status_code == 404 else f"{error.detail}."
            return Problem(error.status_code, "http", detail, headers=error.headers)
        case NotALabel():
            return Problem(422, "bad_request", str(error))
        case BadCursor():
            return Problem(404, "no_such_page", str(error))
        case PictureError():
            return Problem(422, str(error.reason), error.detail)
        case Missing():
            return Problem(404, "not_found", f"{error}")
        case Conflict():
            return Problem(409, "conflict", f"{error}")
        case Away() | DecoderFailed():
            log.warning("%s", error)
            detail = f"A service does not answer now ({error}). Nothing is lost; try again in a moment."
            return Problem(503, "away", detail, headers={"Retry-After": str(RETRY_AFTER_S)})
        case ImageStoreError():
            log.error("%s", error)
            return Problem(502, "store", f"A service refused: {error}")
    number = uuid.uuid4().hex[:8]
    log.error("error %s", number, exc_info=error)
    return Problem(500, "internal", f"Something went wrong on our side. The log says more under {number}.")


def install(app: FastAPI, page: Any) -> None:
    """Answer errors under /api/ as problem details, others by `page(request, problem)`."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if request.url.path.startswith("/api/"):
            if problem.status == 405:
                problem.headers["Allow"] = allowed(app, request.url.path)
            return problem.response()
        response: Response = page(request, problem)
        return response

    for kind in (Problem, RequestValidationError, HTTPException, ImageStoreError, BadCursor, DecoderFailed, Exception):
        app.add_exception_handler(kind, answer)


def _said(error: RequestValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    given = repr(first.get("input"))[:80]
    return f"{where}: {first['msg'].lower()}; given was {given}."
