"""Requests to a distant web app: where it may be, how often to try, and what its problems mean."""

import contextlib
import itertools
import re
import ssl
import time
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
_REPEATABLE = {"GET", "HEAD", "PUT", "DELETE"}
_LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""The server has not done it, and says to try again."""
_GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
"""What stands before the server knows no answer: it may have been done."""
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
        wait_s: float = 0,
    ) -> httpx2.Response:
        """The answer to a request, if it is a success. `path` is below /api/v1; parameters that are None are left out.

        `content` makes the body anew for each attempt. With it, the request is one that may be repeated. Raises
        RemoteError.
        """
        may_repeat = method in _REPEATABLE or content is not None
        for attempt in itertools.count(1):
            pause_s = _FIRST_PAUSE_S * 2 ** (attempt - 1)
            try:
                response = self._client.request(
                    method,
                    self.server + PREFIX + path,
                    params={name: _text(value) for name, value in (params or {}).items() if value is not None},
                    json=body,
                    content=content() if content is not None else None,
                    headers=self._headers,
                    follow_redirects=False,
                    extensions={
                        "timeout": httpx2.Timeout(self._timeout_s + wait_s, connect=CONNECT_TIMEOUT_S).as_dict()
                    },
                )
            except httpx2.TransportError as error:
                was_sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
                problem: RemoteError = _not_reached(self.server, error)
                if _certificate_error(error) is not None or (was_sent and not may_repeat):
                    raise problem from None
            else:
                if response.is_success:
                    return response
                problem = _problem(self.server, response)
                is_ours = response.headers.get("content-type", "").startswith(_PROBLEM)
                if response.status_code not in _LATER and (
                    response.status_code not in _GATEWAY or is_ours or not may_repeat
                ):
                    raise problem
                pause_s = told_pause_s(response.headers.get("retry-after"), pause_s)
            if attempt >= self._tries or pause_s > LONGEST_PAUSE_S:
                raise problem from None
            self._sleep(pause_s)
        raise AssertionError("the attempts end")

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
