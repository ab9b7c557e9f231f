"""Blobs by obstore and by Microsoft's SDK: the same answers, the same errors, and the SDK has the last word."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from obstore.store import AzureStore

from imagestore.errors import (
    BlobArchived,
    BlobImmutable,
    BlobLeased,
    Conflict,
    NotFound,
    StoreError,
    Unavailable,
)
from imagestore.settings import ROOT
from imagestore.store import Blobs, object_store
from imagestore.store.object_store import MOST_WRITTEN_BYTES, REST_S, ObjectStore, is_plain, object_store_of
from unit.store.blob_service import ETAG, Answer, Service

PICTURE = "our holiday.jpg"


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


def direct(service: Service) -> ObjectStore:
    made = object_store_of(service.client(), "uploads", {})
    assert made
    return made


def blobs(service: Service, is_direct: bool, store: ObjectStore | None = None) -> Blobs:
    client = service.client().get_container_client("uploads")
    return Blobs(client, object_store=(store or direct(service)) if is_direct else None)


def get(one: Blobs) -> object:
    return one.get(PICTURE)


def overwrite(one: Blobs) -> object:
    return one.overwrite(PICTURE, b"x", "image/jpeg")


def create(one: Blobs) -> object:
    return one.put(PICTURE, b"x", "image/jpeg", None)


def replace(one: Blobs) -> object:
    return one.put(PICTURE, b"x", "image/jpeg", ETAG)


@pytest.mark.parametrize("is_direct", [True, False])
@pytest.mark.parametrize("call", [get, overwrite, create, replace])
@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "ContainerNotFound", Unavailable),
        (409, "ContainerBeingDeleted", Unavailable),
        (409, "BlobAlreadyExists", Conflict),
        (412, "ConditionNotMet", Conflict),
        (409, "BlobArchived", BlobArchived),
        (412, "LeaseIdMissing", BlobLeased),
        (409, "BlobImmutableDueToPolicy", BlobImmutable),
        (403, "AuthorizationFailure", Unavailable),
        (401, "InvalidAuthenticationInfo", Unavailable),
        (400, "InvalidHeaderValue", StoreError),
        (413, "RequestBodyTooLarge", StoreError),
        (409, "OfWhichNobodyHasHeard", StoreError),
        (409, "", Conflict),
        (412, "", Conflict),
        (429, "", Unavailable),
        (500, "InternalError", Unavailable),
        (503, "ServerBusy", Unavailable),
    ],
)
def test_both_raise_the_same(
    service: Service,
    is_direct: bool,
    call: Callable[[Blobs], object],
    status: int,
    code: str,
    expected: type[StoreError],
) -> None:
    service.answers = [Answer(status, code) for _ in range(2)]
    with pytest.raises(StoreError) as caught:
        call(blobs(service, is_direct))
    assert type(caught.value) is expected
    assert code in str(caught.value) or code == "ConditionNotMet"  # the SDK calls it otherwise when a blob is created
    assert PICTURE not in f"{caught.value}{caught.value.__cause__}"
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("is_direct", [True, False])
def test_a_blob_that_is_not_there(service: Service, is_direct: bool) -> None:
    service.answers = [Answer(404, "BlobNotFound")]
    with pytest.raises(NotFound, match=r"^reading from uploads: BlobNotFound \(404\)$"):
        get(blobs(service, is_direct))
    assert service.askers == ["obstore" if is_direct else "SDK"]


@pytest.mark.parametrize("is_direct", [True, False])
def test_one_to_replace_that_is_gone_is_a_conflict(service: Service, is_direct: bool) -> None:
    service.answers = [Answer(404, "BlobNotFound") for _ in range(2)]
    with pytest.raises(Conflict, match="the blob is gone"):
        replace(blobs(service, is_direct))


@pytest.mark.parametrize(
    ("call", "condition"),
    [
        (overwrite, {}),
        (create, {"if-none-match": "*"}),
        (replace, {"if-match": f'"{ETAG}"'}),
    ],
)
def test_a_write_says_under_which_condition(
    service: Service, call: Callable[[Blobs], object], condition: dict[str, str]
) -> None:
    assert call(blobs(service, True)) == ETAG
    method, path, headers = service.requests[0]
    assert (method, path) == ("PUT", "/account/uploads/our%20holiday.jpg")
    assert {key: value for key, value in headers.items() if key.startswith("if-")} == condition
    assert (headers["x-ms-blob-type"], headers["x-ms-blob-content-type"]) == ("BlockBlob", "image/jpeg")
    assert service.askers == ["obstore"]


@pytest.mark.parametrize("is_direct", [True, False])
def test_the_answer_to_a_write_tells_whether_versions_are_kept(service: Service, is_direct: bool) -> None:
    one = blobs(service, is_direct)
    overwrite(one)
    assert not one.keeps_versions
    service.answers = [Answer(headers={"x-ms-version-id": "2026-11-25T09:00:00.0000000Z"})]
    overwrite(one)
    assert one.keeps_versions


def test_what_forbids_a_change_forbids_it_before_any_call(service: Service) -> None:
    def forbidden() -> None:
        raise PermissionError

    one = Blobs(service.client().get_container_client("uploads"), forbidden, direct(service))
    with pytest.raises(PermissionError):
        overwrite(one)
    assert service.askers == []


def test_a_large_one_is_not_read(service: Service) -> None:
    service.answers = [Answer(data=b"x" * 2**24)]
    found = blobs(service, True).get(PICTURE, max_bytes=2**24 - 1)
    assert (found.data, found.size_bytes) == (None, 2**24)
    assert service.askers == ["obstore"]


@pytest.mark.parametrize("answer", [Answer(503, "ServerBusy"), Answer(500), Answer(429, "TooManyRequests")])
def test_a_service_that_fails_is_asked_by_the_sdk_alone_for_a_while(service: Service, answer: Answer) -> None:
    """Which waits between its tries, so that a service that is asked too much is not asked more."""
    service.answers = [answer, Answer(), Answer()]
    one = blobs(service, True)
    assert one.get(PICTURE).data == b"picture"
    assert overwrite(one) == ETAG
    assert service.askers == ["obstore", "SDK", "SDK"]


def test_one_archived_blob_leaves_the_others_as_they_were(service: Service) -> None:
    service.answers = [Answer(409, "BlobArchived"), Answer(409, "BlobArchived"), Answer()]
    one = blobs(service, True)
    with pytest.raises(BlobArchived):
        one.get(PICTURE)
    assert overwrite(one) == ETAG
    assert service.askers == ["obstore", "SDK", "obstore"]


@pytest.mark.parametrize("call", [get, create])
def test_without_an_answer_only_the_sdk_is_used_for_a_while(service: Service, call: Callable[[Blobs], object]) -> None:
    """Where one of the two cannot connect, or the service hangs, not each call waits twice."""
    now, released = [1000.0], threading.Event()
    client = service.client()
    impatient = AzureStore(
        "uploads",
        config={"account_name": "account", "endpoint": client.url.rstrip("/"), "account_key": "a2V5"},
        client_options={"allow_http": True, "read_timeout": "100ms"},
        retry_config={"max_retries": 0},
    )
    one = blobs(service, True, ObjectStore(impatient, "uploads", lambda: now[0]))
    service.answers = [Answer(waits_for=released)]
    call(one)
    now[0] += REST_S - 1
    call(one)
    now[0] += 1
    call(one)
    released.set()
    assert service.askers == ["obstore", "SDK", "SDK", "obstore"]


def test_half_an_answer_is_none(service: Service) -> None:
    service.answers = [Answer(sent=3)]
    assert blobs(service, True).get(PICTURE).data == b"picture"
    assert service.askers == ["obstore", "SDK"]


def test_a_service_that_is_away_is_unavailable(service: Service) -> None:
    one = blobs(service, True)
    service.close()
    for call in (get, overwrite, create, replace):
        with pytest.raises(Unavailable) as caught:
            call(one)
        assert PICTURE not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "", "/", "/a", "a/", "a//b", "a\\b", "a\nb", "a\tb", "a\x7fb", "a%2Fb", "a%", "a*b", "a?b", "a#b", "a+b", "a&b",
        "a;b", "a[b]", "a|b", "a^b", "a`b", "a{b}", '"a"', "<Code>BlobNotFound</Code>", "a:b", "..", "a/../b", "a/.",
        "a\u0085b", "a\u200bb", "a\u2028b", "\ud800", "a\ufeff", "\U000e0001", "\ue000",
    ],
)  # fmt: skip
def test_the_sdk_alone_is_asked_for_names_that_obstore_may_not_hold_exactly(service: Service, name: str) -> None:
    assert not is_plain(name)
    with contextlib.suppress(StoreError, ValueError):  # the SDK refuses an empty one, and ours what leads elsewhere
        blobs(service, True).get(name)
    with contextlib.suppress(StoreError, ValueError):
        blobs(service, True).overwrite(name, b"", "image/png")
    assert "obstore" not in service.askers


@pytest.mark.parametrize(
    "name", ["a.jpg", "a b/c d.jpg", "ü", "日本/写真.jpg", "😀.png", ".hidden", "a..b", "~a-b_c", " "]
)
def test_both_send_a_plain_name_in_the_same_bytes(service: Service, name: str) -> None:
    for is_direct in (True, False):
        one = blobs(service, is_direct)
        one.get(name)
        one.overwrite(name, b"", "image/png")
    assert service.askers == ["obstore", "obstore", "SDK", "SDK"]
    assert len({path for _, path, _ in service.requests}) == 1


@pytest.mark.parametrize(
    ("data", "content_type", "replacing", "metadata"),
    [
        (b"x" * (MOST_WRITTEN_BYTES + 1), "image/png", None, None),
        (b"x", "", None, None),
        (b"x", "image/png", 'a"b', None),
        (b"x", "image/png", "", None),
        (b"x", "image/png", None, {"Upper": "x"}),
        (b"x", "image/png", None, {"a": ""}),
        (b"x", "image/png", None, {"a": "two  blanks"}),
    ],
)
def test_what_obstore_would_write_otherwise_is_written_by_the_sdk(
    service: Service, data: bytes, content_type: str, replacing: str | None, metadata: dict[str, str] | None
) -> None:
    blobs(service, True).put(PICTURE, data, content_type, replacing, metadata)
    assert set(service.askers) == {"SDK"}


def test_what_the_sdk_would_decode_is_read_by_it(service: Service) -> None:
    service.answers = [Answer(headers={"Content-Encoding": "identity"})]
    assert blobs(service, True).get(PICTURE).data == b"picture"
    assert service.askers == ["obstore", "SDK"]


def test_metadata_and_type_come_with_the_blob(service: Service) -> None:
    service.answers = [Answer(headers={"x-ms-meta-traceparent": "00-1", "Content-Type": "image/png"})] * 2
    assert blobs(service, True).get(PICTURE) == blobs(service, False).get(PICTURE)
    assert service.askers == ["obstore", "SDK"]


def test_variables_of_other_programs_lead_nowhere_else(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AZURE_STORAGE_USE_EMULATOR": "true", "AZURE_SKIP_SIGNATURE": "true", "AZURE_STORAGE_TOKEN": "another",
        "AZURE_STORAGE_ACCOUNT_KEY": "b3RoZXI=", "AZURE_CREDENTIAL_TYPE": "bearer_token",
        "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:1", "AZURE_STORAGE_ACCOUNT_NAME": "another",
        "AZURE_PROXY_URL": "http://127.0.0.1:1", "AZURE_CONTAINER_NAME": "another", "AZURE_CLIENT_ID": "another",
        "AZURE_USE_FABRIC_ENDPOINT": "true", "AZURE_STORAGE_SAS_KEY": "sig=x",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    get(blobs(service, True))
    (_, path, headers), asker = service.requests[0], service.askers[0]
    assert (asker, path) == ("obstore", "/account/uploads/our%20holiday.jpg")
    assert headers["authorization"].startswith("SharedKey account:")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_with_a_proxy_or_certificates_of_ones_own_the_sdk_is_used(service: Service, name: str) -> None:
    secure = BlobServiceClient("https://account.blob.core.windows.net", {"account_name": "a", "account_key": "a2V5"})
    assert object_store_of(secure, "uploads", {name: ""})
    assert object_store_of(secure, "uploads", {name: "given"}) is None
    without_tls = object_store_of(service.client(), "uploads", {name: "given"})
    assert (without_tls is None) is ("proxy" in name.lower())  # certificates are TLS's


def test_with_a_shared_access_signature_the_sdk_is_used() -> None:
    for client in (
        BlobServiceClient("https://account.blob.core.windows.net?sv=2026&sig=x"),
        BlobServiceClient.from_connection_string(
            "BlobEndpoint=https://account.blob.core.windows.net;SharedAccessSignature=sv=2026&sig=x"
        ),
    ):
        assert object_store_of(client, "uploads", {}) is None


def test_an_identity_sends_no_token_without_tls() -> None:
    credential: Any = SimpleNamespace(get_token=lambda *_, **__: None)
    client = BlobServiceClient("https://account.blob.core.windows.net", credential)
    assert object_store_of(client, "uploads", {})
    bare: Any = SimpleNamespace(credential=credential, account_name="account", url="http://127.0.0.1/account/")
    assert object_store_of(bare, "uploads", {}) is None


def test_without_obstore_the_sdk_is_used(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    assert object_store_of(service.client(), "uploads", {}) is None


@pytest.mark.parametrize(("lasts_s", "asked"), [(3600, 1), (200, 3)])
def test_an_identitys_token_is_kept_until_it_is_about_to_expire(service: Service, lasts_s: int, asked: int) -> None:
    scopes: list[str] = []

    def get_token(scope: str, **_: object) -> SimpleNamespace:
        scopes.append(scope)
        return SimpleNamespace(token=f"t{len(scopes)}", expires_on=int(time.time()) + lasts_s)

    credential: Any = SimpleNamespace(get_token=get_token)
    sign_in = object_store._signing_in(BlobServiceClient("https://account.blob.core.windows.net", credential))
    store = AzureStore(
        "uploads",
        config={"account_name": "account", "endpoint": service.client().url.rstrip("/")},
        client_options={"allow_http": True},
        credential_provider=sign_in,
    )
    for _ in range(3):
        assert ObjectStore(store, "uploads").get(PICTURE, None)
        threading.Event().wait(0.15)  # obstore asks at most every 100 ms
    assert scopes == ["https://storage.azure.com/.default"] * asked
    assert service.requests[-1][2]["authorization"] == f"Bearer t{asked}"


def test_an_identity_that_gets_no_token_leaves_the_error_to_the_sdk() -> None:
    def get_token(*_: object, **__: object) -> None:
        raise ValueError("a secret of the credential's")

    credential: Any = SimpleNamespace(get_token=get_token)
    made = object_store_of(BlobServiceClient("https://account.blob.core.windows.net", credential), "uploads", {})
    assert made
    assert made.get(PICTURE, None) is None


def test_many_threads_share_one(service: Service) -> None:
    one = blobs(service, True)
    found: list[bytes | None] = []

    def work() -> None:
        for _ in range(10):
            overwrite(one)
            found.append(one.get(PICTURE).data)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"picture"] * 160
    assert set(service.askers) == {"obstore"}


def test_a_forked_process_uses_the_sdk(service: Service) -> None:
    """The threads that obstore works with are not in it: a call would never end."""
    program = (
        "import os, sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from azure.storage.blob import BlobServiceClient\n"
        "from imagestore.store.object_store import object_store_of\n"
        "made = object_store_of(BlobServiceClient.from_connection_string(sys.argv[1]), 'uploads', {})\n"
        "assert made.get('a.jpg', None)\n"
        "child = os.fork()\n"
        "if not child: os._exit(0 if made.get('a.jpg', None) is None else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    subprocess.run([sys.executable, "-c", program, service.string], check=True, cwd=ROOT, timeout=60)
    assert service.askers == ["obstore"]
