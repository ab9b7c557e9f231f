"""How a request is refused that is more than the app, its caller or its client's line can do; and how that is told."""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from enum import Enum
from html import escape

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from imagestore import telemetry
from imagestore.telemetry import signals
from imagestore.web.custom_vision.errors import in_their_form, is_theirs
from imagestore.web.load.kinds import Kind
from imagestore.web.problems import ApiProblem

log = logging.getLogger("imagestore.web.load")
_LOG_EVERY_S = 10.0
_PAGE = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{wait}">'
    "<title>Too much at once</title></head>\n<body><main><h1>Too much at once</h1><p>{said}</p>"
    "<p>This page tries again by itself.</p></main></body></html>\n"
)


RETRY_AFTER_S = {Kind.READ: 1, Kind.CHANGE: 1, Kind.SEARCH: 2, Kind.UPLOAD: 3, Kind.CLASSIFY: 5}
_OVERLOADED = "More is asked of this app than it can do just now. Nothing was done."


class Form(Enum):
    """In which form a client is told: problem details, as Custom Vision tells it, or a page that asks again."""

    PROBLEM = 0
    THEIRS = 1
    PAGE = 2


class Refusals:
    """Answers what is refused, counts it, and logs a line of it now and then instead of one for each."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._counted: Counter[str] = Counter()
        self._logged_at = float("-inf")

    async def send(self, kind: Kind, how: str, problem: ApiProblem, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse this request because of `how`: a word for metrics."""
        self.count(kind, how)
        scope["state"]["is_shed"] = True
        await response_of(problem, form_of(scope))(scope, receive, send)

    def count(self, kind: Kind, how: str) -> None:
        """Count one that is refused."""
        telemetry.measure(signals.REFUSED, 1, kind=kind.word, how=how)
        self._counted[f"{kind.word} ({how})"] += 1
        now = self._monotonic()
        if now - self._logged_at >= _LOG_EVERY_S:
            self._logged_at = now
            log.warning("refused: %s", ", ".join(f"{count} {what}" for what, count in self._counted.most_common()))
            self._counted.clear()


def too_many(code: str, said: str, wait_s: int) -> ApiProblem:
    """The problem with a request that may come again after so many seconds."""
    return ApiProblem(429, code, f"{said} Try again in {wait_s} s.", headers={"Retry-After": str(wait_s)})


def overloaded(kind: Kind) -> ApiProblem:
    """The problem with a request of this kind that is more than the app can do now. Not all are to come back at once,
    so each is told another time."""
    return too_many("overloaded", _OVERLOADED, random.randint(RETRY_AFTER_S[kind], 2 * RETRY_AFTER_S[kind]))


def form_of(scope: Scope) -> Form:
    """The form in which the client that asked this is told that it is refused."""
    if is_theirs(scope["path"]):
        return Form.THEIRS
    if scope["path"].startswith("/api/") or scope["method"] != "GET":
        return Form.PROBLEM
    headers = Headers(scope=scope)
    return Form.PAGE if "text/html" in headers.get("accept", "") and "x-fragment" not in headers else Form.PROBLEM


def response_of(problem: ApiProblem, form: Form) -> Response:
    """The answer in this form."""
    if form is Form.THEIRS:
        return in_their_form(problem)
    if form is Form.PROBLEM or "Retry-After" not in problem.headers:
        return problem.response()
    text = _PAGE.format(wait=problem.headers["Retry-After"], said=escape(problem.detail))
    return HTMLResponse(text, problem.status, {**problem.headers, "Cache-Control": "no-store"})
