"""Reads and writes blobs by obstore, which takes a tenth of the CPU that Microsoft's SDK takes for a call, and looks at
and tags them by requests of our own, which take a sixth of it.

A call is tried here once. Only a plain answer counts: the blob, the ETag of what was written, that there is no such
blob, or that another writer was first. Anything else (no answer, a refusal, an answer that is not understood) is no
answer here, and `Blobs` asks again through Microsoft's SDK, whose retries, errors and metrics are then the ones that
count. So is whatever this cannot hold exactly: see `_PLAIN_NAME` and below.
"""

import base64
import io
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.client import NotConnected
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient

from imagestore.errors import Conflict, NotFound
from imagestore.store.blobs import Blob, BlobState, bare, quoted
from imagestore.store.failures import CONFLICTS
from imagestore.store.kept_connections import Answer, are_plain
from imagestore.store.signed_requests import SCOPE, ByIdentity, Sign, SignedRequests, by_key, tags_in

if TYPE_CHECKING:
    from obstore import Attributes, GetResult, PutMode
    from obstore.store import AzureCredential, AzureStore

MOST_WRITTEN_BYTES = 2**20
"""Larger ones are left to the SDK: obstore's read timeout includes sending, so that a slow line would need 35 kB/s."""
_PIECE_BYTES = 2**20
REST_S = 30.0
"""So long nothing is tried here after a call got no answer or was refused: where obstore cannot get through and the SDK
can, as with a certificate that only one of them trusts, or while the service hangs, few calls are made twice."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 ._~\-\x80-\U0010ffff]+(/[A-Za-z0-9 ._~\-\x80-\U0010ffff]+)*")
"""Names that both send in the same bytes. obstore refuses an empty part of a path, takes a slash at either end off,
and leaves some of the other characters as they are where the SDK encodes them."""
_PLAIN_TYPE = re.compile(r"[!-~]+(; [!-~]+)*")
_PLAIN_KEY = re.compile(r"[a-z_][a-z0-9_]*")
"""obstore writes keys of metadata in lower case."""
_PLAIN_VALUE = re.compile(r"[!-~]+( [!-~]+)*")
_PLAIN_ETAG = re.compile(r"[!#-~]+")
_NO_METADATA = {
    "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Storage-Class",
}  # fmt: skip
_ANSWER = re.compile(r'status: (\d{3}),\s+body: (?:None|Some\(\s+"((?:[^"\\]|\\.)*)")')
"""In what obstore says for programmers. A name that `is_plain` lets pass cannot look like it."""
_CODE = re.compile(r"<Code>(\w+)</Code>")
_ERROR_CODE = "x-ms-error-code"
_log = logging.getLogger("imagestore.object_store")
_forked = False


def _after_fork() -> None:
    global _forked
    _forked = True  # the threads that obstore works with are not in this process


os.register_at_fork(after_in_child=_after_fork)


class Written(NamedTuple):
    """The ETag of what was written, and whether the answer told that the account keeps versions."""

    etag: str
    keeps_versions: bool


class ObjectStore:
    """The blobs of one container. All ETags are without quotes. Threads may share it."""

    def __init__(
        self,
        store: "AzureStore",
        container: str,
        clock: Callable[[], float] = time.monotonic,
        requests: SignedRequests | None = None,
    ) -> None:
        import obstore

        self._api = obstore
        self._store = store
        self._requests = requests
        self._container = container
        self._clock = clock
        self._rests_until = 0.0

    def get(self, name: str, max_bytes: int | None) -> Blob | None:
        """The blob, without its content if it has more than `max_bytes`; None: ask the SDK. Raises NotFound."""
        if not self._takes(name):
            return None
        try:
            result = self._api.get(self._store, name)
            meta, attributes = result.meta, result.attributes
            size = meta["size"]
            if "Content-Encoding" in attributes:  # the SDK decodes it
                return None
            data = None if max_bytes is not None and size > max_bytes else _content(result, size)
        except FileNotFoundError as error:
            if code_in(error) == (404, "BlobNotFound"):
                raise NotFound(f"reading from {self._container}: BlobNotFound (404)") from None
            return None
        except (self._api.exceptions.AlreadyExistsError, self._api.exceptions.PreconditionError):
            return None  # of this blob alone, such as one in the archive
        except (self._api.exceptions.BaseError, OSError, ValueError) as error:
            self._note(error)
            return None
        if data is not None and len(data) != size:
            return None
        return Blob(
            etag=bare(meta["e_tag"]),
            size_bytes=size,
            content_type=attributes.get("Content-Type"),
            last_modified=meta["last_modified"],
            data=data,
            metadata={key: value for key, value in attributes.items() if key not in _NO_METADATA},
        )

    def put(
        self,
        name: str,
        data: bytes,
        content_type: str,
        metadata: Mapping[str, str],
        *,
        replacing: str | None,
        overwrite: bool,
    ) -> Written | None:
        """Write a blob over any or, unless `overwrite`, as `Blobs.put` does; None: ask the SDK, whether or not it is
        written already. Raises Conflict.
        """
        is_plain = (
            len(data) <= MOST_WRITTEN_BYTES
            and (replacing is None or _PLAIN_ETAG.fullmatch(replacing))
            and _PLAIN_TYPE.fullmatch(content_type)
            and all(_PLAIN_KEY.fullmatch(key) and _PLAIN_VALUE.fullmatch(value) for key, value in metadata.items())
        )
        if not is_plain or not self._takes(name):
            return None
        attributes: Attributes = {"Content-Type": content_type, **metadata}
        mode: PutMode = "overwrite" if overwrite else "create" if replacing is None else {"e_tag": quoted(replacing)}
        try:
            written = self._api.put(self._store, name, data, attributes=attributes, mode=mode, use_multipart=False)
        except (self._api.exceptions.AlreadyExistsError, self._api.exceptions.PreconditionError) as error:
            status, code = code_in(error)
            if code in CONFLICTS:
                raise Conflict(f"writing to {self._container}: {code} ({status})") from None
            return None
        except (self._api.exceptions.BaseError, OSError, ValueError) as error:
            self._note(error)
            return None
        return Written(bare(written["e_tag"]), bool(written["version"])) if written["e_tag"] else None

    def stat(self, name: str) -> BlobState | None:
        """The blob without its content; None: ask the SDK. Raises NotFound."""
        answer = self._asked(name, lambda requests: requests.properties(name))
        if answer is None:
            return None
        etag, md5, size = (answer.header(key) for key in ("ETag", "Content-MD5", "Content-Length"))
        if answer.status == 404 and answer.header(_ERROR_CODE) == "BlobNotFound":
            raise NotFound(f"looking into {self._container}: BlobNotFound (404)")
        if answer.status != 200 or not etag or size is None:
            return None
        has_tags = int(answer.header("x-ms-tag-count") or 0) > 0
        return BlobState(bare(etag), int(size), has_tags, base64.b64decode(md5) if md5 else None)

    def tags(self, name: str) -> dict[str, str] | None:
        """The tags of the blob; None: ask the SDK."""
        answer = self._asked(name, lambda requests: requests.tags(name))
        try:
            return None if answer is None or answer.status != 200 else tags_in(answer.body)
        except ElementTree.ParseError:
            return None

    def set_tags(self, name: str, tags: Mapping[str, str], etag: str) -> bool:
        """Set these tags, and no others, on this version. False: ask the SDK, whether or not they are set already."""
        answer = self._asked(name, lambda requests: requests.set_tags(name, tags, quoted(etag)))
        return answer is not None and answer.status == 204

    def _asked(self, name: str, ask: Callable[[SignedRequests], Answer]) -> Answer | None:
        if self._requests is None or not self._takes(name):
            return None
        try:
            answer = ask(self._requests)
        except (NotConnected, OSError, AzureError):
            self._rest_after(None, "")
            return None
        if answer.status >= 400:
            self._rest_after(answer.status, answer.header(_ERROR_CODE) or "")
        return answer

    def _takes(self, name: str) -> bool:
        return not _forked and self._clock() >= self._rests_until and is_plain(name)

    def _note(self, error: Exception) -> None:
        self._rest_after(*code_in(error))

    def _rest_after(self, status: int | None, code: str) -> None:
        if status is None or status in (401, 403, 429) or status >= 500:
            self._rests_until = self._clock() + REST_S
            reason = f"{code} ({status})" if status else "no answer"
            _log.info("%s, asked directly: %s; for %g s only Microsoft's SDK is used", self._container, reason, REST_S)


def object_store_of(service: BlobServiceClient, container: str, environ: Mapping[str, str]) -> ObjectStore | None:
    """A container of the account that the SDK's client reaches, by the same address and with the same key or identity.

    None where only the SDK can reach it as it does: with a shared access signature, by an identity without TLS, through
    a proxy, with certificates that a variable names, or without obstore. No service is called yet.
    """
    account, has_tls = service.account_name, service.url.startswith("https://")
    if not are_plain(environ, has_tls=has_tls) or not account:
        return None
    sign_in, sign = _signing_in(service), _signing(service, account)
    if sign_in is None or sign is None or not (has_tls or hasattr(service.credential, "account_key")):
        return None
    try:
        from obstore.exceptions import BaseError
        from obstore.store import AzureStore
    except ImportError:
        return None
    try:
        store = AzureStore(
            container,
            config={
                "account_name": account,
                "endpoint": service.url.rstrip("/"),
                "use_emulator": False,  # these four would else be taken from variables AZURE_*
                "use_fabric_endpoint": False,
                "skip_signature": False,
                "credential_type": "auto",
            },
            client_options={
                "allow_http": not has_tls,
                "connect_timeout": "10s",
                "read_timeout": "30s",
                "timeout": "1h",
            },
            retry_config={"max_retries": 0},
            credential_provider=sign_in,
        )
    except (BaseError, ValueError):
        return None
    url = service.get_container_client(container).url
    return ObjectStore(store, container, requests=SignedRequests(url, service.api_version, sign))


def is_plain(name: str) -> bool:
    """Whether obstore and the SDK mean the same blob by this name, whatever it is."""
    return _PLAIN_NAME.fullmatch(name) is not None and name.isprintable() and not {".", ".."} & set(name.split("/"))


def code_in(error: Exception) -> tuple[int | None, str]:
    """The HTTP status and Azure's error code in what obstore raises: (None, "") if there was no answer.

    obstore has them in its text alone, which must not be shown: it holds the blob's name and address.
    """
    found = _ANSWER.search(str(error).rpartition("Debug source:")[2])
    if found is None:
        return None, ""
    code = _CODE.search(found[2] or "")
    return int(found[1]), code[1] if code else ""


def _content(result: "GetResult", size: int) -> bytes:
    """The bytes, a large blob's piece by piece: at once they would be held twice, of which pipeline/models/memory.py
    knows nothing."""
    if size <= _PIECE_BYTES:
        return bytes(result.bytes())
    into = io.BytesIO()
    for piece in result.stream(_PIECE_BYTES):
        into.write(piece)
    return into.getvalue()  # BytesIO hands out its own buffer


def _signing_in(service: BlobServiceClient) -> "Callable[[], AzureCredential] | None":
    credential = service.credential
    if key := getattr(credential, "account_key", None):
        return lambda: {"access_key": key, "expires_at": None}
    if not hasattr(credential, "get_token"):
        return None

    def token() -> "AzureCredential":
        """obstore asks again five minutes before the token expires."""
        given = credential.get_token(SCOPE)
        return {"token": given.token, "expires_at": datetime.fromtimestamp(given.expires_on, UTC)}

    return token


def _signing(service: BlobServiceClient, account: str) -> Sign | None:
    credential = service.credential
    if key := getattr(credential, "account_key", None):
        return by_key(account, key)
    return ByIdentity(credential) if hasattr(credential, "get_token") else None
