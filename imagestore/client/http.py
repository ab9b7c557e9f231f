"""Requests to a distant web app: where it may be, how often to try, and what its problems mean."""

import contextlib
import re
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import httpx2
import msgspec

from imagestore import __version__
from imagestore.decoding import decode
from imagestore.distant_server import checked_server, told_pause_s
from imagestore.errors import (
    KeyRefused,
    NotReached,
    NotThere,
    RemoteError,
    RequestRefused,
    RoleNeeded,
    SettingsError,
)

PREFIX = "/api/v1"
TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10.0
TRIES = 4
LONGEST_PAUSE_S = 60.0
"""A server that says to come back later than in so many seconds is not waited for."""
_FIRST_PAUSE_S = 0.5
_SAFE = {"GET", "HEAD"}
_AT_WORK = "request_at_work"
_LONGEST_WORK_S = 60.0
"""For so long in all an earlier attempt is waited for that the server says is still at work. After half a minute
without a sign of life it counts as dead there."""
_LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""The server has not done it, and says to try again."""
_GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
"""What stands before the server knows no answer: it may have been done."""
_KEY_HEADER = "Idempotency-Key"
_TAKES_KEYS_HEADER = "Idempotency-Supported"
"""What a server's answers have if it takes keys. Version 0.1 does not, and does twice what it is asked twice."""
_SAME_IF_REPEATED = {"PUT", "DELETE"}
_SECRET_ANSWER = re.compile("/webhooks|/keys|/keys/[^/]+/rotate|/invitations|/accounts/[^/]+/reset")
"""What answers a POST with a secret, for which the server takes no idempotency key: it is not repeated."""
_PROBLEM = "application/problem+json"
_KEY = re.compile("[!-~]+")
Parameters = Mapping[str, Any]
Answer = TypeVar("Answer")


class Http:
    """Sends requests to one server, with a key, and tries again what may succeed later. Safe to use from threads."""

    def __init__(
        self,
        server: str,
        key: str | None,
        *,
        insecure_http: bool = False,
        timeout_s: float = TIMEOUT_S,
        tries: int = TRIES,
        http: httpx2.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.server = checked_server(server, insecure_http=insecure_http)
        self._timeout_s = timeout_s
        self._tries = tries
        self._sleep = sleep
        self._client = http or httpx2.Client(follow_redirects=False)  # which would take the key elsewhere
        self._headers = {"User-Agent": f"imagestore/{__version__}"}
        if key is not None:
            if not _KEY.fullmatch(key.strip()):
                raise SettingsError("The key holds characters that no key has. Was it copied whole, and nothing else?")
            self._headers["Authorization"] = f"Bearer {key.strip()}"
        self._takes_keys = False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        params: Parameters | None = None,
        *,
        body: Parameters | None = None,
        content: Callable[[], Any] | None = None,
        files: Callable[[], Any] | None = None,
        wait_s: float = 0,
        once: bool = False,
    ) -> httpx2.Response:
        """The answer to a request, if it is a success. `path` is below /api/v1; parameters that are None are left out.

        `content` makes the body anew for each attempt, `files` a form with them; such a request may be repeated as it
        is, unless it is to be done `once`. All attempts of any other one that changes something carry the same
        idempotency key, so that it is done once. Where its answer is lost, it is repeated only at a server that takes
        keys. Raises RemoteError.
        """
        is_secret = method == "POST" and _SECRET_ANSWER.fullmatch(path) is not None
        takes_key = method not in _SAFE and not is_secret and (once or (content is None and files is None))
        needs_key = takes_key and method not in _SAME_IF_REPEATED
        headers = self._headers | {_KEY_HEADER: f'"{uuid.uuid4()}"'} if takes_key else self._headers
        attempt, waited_s = 1, 0.0
        while True:
            pause_s = _FIRST_PAUSE_S * 2 ** (attempt - 1)
            is_at_work = False
            try:
                response = self._client.request(
                    method,
                    self.server + PREFIX + path,
                    params={name: _text(value) for name, value in (params or {}).items() if value is not None},
                    json=body,
                    content=content() if content is not None else None,
                    files=files() if files is not None else None,
                    headers=headers,
                    follow_redirects=False,
                    extensions={
                        "timeout": httpx2.Timeout(self._timeout_s + wait_s, connect=CONNECT_TIMEOUT_S).as_dict()
                    },
                )
            except httpx2.TransportError as error:
                was_sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
                problem: RemoteError = _not_reached(self.server, error)
                may_repeat = not was_sent or self._may_repeat(needs_key, is_secret)
                if _certificate_error(error) is not None or not may_repeat:
                    raise problem from None
            else:
                self._takes_keys |= _TAKES_KEYS_HEADER in response.headers
                if response.is_success:
                    return response
                refused = _problem(self.server, response)
                problem, is_at_work = refused, refused.code == _AT_WORK
                is_ours = response.headers.get("content-type", "").startswith(_PROBLEM)
                is_lost = response.status_code in _GATEWAY and not is_ours
                may_repeat = response.status_code in _LATER or is_at_work
                if not may_repeat and not (is_lost and self._may_repeat(needs_key, is_secret)):
                    raise problem
                pause_s = told_pause_s(response.headers.get("retry-after"), pause_s)
            if is_at_work:  # an earlier attempt: it is waited for, and this one does not count
                waited_s += max(pause_s, _FIRST_PAUSE_S)
            else:
                attempt += 1
            if attempt > self._tries or pause_s > LONGEST_PAUSE_S or waited_s > _LONGEST_WORK_S:
                raise problem from None
            self._sleep(pause_s)

    def _may_repeat(self, needs_key: bool, is_secret: bool) -> bool:
        """Whether a request whose answer was lost may be sent again. A server of which nothing is known yet is asked
        whether it takes keys."""
        if needs_key and not self._takes_keys and self._tries > 1:
            with contextlib.suppress(RemoteError):
                self.send("GET", "/health/live")
        return not is_secret and (self._takes_keys or not needs_key)

    def ask(
        self,
        kind: type[Answer],
        method: str,
        path: str,
        params: Parameters | None = None,
        body: Parameters | None = None,
    ) -> Answer:
        """What the server answers to this request. Raises RemoteError."""
        return self.read(kind, self.send(method, path, params, body=body))

    def get(self, kind: type[Answer], path: str, params: Parameters | None = None) -> Answer:
        """What the server says at this path. Raises RemoteError."""
        return self.read(kind, self.send("GET", path, params))

    def get_or_none(self, kind: type[Answer], path: str) -> Answer | None:
        """What the server says at this path, None if it says null. Raises RemoteError."""
        response = self.send("GET", path)
        return None if response.content.strip() == b"null" else self.read(kind, response)

    def read(self, kind: type[Answer], response: httpx2.Response) -> Answer:
        """The answer as this type. Raises RemoteError if it is none."""
        try:
            return decode(response.content, kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise RemoteError(
                f"{self.server} does not answer as Intelligent Storage does. Is the address right, and no older than "
                "this program?"
            ) from None


def _text(value: Any) -> Any:
    """A parameter as the API reads it."""
    return str(value).lower() if isinstance(value, bool) else value


def _not_reached(server: str, error: httpx2.TransportError) -> NotReached:
    if (untrusted := _certificate_error(error)) is not None:
        return NotReached(
            f"The certificate of {server} is not trusted: {untrusted.rstrip('.')}. Nothing was sent. If its issuer is "
            "yours, install that issuer's certificate on this machine, or name its file in SSL_CERT_FILE."
        )
    if isinstance(error, httpx2.TimeoutException):
        return NotReached(f"{server} did not answer in time. Try again, or look whether it is well.")
    said = str(error).rstrip(".")
    return NotReached(
        f"{server} was not reached{f': {said}' if said else ''}. Is the address right, and is it running?"
    )


def _certificate_error(error: BaseException) -> str | None:
    """Why the server's certificate is not trusted; None if that is not the fault."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message or str(seen)
        seen = seen.__cause__ or seen.__context__
    return "it cannot be verified" if "CERTIFICATE_VERIFY_FAILED" in str(error) else None


def _problem(server: str, response: httpx2.Response) -> RequestRefused:
    status = response.status_code
    if response.is_redirect:
        to = response.headers.get("location", "elsewhere")[:200]
        return RequestRefused(f"{server} refers to {to}. Give that as the server's address if it is right.", status, "")
    said: dict[str, Any] = {}
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        said = decode(response.content, dict[str, Any])
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "an unknown status"
    detail = said.get("detail") or f"{server} answers with {status} ({phrase}), and says no more."
    code = str(said.get("code", ""))
    match status:
        case 401:
            return KeyRefused(f"{detail}", status, code)
        case 403 if "needed" in said:
            return RoleNeeded(f"{detail}", status, code, str(said["needed"]))
        case 404 if said:
            return NotThere(f"{detail}", status, code)
    return RequestRefused(f"{detail}", status, code)
