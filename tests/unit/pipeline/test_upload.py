"""What command line and web app agree on when they take a file in."""

from dataclasses import replace

import pytest

from imagestore.pipeline.upload import content_type, is_unchanged
from imagestore.store import BlobState

THERE = BlobState("0x1", 5, md5=b"m" * 16)


def test_a_file_is_unchanged_if_size_and_md5_are_those_of_the_blob() -> None:
    assert is_unchanged(THERE, b"m" * 16, 5)
    assert not is_unchanged(THERE, b"m" * 16, 6)
    assert not is_unchanged(THERE, b"n" * 16, 5)


def test_a_file_is_new_where_there_is_no_blob_or_none_with_an_md5() -> None:
    assert not is_unchanged(None, b"m" * 16, 5)
    assert not is_unchanged(replace(THERE, md5=None), b"m" * 16, 5)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a/cat.jpg", "image/jpeg"), ("cat.png", "image/png"), ("cat", "application/octet-stream")],
)
def test_the_ending_of_a_name_says_the_content_type(name: str, kind: str) -> None:
    assert content_type(name) == kind
