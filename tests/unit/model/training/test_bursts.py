"""Pictures of one burst, by the moment at which a camera took them."""

import pytest

from model.training.bursts import Taken, packed, pairs, unpacked
from preprocess import ImageInfo


def info(**metadata: object) -> ImageInfo:
    return ImageInfo("JPEG", 1, 1, "RGB", metadata=metadata)


def test_what_follows_within_two_seconds_is_of_one_burst() -> None:
    taken = [Taken(7, 1), Taken(1, 1), None, Taken(3, 1), Taken(6, 1), Taken(2, 2)]
    assert sorted(pairs(taken)) == [(1, 3), (4, 0)]


def test_the_cameras_own_entry_counts() -> None:
    one = unpacked(packed(info(DateTimeOriginal="2026:04:20 17:26:06", Model="C")))
    later = unpacked(packed(info(DateTimeOriginal="2026:04:20 17:26:09", Model="C")))
    other = unpacked(packed(info(DateTimeOriginal="2026:04:20 17:26:06", Model="D")))
    assert one is not None
    assert later == Taken(one.second + 3, one.camera)
    assert other is not None
    assert other.camera != one.camera


@pytest.mark.parametrize(
    "metadata", [{}, {"DateTime": "2026:04:20 17:26:06"}, {"DateTimeOriginal": "0000:00:00 00:00:00"}]
)
def test_what_other_programs_write_or_nobody_does_counts_for_nothing(metadata: dict[str, str]) -> None:
    assert unpacked(packed(info(**metadata))) is None
