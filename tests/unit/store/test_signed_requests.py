"""Looking at blobs and tagging them by requests of our own: as the SDK does, which has the last word."""

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from azure.storage.blob import BlobServiceClient

from imagestore.errors import Conflict, NotFound, StoreError, Unavailable
from imagestore.store import Blobs, BlobState
from imagestore.store.object_store import object_store_of
from imagestore.store.signed_requests import ByIdentity, SignedRequests
from unit.store.blob_service import ETAG, Answer, Service

PICTURE = "our holiday/ü.jpg"
TAGS = {"imagestore_etag": ETAG, "status": "classified", "label": "a & b"}
STATE = BlobState(ETAG)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


def blobs(service: Service, is_direct: bool = True) -> Blobs:
    client = service.client()
    return Blobs(
        client.get_container_client("uploads"),
        object_store=object_store_of(client, "uploads", {}) if is_direct else None,
    )


def stat(one: Blobs) -> object:
    return one.stat(PICTURE)


def tag(one: Blobs) -> object:
    return one.tag(PICTURE, TAGS, STATE)


def test_both_find_the_same(service: Service) -> None:
    headers = {"Content-MD5": "XrY7u+Ae7tCTyyK7j1rNww==", "x-ms-tag-count": "2"}
    service.answers = [Answer(headers=headers) for _ in range(2)]
    found = blobs(service).stat(PICTURE)
    assert found == blobs(service, False).stat(PICTURE)
    assert found == BlobState(ETAG, 7, has_tags=True, md5=bytes.fromhex("5eb63bbbe01eeed093cb22bb8f5acdc3"))
    assert service.askers == ["direct", "SDK"]


@pytest.mark.parametrize("call", [stat, tag])
def test_both_ask_the_same(service: Service, call: Callable[[Blobs], object]) -> None:
    for is_direct in (True, False):
        call(blobs(service, is_direct))
    (method, path, headers), (method_of_sdk, path_of_sdk, headers_of_sdk) = service.requests
    assert (method, path) == (method_of_sdk, path_of_sdk)
    for name in ("x-ms-version", "x-ms-blob-if-match", "content-length"):
        assert headers.get(name) == headers_of_sdk.get(name), name


@pytest.mark.parametrize("call", [stat, tag])
@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "ContainerNotFound", Unavailable),
        (412, "ConditionNotMet", Conflict),
        (403, "AuthorizationFailure", Unavailable),
        (400, "InvalidHeaderValue", StoreError),
        (409, "BlobTagsNotSupportedForAccountType", StoreError),
        (429, "", Unavailable),
        (500, "InternalError", Unavailable),
        (503, "ServerBusy", Unavailable),
    ],
)
def test_both_raise_the_same(
    service: Service, call: Callable[[Blobs], object], status: int, code: str, expected: type[StoreError]
) -> None:
    raised = []
    for is_direct in (True, False):
        service.answers = [Answer(status, code) for _ in range(2)]
        with pytest.raises(StoreError) as caught:
            call(blobs(service, is_direct))
        raised.append((type(caught.value), str(caught.value)))
        assert PICTURE not in f"{caught.value}{caught.value.__cause__}"
    assert raised[0] == raised[1]
    assert raised[0][0] is expected


def test_a_blob_that_is_not_there(service: Service) -> None:
    service.answers = [Answer(404, "BlobNotFound") for _ in range(3)]
    assert blobs(service).stat(PICTURE) is None
    assert service.askers == ["direct"]
    with pytest.raises(NotFound):
        tag(blobs(service))


@pytest.mark.parametrize("is_direct", [True, False])
def test_tags_that_somebody_has_set_are_kept(service: Service, is_direct: bool) -> None:
    there = "\ufeff<?xml version='1.0'?><Tags><TagSet><Tag><Key>shop</Key><Value>A+B</Value></Tag></TagSet></Tags>"
    service.answers = [Answer(data=there.encode(), headers={"Content-Type": "application/xml"})]
    blobs(service, is_direct).tag(PICTURE, TAGS, BlobState(ETAG, has_tags=True))
    assert service.askers == ["direct" if is_direct else "SDK"] * 2
    assert "<Key>shop</Key><Value>A+B</Value>" in service.bodies[-1]


def test_an_answer_that_holds_no_tags_is_none(service: Service) -> None:
    empty = Answer(data=b"<Tags><TagSet></TagSet></Tags>", headers={"Content-Type": "application/xml"})
    service.answers = [Answer(data=b"no XML"), empty]
    blobs(service).tag(PICTURE, TAGS, BlobState(ETAG, has_tags=True))
    assert service.askers == ["direct", "SDK", "direct"]


@pytest.mark.parametrize("call", [stat, tag])
def test_a_service_that_fails_is_asked_by_the_sdk_alone_for_a_while(
    service: Service, call: Callable[[Blobs], object]
) -> None:
    one = blobs(service)
    service.answers = [Answer(503, "ServerBusy")]
    call(one)
    call(one)
    assert service.askers == ["direct", "SDK", "SDK"]


def test_a_connection_that_was_closed_meanwhile_is_no_failure(service: Service) -> None:
    one = blobs(service)
    service.answers = [Answer(), Answer(sent=0), Answer()]
    for _ in range(2):
        assert one.stat(PICTURE)
    assert set(service.askers) == {"direct"}


def test_a_service_that_is_away_is_unavailable(service: Service) -> None:
    one = blobs(service)
    service.close()
    for call in (stat, tag):
        with pytest.raises(Unavailable) as caught:
            call(one)
        assert PICTURE not in str(caught.value)


def test_a_name_that_the_sdk_encodes_otherwise_is_left_to_it(service: Service) -> None:
    blobs(service).stat("a+b.jpg")
    assert service.askers == ["SDK"]


def test_a_token_is_asked_for_once_until_it_is_about_to_expire() -> None:
    now, scopes = [0.0], []

    def get_token(*asked: str) -> SimpleNamespace:
        scopes.append(asked)
        return SimpleNamespace(token=f"t{len(scopes)}", expires_on=now[0] + 3600)

    credential: Any = SimpleNamespace(get_token=get_token)
    sign = ByIdentity(credential, lambda: now[0])
    found = []
    for at in (0, 3299, 3301, 3400):
        now[0] = at
        found.append(sign("HEAD", "/a", "", {}))
    assert found == ["Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]
    assert scopes == [("https://storage.azure.com/.default",)] * 2


def test_a_token_that_was_refused_is_not_used_again(service: Service) -> None:
    given: list[str] = []

    def get_token(*_: str) -> SimpleNamespace:
        given.append(f"t{len(given) + 1}")
        return SimpleNamespace(token=given[-1], expires_on=time.time() + 3600)

    credential: Any = SimpleNamespace(get_token=get_token)
    one = SignedRequests(f"{service.url}/account/uploads", "2023-11-03", ByIdentity(credential))
    service.answers = [Answer(), Answer(401, "InvalidAuthenticationInfo"), Answer(403, "AuthorizationFailure")]
    for _ in range(4):
        one.properties(PICTURE)
    assert [headers["authorization"] for _, _, headers in service.requests] == ["Bearer t1"] * 2 + ["Bearer t2"] * 2


def test_an_identity_that_gave_no_token_is_not_asked_by_each_thread_in_turn() -> None:
    now, asked = [0.0], []

    def get_token(*_: str) -> SimpleNamespace:
        asked.append(now[0])
        if now[0] < 10:
            raise CredentialUnavailableError("a secret of the credential's")
        return SimpleNamespace(token="t", expires_on=now[0] + 3600)

    credential: Any = SimpleNamespace(get_token=get_token)
    sign = ByIdentity(credential, lambda: now[0])
    with pytest.raises(CredentialUnavailableError):
        sign("HEAD", "/a", "", {})
    now[0] = 9
    with pytest.raises(ClientAuthenticationError, match="CredentialUnavailableError 9 s ago"):
        sign("HEAD", "/a", "", {})
    now[0] = 10
    assert sign("HEAD", "/a", "", {}) == "Bearer t"
    assert asked == [0, 10]


def test_a_token_is_used_until_it_expires_if_there_is_no_other() -> None:
    now = [0.0]

    def get_token(*_: str) -> SimpleNamespace:
        if now[0]:
            raise CredentialUnavailableError("no")
        return SimpleNamespace(token="t", expires_on=3600)

    credential: Any = SimpleNamespace(get_token=get_token)
    sign = ByIdentity(credential, lambda: now[0])
    for at in (0, 3301, 3302, 3599):
        now[0] = at
        assert sign("HEAD", "/a", "", {}) == "Bearer t"
    now[0] = 3600
    with pytest.raises(ClientAuthenticationError):
        sign("HEAD", "/a", "", {})


def test_an_identity_that_gets_no_token_leaves_the_error_to_the_sdk() -> None:
    def get_token(*_: object, **__: object) -> None:
        raise ClientAuthenticationError("a secret of the credential's")

    credential: Any = SimpleNamespace(get_token=get_token)
    made = object_store_of(BlobServiceClient("https://account.blob.core.windows.net", credential), "uploads", {})
    assert made
    assert made.stat(PICTURE) is None
    assert not made.set_tags(PICTURE, TAGS, ETAG)


def test_many_threads_share_one(service: Service) -> None:
    one = blobs(service)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.extend(stat(one) for _ in range(10))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [BlobState(ETAG, 7)] * 160
    assert set(service.askers) == {"direct"}
