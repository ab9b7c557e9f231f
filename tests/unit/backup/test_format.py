import pytest

from imagestore.backup.format import SNAPSHOT_ID, DocumentLine, packed, unpacked
from imagestore.errors import BackupError


def test_lines_come_back_and_the_same_lines_are_the_same_bytes() -> None:
    lines = [DocumentLine({"id": "1", "text": "a\nb é"}, 1), DocumentLine({"id": "2"}, 2)]
    assert packed(lines) == packed(lines)
    assert list(unpacked(packed(lines), DocumentLine, "a list")) == lines


@pytest.mark.parametrize("data", [b"", b"no gzip", packed(["no document"]), packed([DocumentLine({}, 1)])[:-4]])
def test_what_is_no_list_is_said(data: bytes) -> None:
    if data == b"":
        assert list(unpacked(data, DocumentLine, "a list")) == []
        return
    with pytest.raises(BackupError, match="a list of the backup cannot be read"):
        list(unpacked(data, DocumentLine, "a list"))


def test_only_our_own_ids_are_snapshots() -> None:
    assert SNAPSHOT_ID.fullmatch("20261129T194500000000Z-0a1b2c")
    assert not SNAPSHOT_ID.fullmatch("../20261129T194500000000Z-0a1b2c")
