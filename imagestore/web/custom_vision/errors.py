"""Errors as Custom Vision tells them: `{"code": …, "message": …}`."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from imagestore.web.problems import ApiProblem
from preprocess import Reason

PREFIX = "/customvision/"
CONTAINER = ("/image", "/url")
"""What the container answers that Custom Vision exported."""
_CODES = {
    "too_many_bytes": "BadRequestImageSizeBytes",
    "bad_form": "BadRequestImageStream",
    "too_many_files": "BadRequestExceededBatchSize",
    "broken_off": "BadRequestImageStream",
    str(Reason.TOO_MANY_PIXELS): "BadRequestImageDimensions",
    str(Reason.TOO_SMALL): "BadRequestImageDimensions",
}
_BY_STATUS = {
    400: "BadRequest",
    401: "ForbiddenUser",
    403: "Forbidden",
    404: "NotFound",
    405: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    429: "TooManyRequests",
}
_OF_PICTURES = {str(reason) for reason in Reason}


def key_in(headers: Mapping[str, str]) -> str | None:
    """The key in one of Custom Vision's headers."""
    return headers.get("prediction-key") or headers.get("training-key")


def refused(code: str, message: str, status: int = 400) -> ApiProblem:
    """What to raise where Custom Vision answers with one of its codes."""
    return ApiProblem(status, code, message)


def is_theirs(path: str) -> bool:
    """Whether an address is Custom Vision's."""
    return path[: len(PREFIX)].lower() == PREFIX or path.lower() in CONTAINER


def in_their_form(problem: ApiProblem) -> Response:
    """The answer to a program that asks as it asked Custom Vision."""
    status, code = problem.status, problem.code
    if not code[:1].isupper():
        fallback = _BY_STATUS.get(status, "ErrorUnknown" if status >= 500 else "BadRequest")
        code = _CODES.get(code, "BadRequestImageFormat" if code in _OF_PICTURES else fallback)
    if status in (413, 422) or code.startswith("BadRequest"):
        status = 400
    headers: Mapping[str, str] = {**problem.headers, "Cache-Control": "no-store"}
    body = msgspec.json.encode({"code": code, "message": problem.detail})
    return Response(body, status, dict(headers), "application/json")
