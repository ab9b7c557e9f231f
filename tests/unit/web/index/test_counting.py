"""Counting many pictures has an end."""

from collections import Counter
from dataclasses import replace

import pytest

from imagestore.web.index import counting, queries
from imagestore.web.index.counting import counts
from imagestore.web.index.index import Index
from imagestore.web.index.queries import Filter, Sort, list_records, neighbours
from unit.web.records import picture, take_in


@pytest.fixture
def filled(index: Index, monkeypatch: pytest.MonkeyPatch) -> Index:
    monkeypatch.setattr(counting, "MOST_COUNTED", 5)
    monkeypatch.setattr(queries, "_RARE", 2)
    labels = ["rose"] * 4 + ["lily"] * 5
    take_in(
        index,
        [
            picture(f"garden/{n}.jpg", label, at=f"2026-11-21T09:00:0{n // 3}.000Z", phash=f"{n:016x}")
            for n, label in enumerate(labels)
        ],
    )
    return index


def test_all_pictures_are_counted_whatever_their_number(filled: Index) -> None:
    found = counts(filled, Filter())
    assert (found.total, found.labels, found.is_capped) == (9, {"lily": 5, "rose": 4}, False)
    assert counts(filled, Filter(label="rose")).total == 4
    ids = tuple(one.id for one in list_records(filled, Filter(label="rose"), Sort.NEWEST, 2).items)
    hidden = counts(filled, Filter(hidden=ids))
    assert (hidden.total, hidden.labels) == (7, {"lily": 5, "rose": 2})


def test_of_a_frequent_word_the_newest_are_counted(filled: Index) -> None:
    found = counts(filled, Filter(text="garden"))
    assert (found.total, found.is_capped) == (5, True)
    newest = list_records(filled, Filter(), Sort.NEWEST, 5).items
    assert found.labels == Counter(one.label for one in newest)
    few = counts(filled, Filter(text="garden", since="2026-11-21T09:00:02"))
    assert (few.total, few.is_capped) == (3, False)
    assert counts(filled, Filter(corrected=False)).is_capped


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("limit", [1, 2, 4, 20])
def test_pictures_with_a_frequent_word_stand_in_the_same_order_as_all(filled: Index, sort: Sort, limit: int) -> None:
    expected = [one.id for one in list_records(filled, Filter(), sort, 20).items]
    found, after = list[str](), None
    while True:
        page = list_records(filled, Filter(text="garden"), sort, limit, after)
        found += [one.id for one in page.items]
        if (after := page.next) is None:
            break
    assert found == expected
    wanted = Filter(text="garden", since="2026-11-21T09:00:01", until="2026-11-21T09:00:02")
    assert {one.id for one in list_records(filled, wanted, sort, 9).items} == {
        one.id for one in list_records(filled, replace(wanted, text=None), sort, 9).items
    }
    around = [(None, *expected[:-1]), (*expected[1:], None)]
    for id, before, after_it in zip(expected, *around, strict=True):
        assert neighbours(filled, Filter(text="garden"), sort, id) == (before, after_it)


def test_a_word_that_no_longer_one_begins_with_is_looked_for_as_it_is(filled: Index) -> None:
    assert queries.asked_of(filled, Filter(text="garden/3 gar GARDEN")) == '"garden/3" AND "gar" * AND "GARDEN"'
    take_in(filled, [picture("gardening.jpg", phash="f" * 16)], "more")
    assert queries.asked_of(filled, Filter(text="garden")) == '"garden" *'
    assert counts(filled, Filter(text="gärden")).total == 5, "and accents do not matter"
