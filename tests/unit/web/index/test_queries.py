"""The questions to the index are answered as a plain loop over the records would answer them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from classify import Score
from imagestore.errors import BadCursor, Unavailable
from imagestore.pipeline.upkeep.reprocess import is_outdated
from imagestore.record import Record, Status, tombstone
from imagestore.store import Stores
from imagestore.web.answers import Cause, Hour
from imagestore.web.index.counting import counts
from imagestore.web.index.index import Index
from imagestore.web.index.queries import (
    MOST_DUPLICATES,
    NEAR_BITS,
    Filter,
    Sort,
    count_outdated,
    duplicates,
    list_records,
    neighbours,
    overview,
)
from imagestore.web.index.tallies import PARTS
from unit.web.records import picture, rejected, take_in


def test_those_of_other_models_are_those_that_reprocessing_would_queue(index: Index, records: list[Record]) -> None:
    failed = rejected("failed.jpg", "Unavailable")
    gone = tombstone("gone.jpg", "2026-11-21T09:00:00.000Z")
    take_in(index, [failed, gone], "last")
    for sha256 in ("f" * 64, "0" * 64):
        expected = sum(is_outdated(record, sha256) for record in [*records, failed, gone])
        assert count_outdated(index, [("", sha256)]) == expected
    assert count_outdated(index, [("", "f" * 64)]) == 1, "the one that failed"
    of_a_folder = {"garden/": "0" * 64, "fail": "f" * 64, "": "f" * 64}
    for prefixes in (["garden/", ""], ["fail", ""], ["garden/", "fail", ""]):
        expected = sum(
            is_outdated(record, next(of_a_folder[prefix] for prefix in prefixes if record.name.startswith(prefix)))
            for record in [*records, failed, gone]
        )
        assert count_outdated(index, [(prefix, of_a_folder[prefix]) for prefix in prefixes]) == expected


def no_queues() -> Stores:
    """Two queues: an empty one, and one that does not answer."""

    def unavailable() -> int:
        raise Unavailable("queues: ServiceRequestError")

    empty = SimpleNamespace(name="work", length=lambda: 0)
    away = SimpleNamespace(name="work-poison", length=unavailable)
    return cast(Stores, SimpleNamespace(work=empty, work_poison=away, poison=away))


def all_pages(index: Index, wanted: Filter, sort: Sort, limit: int) -> list[Record]:
    found: list[Record] = []
    after = None
    while True:
        part = list_records(index, wanted, sort, limit, after)
        found += part.items
        if part.next is None:
            return found
        assert len(part.items) == limit
        after = part.next


KEYS: dict[Sort, tuple[Callable[[Record], Any], bool]] = {
    Sort.NEWEST: (lambda r: (r.uploaded_at, r.id), True),
    Sort.OLDEST: (lambda r: (r.uploaded_at, r.id), False),
    Sort.CONFIDENT: (lambda r: (r.prediction.confidence if r.prediction else -1, r.id), True),
    Sort.DOUBTFUL: (lambda r: (r.prediction.confidence if r.prediction else -1, r.id), False),
    Sort.NAME: (lambda r: (r.name.encode(), r.id), False),
}


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("limit", [1, 7, 500])
def test_pages_show_every_picture_once_in_order(index: Index, records: list[Record], sort: Sort, limit: int) -> None:
    key, is_reversed = KEYS[sort]
    expected = sorted(records, key=key, reverse=is_reversed)
    assert [r.id for r in all_pages(index, Filter(), sort, limit)] == [r.id for r in expected]


FILTERS: dict[str, tuple[Filter, Callable[[Record], bool]]] = {
    "label": (Filter(label="rose's"), lambda r: r.label == "rose's"),
    "status": (Filter(status="unknown"), lambda r: r.status is Status.UNKNOWN),
    "reason": (Filter(reason="empty"), lambda r: r.problem is not None and r.problem.reason == "empty"),
    "text, whatever its case": (Filter(text="KÜCHE/img_1"), lambda r: r.name.startswith("Küche/IMG_1")),
    "text without a word": (Filter(text="%_*"), lambda r: False),
    "two words in any order": (Filter(text="img kuc"), lambda r: r.name.startswith("Küche/IMG")),
    "a word's inside is not its beginning": (Filter(text="arden"), lambda r: False),
    "since": (Filter(since="2026-11-15"), lambda r: str(r.uploaded_at) >= "2026-11-15"),
    "until": (Filter(until="2026-11-15"), lambda r: str(r.uploaded_at) < "2026-11-15"),
    "at least": (Filter(min_confidence=0.5), lambda r: r.prediction is not None and r.prediction.confidence >= 0.5),
    "at most": (Filter(max_confidence=0.3), lambda r: r.prediction is not None and r.prediction.confidence <= 0.3),
    "both": (Filter(label="rose", status="classified"), lambda r: (r.label, r.status) == ("rose", "classified")),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters_and_counts_agree_with_a_plain_loop(index: Index, records: list[Record], name: str) -> None:
    wanted, holds = FILTERS[name]
    expected = {r.id for r in records if holds(r)}
    assert {r.id for r in all_pages(index, wanted, Sort.NEWEST, 50)} == expected
    assert counts(index, wanted).total == len(expected)


def test_each_count_leaves_its_own_filter_out(index: Index, records: list[Record]) -> None:
    found = counts(index, Filter(label="rose", text="garden"))
    in_garden = [r for r in records if "garden" in r.name]
    assert found.labels == Counter(r.label for r in in_garden if r.label)
    assert found.statuses == Counter(str(r.status) for r in in_garden if r.label == "rose")


def test_a_cursor_of_another_list_is_refused(index: Index, records: list[Record]) -> None:
    cursor = list_records(index, Filter(), Sort.NEWEST, 5).next
    assert cursor is not None
    for bad in (cursor + "x", "x", "é", "bnVsbA", "WzFd"):
        with pytest.raises(BadCursor):
            list_records(index, Filter(), Sort.NEWEST, 5, bad)
    with pytest.raises(BadCursor):
        list_records(index, Filter(), Sort.NAME, 5, cursor)


def test_duplicates(index: Index) -> None:
    original = picture("cat.jpg", phash="00000000000000ff")
    near = picture("cat small.jpg", phash="00000000000000fe")
    farther = picture("cat dark.jpg", phash="8000000000000001")
    other = picture("rose.jpg", phash="ffffffffffff00ff")
    copy = picture("copy/cat.jpg", content="cat.jpg", phash="00000000000000ff")
    take_in(index, [original, near, farther, other, copy, rejected("bad.jpg")], "1")
    found = duplicates(index, original)
    assert [r.name for r in found.exact] == ["copy/cat.jpg"]
    assert [r.name for r in found.near] == ["cat small.jpg", "cat dark.jpg"]
    assert bin(0xFF ^ 0x8000000000000001).count("1") == NEAR_BITS, "one bit more would be another picture"
    take_in(index, [picture(f"many {n}.jpg", content="cat.jpg") for n in range(50)], "2")
    assert len(duplicates(index, original).exact) == MOST_DUPLICATES


def test_the_overview_counts_by_hour_confidence_and_cause(index: Index) -> None:
    take_in(
        index,
        [
            picture("a", confidence=1.0, at="2026-11-21T08:59:00.000Z"),
            picture("b", confidence=0.34, at="2026-11-21T09:10:00.000Z"),
            picture("c", confidence=0.0, at="2026-11-19T09:10:00.000Z"),
            rejected("d", "empty"),
        ],
    )
    found = overview(index, no_queues(), datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    assert len(found.hours) == 24
    assert found.hours[-1] == Hour("2026-11-21T09", {"unknown": 1, "rejected": 1})
    assert found.hours[-2] == Hour("2026-11-21T08", {"classified": 1})
    assert [bin for bin, count in enumerate(found.confidence) if count] == [0, 6, PARTS - 1]
    assert found.causes == [Cause(Status.REJECTED, "empty", 1)]
    assert found.queues == {"work": 0, "work-poison": None, "webjobs-blobtrigger-poison": None}


def test_a_picture_is_found_and_counted_by_each_label_that_holds(index: Index, records: list[Record]) -> None:
    both, one = picture("both.jpg", "rose"), picture("one.jpg", "rose")
    assert both.prediction is not None
    labels = (Score("rose", 0.8), Score("vase", 0.7))
    both = replace(both, prediction=replace(both.prediction, labels=labels)).finished(both.uploaded_at or "")
    before = {label: counts(index, Filter(label=label)) for label in ("rose", "vase", None)}
    take_in(index, [both, one], "more")
    assert [found.name for found in list_records(index, Filter(label="vase"), Sort.NEWEST, 9).items] == ["both.jpg"]
    assert {"both.jpg", "one.jpg"} <= {r.name for r in all_pages(index, Filter(label="rose"), Sort.NAME, 50)}
    for label, more in (("rose", 2), ("vase", 1), (None, 2)):
        now = counts(index, Filter(label=label))
        assert now.total == before[label].total + more, label
        assert now.statuses["classified"] == before[label].statuses.get("classified", 0) + more
        assert (now.labels["rose"], now.labels["vase"]) == (before[None].labels["rose"] + 2, 1)
    assert counts(index, Filter(label="vase", status="rejected")).total == 0
    assert both.prediction is not None
    take_in(index, [replace(both, prediction=replace(both.prediction, labels=labels[:1])).finished("")], "fewer")
    assert counts(index, Filter(label="vase")).total == 0
    index.remove(both.id)
    assert "vase" not in counts(index, Filter()).labels


@pytest.mark.parametrize("sort", Sort)
def test_neighbours_are_those_of_the_list(index: Index, records: list[Record], sort: Sort) -> None:
    wanted = Filter(text="garden")
    ids = [record.id for record in all_pages(index, wanted, sort, 500)]
    for at in (0, 1, len(ids) // 2, len(ids) - 1):
        before, after = neighbours(index, wanted, sort, ids[at])
        assert before == (ids[at - 1] if at else None)
        assert after == (ids[at + 1] if at + 1 < len(ids) else None)
    assert neighbours(index, wanted, sort, "0" * 32) == (None, None)


def test_a_picture_that_left_the_list_keeps_its_place_in_it(index: Index) -> None:
    take_in(index, [picture(f"{n}.jpg", "rose", at=f"2026-11-1{n}T09:00:00.000Z") for n in range(3)])
    take_in(index, [picture("1.jpg", "tabby", at="2026-11-11T09:00:00.000Z")])
    ids = [picture(f"{n}.jpg").id for n in (2, 0)]
    assert neighbours(index, Filter(label="rose"), Sort.NEWEST, picture("1.jpg").id) == tuple(ids)
