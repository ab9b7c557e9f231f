"""However large an upload is, one block of it is held, and nothing of it is seen before it is whole."""

import hashlib
from typing import Any

import pytest
from azure.core import MatchConditions

from imagestore.store.writer import BLOCK_BYTES, BlobWriter


class Client:
    """Remembers what it is asked to write."""

    def __init__(self) -> None:
        self.blocks: dict[str, bytes] = {}
        self.written: bytes | None = None
        self.options: dict[str, Any] = {}

    def stage_block(self, id: str, data: bytes, length: int) -> None:
        assert length == len(data) <= BLOCK_BYTES
        self.blocks[id] = data

    def commit_block_list(self, blocks: list[Any], **options: Any) -> dict[str, str]:
        self.written, self.options = b"".join(self.blocks[block.id] for block in blocks), options
        return {"etag": '"0x1"'}

    def upload_blob(self, data: bytes, **options: Any) -> dict[str, str]:
        self.written, self.options = data, options
        return {"etag": '"0x2"'}


@pytest.fixture
def client() -> Any:
    return Client()


@pytest.mark.parametrize("piece", [1000, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
def test_a_large_blob_goes_block_by_block_and_comes_out_whole(client: Any, piece: int) -> None:
    content = bytes(range(256)) * (2 * BLOCK_BYTES // 256) + b"end"
    writer = BlobWriter(client)
    for start in range(0, len(content), piece):
        writer.add(content[start : start + piece])
    assert client.written is None, "it is not there before it is whole"
    assert writer.commit("image/jpeg") == "0x1"
    assert client.written == content
    assert len(client.blocks) == 3
    assert (writer.size_bytes, writer.md5) == (len(content), hashlib.md5(content).digest())
    assert bytes(client.options["content_settings"].content_md5) == writer.md5


def test_a_small_blob_is_one_call(client: Any) -> None:
    writer = BlobWriter(client)
    writer.add(b"pic")
    writer.add(b"ture")
    assert writer.commit("image/png") == "0x2"
    assert (client.written, client.blocks) == (b"picture", {})
    assert client.options["overwrite"] is True
    assert client.options["content_settings"].content_type == "image/png"


def test_only_a_new_blob_is_written_where_that_is_asked(client: Any) -> None:
    writer = BlobWriter(client)
    writer.add(b"picture")
    writer.commit("image/png", only_new=True)
    assert client.options["overwrite"] is False
    large = BlobWriter(client)
    large.add(bytes(BLOCK_BYTES + 1))
    large.commit("image/png", only_new=True)
    assert client.options["match_condition"] is MatchConditions.IfMissing


def test_two_writers_of_one_blob_never_share_a_block(client: Any) -> None:
    for _ in range(2):
        BlobWriter(client).add(bytes(BLOCK_BYTES + 1))
    assert len(client.blocks) == 2
