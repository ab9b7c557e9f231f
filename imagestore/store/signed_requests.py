"""Asks a container of blobs for what obstore cannot ask: a blob's properties with the number of its tags, and its tags.

As in store/object_store.py only a plain answer counts. A request is sent once, or once more on a new connection if one
that was kept breaks: all that is asked here may be asked twice.
"""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from azure.core.exceptions import ClientAuthenticationError

from imagestore.store.kept_connections import Answer, KeptConnections, Timeouts

SCOPE = "https://storage.azure.com/.default"
_TIMEOUTS = Timeouts(connect_s=10, read_s=30)
_EARLY_S = 300
"""A token is asked for again so long before it expires."""
_FAILED_S = 10.0
"""So long no token is asked for after none was given: that may take seconds, which all threads would wait in turn."""
Sign = Callable[[str, str, str, Mapping[str, str]], str]
"""From the method, the path with its query, the length of the body as text ("" for none) and all headers to the header
`Authorization`."""


class Credential(Protocol):
    """An identity of azure-identity."""

    def get_token(self, *scopes: str) -> Any:
        """A token, with `token` and `expires_on`."""


class SignedRequests:
    """Requests to the blobs of one container. Threads may share it."""

    def __init__(self, container_url: str, api_version: str, sign: Sign) -> None:
        parts = urlsplit(container_url)
        self._origin, self._path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        self._api_version = api_version
        self._sign = sign
        self._connections = KeptConnections()

    def properties(self, name: str) -> Answer:
        """The answer to HEAD. Raises as KeptConnections.ask."""
        return self._ask("HEAD", name, "", {}, None)

    def tags(self, name: str) -> Answer:
        """The answer to Get Blob Tags; `tags_in` reads it. Raises as KeptConnections.ask."""
        return self._ask("GET", name, "comp=tags", {}, None)

    def set_tags(self, name: str, tags: Mapping[str, str], etag: str) -> Answer:
        """The answer to Set Blob Tags on this version (ETag in quotes). Raises as KeptConnections.ask."""
        return self._ask("PUT", name, "comp=tags", {"x-ms-blob-if-match": etag}, _as_xml(tags))

    def _ask(self, method: str, name: str, query: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        target = f"{self._path}/{quote(name, safe='/~')}" + (f"?{query}" if query else "")
        headers = {
            **headers,
            "x-ms-date": formatdate(usegmt=True),
            "x-ms-version": self._api_version,
            "Accept": "application/xml",
        }
        if body is not None:
            headers["Content-Type"] = "application/xml"
        headers["Authorization"] = self._sign(method, target, str(len(body)) if body else "", headers)
        answer = self._connections.ask(method, self._origin + target, headers, body, _TIMEOUTS, may_repeat=True)
        if answer.status == HTTPStatus.UNAUTHORIZED and isinstance(self._sign, ByIdentity):
            self._sign.forget(headers["Authorization"])
        return answer


def by_key(account: str, key: str) -> Sign:
    """Sign with an account's key: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key."""
    secret = base64.b64decode(key)

    def sign(method: str, target: str, length: str, headers: Mapping[str, str]) -> str:
        path, _, query = target.partition("?")
        of_ours = sorted((name, value) for name, value in headers.items() if name.startswith("x-ms-"))
        lines = [
            method, "", "", length, "", headers.get("Content-Type", ""), *[""] * 6,
            *(f"{name}:{value}" for name, value in of_ours),
            f"/{account}{path}",
            *(part.replace("=", ":", 1) for part in sorted(query.split("&")) if part),
        ]  # fmt: skip
        signature = hmac.digest(secret, "\n".join(lines).encode(), hashlib.sha256)
        return f"SharedKey {account}:{base64.b64encode(signature).decode()}"

    return sign


class ByIdentity:
    """Signs in with a token, which is kept while it is valid. A Sign that threads may share."""

    def __init__(self, credential: Credential, clock: Callable[[], float] = time.time) -> None:
        self._credential = credential
        self._clock = clock
        self._lock = threading.Lock()
        self._token, self._expires = "", 0.0
        self._failed: tuple[float, str] | None = None

    def __call__(self, method: str, target: str, length: str, headers: Mapping[str, str]) -> str:
        """The header `Authorization`. Raises as the credential does, or ClientAuthenticationError without asking it if
        it failed in the last _FAILED_S."""
        if self._clock() >= self._expires - _EARLY_S:
            with self._lock:  # those who waited find what the first of them was told
                if self._clock() >= self._expires - _EARLY_S:
                    self._renew()
        return f"Bearer {self._token}"

    def forget(self, authorization: str) -> None:
        """The service refused this header: another token is asked for, if this one is still kept."""
        with self._lock:
            if authorization == f"Bearer {self._token}":
                self._expires = 0.0

    def _renew(self) -> None:
        now = self._clock()
        is_valid = now < self._expires
        if self._failed is not None and 0 <= now - self._failed[0] < _FAILED_S:
            if is_valid:
                return
            raise ClientAuthenticationError(
                f"No token for Azure Storage: {self._failed[1]} {now - self._failed[0]:.0f} s ago. One is asked for "
                f"again {_FAILED_S:g} s after that."
            )
        try:
            given = self._credential.get_token(SCOPE)
        except Exception as error:
            self._failed = self._clock(), type(error).__name__
            if is_valid:
                return
            raise
        self._failed = None
        self._token, self._expires = given.token, float(given.expires_on)


def tags_in(xml: bytes) -> dict[str, str]:
    """The tags that Get Blob Tags tells. Raises ElementTree.ParseError if this is no such answer."""
    tags = ElementTree.fromstring(xml).iter("Tag")
    return {tag.findtext("Key", ""): tag.findtext("Value", "") for tag in tags}


def _as_xml(tags: Mapping[str, str]) -> bytes:
    inner = "".join(f"<Tag><Key>{escape(key)}</Key><Value>{escape(value)}</Value></Tag>" for key, value in tags.items())
    return f"<?xml version='1.0' encoding='utf-8'?>\n<Tags><TagSet>{inner}</TagSet></Tags>".encode()
