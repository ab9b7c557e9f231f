"""What Azurite answers to both ways in which blobs are read and written. BLOBS_CONTRACT, a connection string, runs it
against an account in Azure."""

import gzip
import os
import uuid
from collections.abc import Iterator

import pytest
from azure.storage.blob import ContainerClient, ContentSettings

from imagestore.errors import BlobLeased, Conflict, NotFound, Unavailable
from imagestore.store import Blobs
from imagestore.store.connect import _blob_service
from imagestore.store.connection import Connection
from imagestore.store.object_store import MOST_WRITTEN_BYTES, ObjectStore, is_plain, object_store_of

from .conftest import Pipeline

HOSTILE = (
    "a b.jpg", "a//b", "a\\b", "a%2Fb", "a%20b", "a+b", "a&b=c", "a;b", "a?b", "a#b", "a*b", "[a]", "{a}", "a|b", "^",
    "`", '"', "'", "<b>", "~a~", "a:b", "a@b", "a,b", "a!$()b", ".a", "a.", "...", "a..b", "a /b", " a", "a ", "-",
    "ü/ä.png", "u\u0308.png", "é.jpg", "e\u0301.jpg", "日本/写真.jpg", "한글", "İ", "ſ", "Å", "😀.png", "👩\u200d🚀",
    "\u202ea",
    "\u00a0", "x" * 900, "é" * 150, "a/b/c/d/e/f", "CON", "a.jpg.png.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> str:
    return os.environ.get("BLOBS_CONTRACT", "")


@pytest.fixture
def client(pipeline: Pipeline, connection: str) -> Iterator[ContainerClient]:
    service = _blob_service(Connection("BLOBS", connection)) if connection else pipeline.stores.blob_service
    made = service.create_container(f"contract-{uuid.uuid4().hex}")
    yield made
    made.delete_container()


@pytest.fixture
def direct(client: ContainerClient, pipeline: Pipeline, connection: str) -> ObjectStore:
    service = _blob_service(Connection("BLOBS", connection)) if connection else pipeline.stores.blob_service
    made = object_store_of(service, client.container_name, {})
    assert made
    return made


@pytest.fixture
def sdk(client: ContainerClient) -> Blobs:
    return Blobs(client)


@pytest.fixture(params=["obstore", "SDK"])
def blobs(request: pytest.FixtureRequest, client: ContainerClient, direct: ObjectStore) -> Blobs:
    return Blobs(client, object_store=direct if request.param == "obstore" else None)


def test_a_name_means_the_same_blob_to_both(client: ContainerClient, direct: ObjectStore, sdk: Blobs) -> None:
    both = Blobs(client, object_store=direct)
    for name in HOSTILE:
        etag = both.overwrite(name, name.encode(), "text/plain")
        assert (sdk.get(name).data, sdk.get(name).etag) == (name.encode(), etag), name
        sdk.overwrite(name, b"again", "text/plain")
        assert both.get(name).data == b"again", name
        assert (direct.get(name, None) is not None) == is_plain(name), name
    listed = {blob.name for page, _ in sdk.list() for blob in page}
    assert {name for name in HOSTILE if is_plain(name)} <= listed


def test_what_is_written_is_read_alike(blobs: Blobs, sdk: Blobs) -> None:
    for size in (0, 1, MOST_WRITTEN_BYTES, MOST_WRITTEN_BYTES + 1, 17 * 2**20):
        data = os.urandom(size)
        etag = blobs.overwrite("a.bin", data, "image/x-of-ours", {"of": "0x1", "traceparent": "00-1-2-01"})
        found = blobs.get("a.bin")
        assert found == sdk.get("a.bin")
        assert (found.data, found.etag, found.size_bytes) == (data, etag, size)
        assert (found.content_type, found.metadata) == ("image/x-of-ours", {"of": "0x1", "traceparent": "00-1-2-01"})
        state = blobs.stat("a.bin")
        assert state is not None
        assert (state.etag, state.size_bytes, state.md5 is not None) == (etag, size, size <= 8 * 2**20)


def test_a_blob_that_is_too_large_is_not_read(blobs: Blobs) -> None:
    blobs.overwrite("a.bin", b"12345", "text/plain")
    for _ in range(50):  # each leaves an answer unread
        assert blobs.get("a.bin", 4).data is None
    found = blobs.get("a.bin", 5)
    assert (found.data, blobs.get("a.bin", 0).size_bytes) == (b"12345", 5)


def test_each_write_is_in_place_of_what_was_read(blobs: Blobs) -> None:
    first = blobs.put("a.json", b"1", "application/json", None)
    with pytest.raises(Conflict, match="BlobAlreadyExists"):
        blobs.put("a.json", b"2", "application/json", None)
    second = blobs.put("a.json", b"2", "application/json", first)
    with pytest.raises(Conflict, match="ConditionNotMet"):
        blobs.put("a.json", b"3", "application/json", first)
    blobs.delete("a.json")
    with pytest.raises(Conflict):
        blobs.put("a.json", b"3", "application/json", second)
    with pytest.raises(NotFound, match="BlobNotFound"):
        blobs.get("a.json")


def test_what_others_have_set_stays_as_they_see_it(client: ContainerClient, blobs: Blobs, sdk: Blobs) -> None:
    packed = ContentSettings(content_type="text/plain", content_encoding="gzip")
    client.upload_blob("packed", gzip.compress(b"hello"), content_settings=packed)
    assert blobs.get("packed").data == b"hello"
    client.upload_blob("bare", b"x")
    assert blobs.get("bare") == sdk.get("bare")
    client.upload_blob("tagged", b"x", tags={"shop": "Bern"})
    assert blobs.get("tagged") == sdk.get("tagged")


def test_a_leased_blob_is_protected(client: ContainerClient, blobs: Blobs) -> None:
    blobs.overwrite("a.jpg", b"1", "image/jpeg")
    lease = client.get_blob_client("a.jpg").acquire_lease()
    with pytest.raises(BlobLeased):
        blobs.overwrite("a.jpg", b"2", "image/jpeg")
    assert blobs.get("a.jpg").data == b"1"
    lease.release()


def test_an_upload_is_looked_at_and_tagged_alike(client: ContainerClient, blobs: Blobs, sdk: Blobs) -> None:
    for name in ("a.jpg", "our holiday/ü (1).jpg", "日本/写真.jpg"):
        assert blobs.stat(name) is None
        etag = blobs.overwrite(name, b"1", "image/jpeg")
        state = blobs.stat(name)
        assert state is not None
        assert (state, state.has_tags) == (sdk.stat(name), False)
        assert blobs.tag(name, {"imagestore_etag": etag, "status": "classified", "label": "it=27s"}, state) == []
        tagged = {"imagestore_etag": etag, "status": "classified", "label": "it=27s"}
        assert client.get_blob_client(name).get_blob_tags() == tagged
        now = blobs.stat(name)
        assert now is not None
        assert (now, now.has_tags) == (sdk.stat(name), True)
        client.get_blob_client(name).set_blob_tags({**tagged, "shop": "Bern"})
        assert blobs.tag(name, {"imagestore_etag": etag, "status": "rejected"}, now) == []
        assert client.get_blob_client(name).get_blob_tags()["shop"] == "Bern"
    blobs.delete("a.jpg")
    assert state is not None
    with pytest.raises(NotFound, match="BlobNotFound"):
        blobs.tag("a.jpg", {"status": "classified"}, state)


def test_a_container_that_is_not_there_is_no_blob_that_is_not_there(pipeline: Pipeline) -> None:
    service = pipeline.stores.blob_service
    gone = f"contract-{uuid.uuid4().hex}"
    for store in (object_store_of(service, gone, {}), None):
        blobs = Blobs(service.get_container_client(gone), object_store=store)
        with pytest.raises(Unavailable, match="ContainerNotFound"):
            blobs.get("a.jpg")
        with pytest.raises(Unavailable, match="ContainerNotFound"):
            blobs.overwrite("a.jpg", b"", "image/jpeg")
        with pytest.raises(Unavailable, match="ContainerNotFound"):
            blobs.stat("a.jpg")
