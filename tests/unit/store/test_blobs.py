"""What one container's blobs are asked, and how often."""

import io
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

from imagestore.errors import StoreError
from imagestore.pipeline.models.memory import _COPIES_IN_WORKER
from imagestore.settings import ROOT
from imagestore.store import Blobs, BlobState
from imagestore.store.tags import tags_for
from unit.store.blob_service import Answer, Service

OURS = tags_for("0x2", "classified", "tabby")


class Client:
    """A blob that has tags, and counts its calls."""

    container_name = "uploads"

    def __init__(self, **tags: str) -> None:
        self.tags = tags
        self.calls: list[str] = []
        self.condition = ""

    def get_blob_client(self, name: str) -> "Client":
        return self

    def get_blob_tags(self) -> dict[str, str]:
        self.calls.append("get")
        return dict(self.tags)

    def set_blob_tags(self, tags: dict[str, str], *, etag: str, match_condition: object) -> None:
        self.calls.append("set")
        self.tags, self.condition = tags, etag

    @property
    def state(self) -> BlobState:
        return BlobState("0x2", has_tags=bool(self.tags))


def tag(client: Client) -> list[str]:
    blobs: Any = Blobs(client)  # type: ignore[arg-type]
    left_out: list[str] = blobs.tag("a.jpg", OURS, client.state)
    return left_out


def test_a_first_tagging_is_one_call_on_that_version() -> None:
    client = Client()
    assert tag(client) == []
    assert (client.calls, client.tags, client.condition) == (["set"], OURS, '"0x2"')


def test_a_users_own_tags_are_read_and_kept() -> None:
    client = Client(shop="Bern", label="spring")
    assert tag(client) == []
    assert client.calls == ["get", "set"]
    assert client.tags.items() >= {"shop": "Bern", "label": "spring", "imagestore_label": "tabby"}.items()


def test_tags_that_are_right_are_not_set_again() -> None:
    client = Client(**OURS)
    tag(client)
    assert client.calls == ["get"]


@pytest.mark.parametrize("count", [9, 10])
def test_what_finds_no_room_is_said(count: int) -> None:
    client = Client(**{f"own{number}": "x" for number in range(count)})
    assert tag(client) == list(OURS)[10 - count :]
    assert len(client.tags) == 10


def test_a_blob_that_is_not_there_has_no_state() -> None:
    def get_blob_properties() -> None:
        raise ResourceNotFoundError("not there")

    blob = SimpleNamespace(get_blob_properties=get_blob_properties)
    client: Any = SimpleNamespace(container_name="uploads", get_blob_client=lambda name: blob)
    assert Blobs(client).stat("a.jpg") is None


@pytest.mark.parametrize(("answer", "keeps"), [({}, False), ({"version_id": "2026-11-25T09:00:00.0000000Z"}, True)])
def test_the_answer_to_a_write_tells_whether_versions_are_kept(answer: dict[str, str], keeps: bool) -> None:
    blob = SimpleNamespace(upload_blob=lambda *_, **options: {"etag": '"0x2"', **answer})
    client: Any = SimpleNamespace(container_name="staging", get_blob_client=lambda name: blob)
    staging = Blobs(client)
    assert not staging.keeps_versions
    staging.overwrite("cat.jpg.png", b"", "image/png")
    assert staging.keeps_versions is keeps


@pytest.mark.parametrize(
    "name", ["../staging/a.png", "a/../../staging/a.png", "..", "./a.jpg", "..\\staging\\a.png", "a/."]
)
def test_no_name_leads_out_of_the_container(name: str) -> None:
    """The SDK puts a name into an address, in which '..' would be another container."""
    blobs = Blobs(ContainerClient("http://127.0.0.1:1/account", "uploads", credential="a2V5"))
    state = BlobState("0x1")
    for call in (
        lambda: blobs.get(name),
        lambda: blobs.stat(name),
        lambda: blobs.put(name, b"", "", None),
        lambda: blobs.overwrite(name, b"", ""),
        lambda: blobs.send(name, io.BytesIO(), 0, "", b""),
        lambda: blobs.writer(name),
        lambda: list(blobs.read(name, "0x1", 0, 1)),
        lambda: blobs.delete(name),
        lambda: blobs.tag(name, OURS, state),
    ):
        with pytest.raises(StoreError, match="would lead elsewhere"):
            call()


def test_a_large_blob_takes_no_more_memory_than_an_instance_has_for_it() -> None:
    service, size = Service(), 64 * 2**20
    service.answers = [Answer(), Answer(data=bytes(size))]
    program = (
        "import sys\n"
        "from azure.storage.blob import BlobServiceClient\n"
        "from imagestore.store import Blobs\n"
        "from imagestore.store.object_store import object_store_of\n"
        "client = BlobServiceClient.from_connection_string(sys.argv[1])\n"
        "direct = object_store_of(client, 'uploads', {})\n"
        "blobs = Blobs(client.get_container_client('uploads'), object_store=direct)\n"
        "peak = lambda: int([line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0])\n"
        "blobs.get('a.jpg')\n"
        "before = peak()\n"
        "assert blobs.get('a.jpg').size_bytes == 64 * 2**20\n"
        "print((peak() - before) * 1024)\n"
    )
    command = [sys.executable, "-c", program, service.string]
    done = subprocess.run(command, check=True, cwd=ROOT, timeout=60, capture_output=True, text=True)
    service.close()
    assert set(service.askers) == {"obstore"}
    assert int(done.stdout) <= _COPIES_IN_WORKER * size
