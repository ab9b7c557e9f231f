"""The search among vectors is exact, follows the index, and stays within its memory."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from classify import Vector
from imagestore.record import Record, record_id, tombstone
from imagestore.web.index import likeness as module
from imagestore.web.index.index import Index
from imagestore.web.index.likeness import Likeness
from imagestore.web.index.queries import Filter
from unit.web.records import picture, rejected, take_in

ONE, OTHER = "1" * 64, "2" * 64
WIDTH = 32
FEATURES = np.random.default_rng(0).exponential(1, (300, WIDTH))


def at(number: int, *, backbone: str = ONE, name: str | None = None, label: str = "tabby") -> Record:
    """A picture with the vector of this number, uploaded so many seconds after midnight."""
    vector = Vector.of(FEATURES[number], backbone)
    day = f"2026-11-21T00:{number // 60:02d}:{number % 60:02d}.000Z"
    return picture(name or f"{number}.jpg", label, at=day).with_vector(vector)


def vector(number: int, backbone: str = ONE) -> Vector:
    found = Vector.of(FEATURES[number], backbone)
    assert found is not None
    return found


@pytest.fixture
def likeness(index: Index) -> Iterator[Likeness]:
    made = Likeness(index)
    yield made
    made.close()


def names(likeness: Likeness, number: int, limit: int = 3, **filter: str) -> list[str]:
    found = likeness.find(vector(number), Filter(**filter), limit)  # type: ignore[arg-type]
    return [one.record.name for one in found.items]


def test_the_nearest_are_those_with_the_largest_cosine(index: Index, likeness: Likeness) -> None:
    take_in(index, [at(number) for number in range(200)], "1")
    rows = np.stack([vector(number).numbers for number in range(200)]).astype(float)
    cosines = rows @ rows[7] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[7])
    order = np.argsort(-cosines)[:10]
    found = likeness.find(vector(7), Filter(), 10)
    assert [one.record.name for one in found.items] == [f"{number}.jpg" for number in order]
    assert [one.similarity for one in found.items] == pytest.approx(cosines[order], abs=1e-4)
    assert (found.compared, found.left_out, found.others) == (200, 0, 0)
    assert found.items[0].record == at(7).with_vector(None), "without its vector"
    without = likeness.find(vector(7), Filter(), 2, record_id("7.jpg"))
    assert [one.record.name for one in without.items] == [f"{number}.jpg" for number in order[1:3]]


def test_only_pictures_of_the_same_network_are_compared_and_the_others_are_counted(
    index: Index, likeness: Likeness
) -> None:
    take_in(index, [at(0), at(1), at(2, backbone=OTHER), picture("none.jpg"), rejected("bad.jpg")], "1")
    found = likeness.find(vector(0), Filter(), 9)
    assert [one.record.name for one in found.items] == ["0.jpg", "1.jpg"]
    assert (found.compared, found.others) == (2, 2)
    assert [one.record.name for one in likeness.find(vector(0, OTHER), Filter(), 9).items] == ["2.jpg"]
    assert likeness.find(vector(0, "3" * 64), Filter(), 9).items == []


def test_what_comes_changes_and_goes_is_followed(index: Index, likeness: Likeness) -> None:
    take_in(index, [at(0), at(1)], "1")
    assert names(likeness, 5, 1) != ["5.jpg"]
    take_in(index, [at(5)], "2")
    assert names(likeness, 5, 1) == ["5.jpg"]
    take_in(index, [at(9, name="5.jpg")], "3")
    assert names(likeness, 9, 1) == ["5.jpg"], "it was overwritten by another picture"
    take_in(index, [at(5, backbone=OTHER)], "4")
    assert "5.jpg" not in names(likeness, 9), "another network has classified it"
    take_in(index, [tombstone("0.jpg", "2026-11-22T00:00:00.000Z"), at(6)], "5")
    assert sorted(names(likeness, 0)) == ["1.jpg", "6.jpg"]
    index.clear()
    take_in(index, [at(3)], "6")
    assert names(likeness, 0) == ["3.jpg"], "the index was made anew"


def test_a_filter_lets_few_through_and_they_are_found_all_the_same(index: Index, likeness: Likeness) -> None:
    many = [at(number, label="rose" if number in (3, 250) else "tabby") for number in range(260)]
    take_in(index, many, "1")
    assert sorted(names(likeness, 7, 9, label="rose")) == ["250.jpg", "3.jpg"]
    hidden = Filter(hidden=(record_id("7.jpg"),))
    assert "7.jpg" not in [one.record.name for one in likeness.find(vector(7), hidden, 5).items]


def test_beyond_its_memory_the_newest_count_and_the_others_are_told(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS", 128)
    likeness = Likeness(index, 128 * WIDTH)
    take_in(index, [at(number) for number in range(130)], "1")
    found = likeness.find(vector(0), Filter(), 200)
    assert (found.compared, found.left_out) == (128, 2)
    assert {"0.jpg", "1.jpg"}.isdisjoint(one.record.name for one in found.items)
    take_in(index, [at(number) for number in range(130, 133)], "2")
    found = likeness.find(vector(132), Filter(), 200)
    assert (found.items[0].record.name, found.compared, found.left_out) == ("132.jpg", 128, 5)
    assert {f"{number}.jpg" for number in range(5)}.isdisjoint(one.record.name for one in found.items)
    take_in(index, [at(number, backbone=OTHER, name=f"other {number}") for number in range(140, 150)], "3")
    assert likeness.find(vector(140, OTHER), Filter(), 1).compared == 10
    assert likeness.size_bytes < 2 * 128 * (WIDTH + 12), "those that were asked for before make room"
    likeness.close()


def test_many_changes_at_once_are_followed(index: Index, likeness: Likeness) -> None:
    take_in(index, [at(number) for number in range(50)], "1")
    assert names(likeness, 3, 1) == ["3.jpg"]
    take_in(index, [replace(at(number, name=f"{299 - number}.jpg")) for number in range(300)], "2")
    for number in (0, 49, 250, 299):
        assert names(likeness, number, 1) == [f"{299 - number}.jpg"]
