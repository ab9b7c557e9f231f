"""Idempotency keys: a request that a client sends again under the key of the one before is not done again.

The header is that of the IETF's draft (draft-ietf-httpapi-idempotency-key-header). Who sends it gets the answer of the
first request for a day; without it nothing is looked up or kept. Only what was done is kept: after a refusal or a fault
the request with the same key is tried anew. A form of many pictures that broke off has taken some in already, which the
next one finds unchanged.
"""

import asyncio
import contextlib
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable

from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imagestore.accounts import kept_answers
from imagestore.accounts.callers import Caller, Means
from imagestore.accounts.kept_answers import Answer, Asked, AtWork, Body, Claim, Done, KeptAnswers
from imagestore.errors import Conflict, StoreError
from imagestore.web.intake.multipart import FORM
from imagestore.web.problems import ApiProblem, problem_of
from imagestore.web.rules import SECRET_ANSWERS, TAKES_KEY

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
SUPPORTED = "Idempotency-Supported"
"""Every answer of the API has it: a client that lost one may then repeat its request under the same key."""
LONGEST = 255
RETRY_AFTER_S = 3
_RENEWED_EVERY_S = kept_answers.LEASE_S / 3
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile("[!#-~]+")
_KEPT_HEADERS = ("content-type", "location", "retry-after", "etag")
log = logging.getLogger("imagestore.web")


class Idempotency:
    """Does a request with a key once. It stands behind the check of who may ask."""

    def __init__(self, app: ASGIApp, kept: KeptAnswers) -> None:
        self._app = app
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: as the one before with its key was answered, if there was one."""
        given = Headers(scope=scope).getlist(HEADER) if scope["type"] == "http" else []
        caller: Caller | None = scope["state"]["caller"] if given else None
        row = f"{scope['method']} {scope['state']['route']}" if given else ""
        if caller is None or row not in TAKES_KEY | SECRET_ANSWERS:
            await self._app(scope, receive, send)
            return
        try:
            if row in SECRET_ANSWERS:
                said = f"The answer of this holds a secret, which is not kept. Send it without {HEADER}, and once."
                raise ApiProblem(400, "no_idempotency_key", said)
            asked = _asked(scope, caller, row, key_of(given))
            found = await run_in_threadpool(self._kept.begin, asked)
            if not isinstance(found, Claim):
                response = await _known(found, asked, _Digest(scope), receive)
                scope["state"]["audit"].is_written = True  # of the first request: this one has changed nothing
                await response(scope, receive, send)
                return
        except (ApiProblem, StoreError) as error:
            await problem_of(error).response()(scope, receive, send)
            return
        await self._do(found, scope, receive, send)

    async def _do(self, claim: Claim, scope: Scope, receive: Receive, send: Send) -> None:
        """Do the request, and keep its answer before it goes out."""
        digest, messages = _Digest(scope), list[Message]()

        async def digested() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                digest.add(message.get("body", b""), is_last=not message.get("more_body", False))
            return message

        async def collect(message: Message) -> None:
            messages.append(message)

        try:
            async with _renewed(claim):
                await self._app(scope, digested, collect)
        except Exception:
            await run_in_threadpool(_without_fail, claim.release)
            raise
        answer = _answer_of(messages) if messages else Answer(500)
        if answer.status < 400:
            await run_in_threadpool(_without_fail, lambda: claim.keep(digest.body(), answer))
        else:
            await run_in_threadpool(_without_fail, claim.release)
        for message in messages:
            await send(message)


def key_of(given: Iterable[str]) -> str:
    """The key in these headers: a string in quotation marks, as the draft has it, or the same without them.

    Raises ApiProblem 400.
    """
    first, *more = given
    text = first.strip()
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r'\\(["\\])', r"\1", quoted[1]) if quoted else text
    is_one = bool(quoted) or bool(_BARE.fullmatch(text))
    if more or not is_one or not 0 < len(key) <= LONGEST:
        told = "is there more than once" if more else f"has {len(key):,} characters" if is_one else "has other ones"
        detail = (
            f"The header {HEADER} holds one key of 1 to {LONGEST} visible ASCII characters, such as a UUID, in "
            f"quotation marks or without; this one {told}. Nothing was done."
        )
        raise ApiProblem(400, "bad_idempotency_key", detail)
    return key


def _asked(scope: Scope, caller: Caller, row: str, key: str) -> Asked:
    """The request under this key. Two keys of one account are two callers; of people the account is one.

    What somebody may see follows their role, so an answer is not for them once they have another.
    """
    is_program = caller.means in (Means.KEY, Means.TOKEN)
    who = (caller.account, caller.by if is_program else "")
    request = (scope["method"], scope["path"], scope["query_string"].decode("latin-1"), str(caller.role))
    return Asked.by(who, caller.account, row, key, request)


async def _known(found: AtWork | Done, asked: Asked, digest: "_Digest", receive: Receive) -> Response:
    """The answer to a request whose key was used before."""
    if found.request != asked.request:
        raise _reused()
    if isinstance(found, AtWork):
        said = f"The request with this {HEADER} is still at work. Ask again in a moment: it is not done twice."
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        raise ApiProblem(409, "request_at_work", said, headers=headers)
    if found.body.size_bytes is not None and not await _is_same(found.body, digest, receive):
        raise _reused()
    if found.answer.text is None:
        said = "This was done before, and its answer was too large to be kept. Look at what it has changed."
        raise ApiProblem(409, "answer_not_kept", said)
    headers = dict(found.answer.headers) | {REPLAYED: "true"}
    return Response(found.answer.text, found.answer.status, headers)


async def _is_same(body: Body, digest: "_Digest", receive: Receive) -> bool:
    """Whether a request has this body; it is read no further than that is known."""
    assert body.size_bytes is not None
    while not digest.is_whole and digest.size_bytes <= body.size_bytes:
        message = await receive()
        if message["type"] != "http.request":
            raise ApiProblem(400, "broken_off", "The request broke off before its end.")
        digest.add(message.get("body", b""), is_last=not message.get("more_body", False))
    return digest.body() == body


class _Digest:
    """What is kept of a request's body: its SHA-256 and size, of a form without its boundary, which is another each
    time."""

    def __init__(self, scope: Scope) -> None:
        kind, options = parse_options_header(Headers(scope=scope).get("content-type", ""))
        self._boundary = options.get(b"boundary", b"") if kind == FORM.encode() else b""
        self._sha256 = hashlib.sha256()
        self._left = b""
        self.size_bytes = 0
        self.is_whole = False

    def add(self, data: bytes, *, is_last: bool) -> None:
        """The next piece of the body."""
        if self._boundary:
            *parts, self._left = (self._left + data).split(self._boundary)
            for part in parts:
                self._update(part + b"\r\n")
            if not is_last:  # of what is left the end may be the beginning of a boundary
                known = max(0, len(self._left) - len(self._boundary) + 1)
                data, self._left = self._left[:known], self._left[known:]
            else:
                data = self._left
        self._update(data)
        self.is_whole = is_last

    def body(self) -> Body:
        """The body, if all of it has come."""
        return Body(self._sha256.hexdigest(), self.size_bytes) if self.is_whole else Body()

    def _update(self, data: bytes) -> None:
        self._sha256.update(data)
        self.size_bytes += len(data)


@contextlib.asynccontextmanager
async def _renewed(claim: Claim) -> AsyncIterator[None]:
    """Say now and then that the request is still at work, until the block ends."""
    ended = asyncio.Event()

    async def renew() -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _RENEWED_EVERY_S)
                return
            await run_in_threadpool(_without_fail, claim.renew)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        ended.set()
        await task


def _without_fail(write: Callable[[], None]) -> None:
    """Write to the store what the answer does not depend on."""
    try:
        write()
    except Conflict:
        log.warning("a request with a key took so long that another of its key was begun")
    except StoreError as error:
        log.warning("what a request with a key came to is not kept: %s", error)


def _answer_of(messages: list[Message]) -> Answer:
    start, *rest = messages
    headers = Headers(raw=start["headers"])
    data = b"".join(message.get("body", b"") for message in rest)
    kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    text = data.decode() if len(data) <= kept_answers.MOST_ANSWER_BYTES else None
    return Answer(start["status"], kept, text)


def _reused() -> ApiProblem:
    said = f"This {HEADER} was used for another request, or while you had another role. A new request needs a new key."
    return ApiProblem(422, "idempotency_key_reused", said)
