"""The index answers as a plain loop over the records would, and outlives what may happen to its file."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from record import Correction, Earlier, ModelRef, Record, Status, tombstone
from unit.web_records import picture, rejected
from web.index import Index
from web.review import RANDOM_BELOW, next_picture, progress
from web.search import MOST_DUPLICATES, NEAR_BITS, BadCursor, Filter, Page, Sort, counts, duplicates, page
from web.statistics import BINS, statistics

LABELS = ("tabby", "rose", "rose's", "Röse", "unknown thing")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path / "index.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def records(index: Index) -> list[Record]:
    """Two hundred, many alike in time and confidence, so that ties occur; taken in over several pages."""
    chance = random.Random(5)
    made = [
        picture(
            f"{chance.choice(('garden', 'Küche'))}/IMG_{number}.jpg",
            chance.choice(LABELS),
            chance.choice((0.1, 0.3, 0.35, 0.5, 0.9, 1.0)),
            at=f"2026-11-{chance.randint(10, 20)}T09:00:00.000Z",
            phash=f"{chance.getrandbits(64):016x}",
        )
        for number in range(180)
    ] + [rejected(f"bad {number}.jpg", chance.choice(("corrupt", "empty"))) for number in range(20)]
    chance.shuffle(made)
    for start in range(0, len(made), 70):
        index.apply(made[start : start + 70], "generation", str(start))
    return made


def all_pages(index: Index, wanted: Filter, sort: Sort, limit: int) -> list[Record]:
    found: list[Record] = []
    after = None
    while True:
        part: Page = page(index, wanted, sort, limit, after)
        found += part.records
        if part.next is None:
            return found
        assert len(part.records) == limit
        after = part.next


KEYS = {
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


FILTERS = {
    "label": (Filter(label="rose's"), lambda r: r.label == "rose's"),
    "status": (Filter(status="unknown"), lambda r: r.status is Status.UNKNOWN),
    "reason": (Filter(reason="empty"), lambda r: r.problem is not None and r.problem.reason == "empty"),
    "text, whatever its case": (Filter(text="KÜCHE/img_1"), lambda r: r.name.startswith("Küche/IMG_1")),
    "text is no pattern": (Filter(text="IMG%"), lambda r: False),
    "since": (Filter(since="2026-11-15"), lambda r: r.uploaded_at >= "2026-11-15"),
    "until": (Filter(until="2026-11-15"), lambda r: r.uploaded_at < "2026-11-15"),
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
    cursor = page(index, Filter(), Sort.NEWEST, 5).next
    for bad in (cursor + "x", "x", "é", "bnVsbA", "WzFd"):
        with pytest.raises(BadCursor):
            page(index, Filter(), Sort.NEWEST, 5, bad)
    with pytest.raises(BadCursor):
        page(index, Filter(), Sort.NAME, 5, cursor)


def test_a_deleted_picture_is_gone_and_its_name_too(index: Index, records: list[Record], tmp_path: Path) -> None:
    gone = records[0]
    seq = index.last_seq()
    index.apply([tombstone(gone.name, "2026-11-22T00:00:00.000Z")], "generation", "next")
    assert index.get(gone.id) is None
    assert counts(index, Filter()).total == len(records) - 1
    assert [(id, json) for _, id, json in index.since(seq, 10)] == [(gone.id, None)]
    assert not index.connection.execute("SELECT 1 FROM pictures WHERE name = ?", (gone.name,)).fetchall()


def test_changes_are_numbered_and_the_newest_state_is_told_once(index: Index) -> None:
    index.apply([picture("a"), picture("b")], "g", "1")
    start = index.last_seq()
    index.put(picture("a", "rose"))
    index.put(picture("a", "tulip"))
    ((seq, _, json),) = index.since(start, 10)
    assert seq > start
    assert b"tulip" in json


def test_duplicates(index: Index) -> None:
    original = picture("cat.jpg", phash="00000000000000ff")
    near = picture("cat small.jpg", phash="00000000000000fe")
    farther = picture("cat dark.jpg", phash="8000000000000001")
    stranger = picture("rose.jpg", phash="ffffffffffff00ff")
    copy = picture("copy/cat.jpg", content="cat.jpg", phash="00000000000000ff")
    index.apply([original, near, farther, stranger, copy, rejected("bad.jpg")], "g", "1")
    found = duplicates(index, original)
    assert [r.name for r in found.exact] == ["copy/cat.jpg"]
    assert [r.name for r in found.near] == ["cat small.jpg", "cat dark.jpg"]
    assert bin(0xFF ^ 0x8000000000000001).count("1") == NEAR_BITS, "one bit more would be a stranger"
    index.apply([picture(f"many {n}.jpg", content="cat.jpg") for n in range(50)], "g", "2")
    assert len(duplicates(index, original).exact) == MOST_DUPLICATES


def test_a_file_that_is_kept_is_gone_on_with(index: Index, records: list[Record], tmp_path: Path) -> None:
    again = Index(tmp_path / "index.sqlite")
    assert again.epoch == index.epoch
    assert again.state() == index.state()
    assert counts(again, Filter()).total == len(records)
    again.close()


@pytest.mark.parametrize("damage", [b"this is no database", b""], ids=["other content", "nothing"])
def test_a_file_that_is_no_index_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(damage * 1000)
    index = Index(path)
    index.apply([picture("cat.jpg")], "g", "1")
    assert counts(index, Filter()).total == 1
    index.close()


def test_a_failed_write_changes_nothing(index: Index) -> None:
    index.apply([picture("cat.jpg")], "g", "1")
    with pytest.raises(AttributeError):
        index.apply([picture("dog.jpg"), None], "g", "2")
    assert index.state().token == "1"
    assert counts(index, Filter()).total == 1


def test_statistics(index: Index) -> None:
    from datetime import UTC, datetime

    index.apply(
        [
            picture("a", confidence=1.0, at="2026-11-21T08:59:00.000Z"),
            picture("b", confidence=0.34, at="2026-11-21T09:10:00.000Z"),
            picture("c", confidence=0.0, at="2026-11-19T09:10:00.000Z"),
            rejected("d", "empty"),
        ],
        "g",
        "1",
    )
    found = statistics(index, datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    assert len(found.hours) == 24
    assert found.hours[-1] == ("2026-11-21T09", {"unknown": 1, "rejected": 1})
    assert found.hours[-2] == ("2026-11-21T08", {"classified": 1})
    assert [bin for bin, count in enumerate(found.confidence) if count] == [0, 6, BINS - 1]
    assert found.causes == [("rejected", "empty", 1)]
    assert found.recent[0].name == "b"


MODEL = "f" * 64


def reviewed(index: Index, record: Record, label: str, *, drawn: bool, model: str = MODEL) -> None:
    """A person says what it is."""
    assert record.prediction is not None
    said = Correction(label, "me", "", record.prediction.label, replace(record.prediction.model, sha256=model), drawn)
    index.put(replace(record, correction=said).finished(record.finished_at or ""))


def with_margin(record: Record, margin: float, confidence: float = 0.9) -> Record:
    assert record.prediction is not None
    return replace(record, prediction=replace(record.prediction, margin=margin, confidence=confidence))


def test_review_takes_the_most_doubtful_first_and_every_tenth_at_random(index: Index) -> None:
    made = [with_margin(picture(f"{n}.jpg"), n / 200) for n in range(100)]
    index.apply(made, "g", "1")
    in_draw = sorted(record.id for record in made if record.id < RANDOM_BELOW)
    order: list[Record] = []
    for turn in range(1, 21):
        found = next_picture(index)
        assert found is not None
        assert found.drawn == (turn % 10 == 0)
        order.append(found.record)
        reviewed(index, found.record, "tabby", drawn=found.drawn)
    assert [order[9].id, order[19].id] == in_draw[:2]
    doubtful = [record.prediction.margin for n, record in enumerate(order) if n not in (9, 19) and record.prediction]
    assert doubtful == sorted(doubtful)
    assert (progress(index, MODEL).reviewed, progress(index, MODEL).waiting) == (20, 80)
    others = [record.id for record in made if record.id >= RANDOM_BELOW]
    last = next_picture(index, others)
    assert last is not None, "when the doubtful ones are done, the draw goes on"
    assert last.record.id == in_draw[2]
    assert next_picture(index, [record.id for record in made]) is None


def test_review_begins_where_versions_disagree_and_goes_on_near_the_threshold(index: Index) -> None:
    names = (f"{n}.jpg" for n in itertools.count())
    made = itertools.filterfalse(lambda record: record.id < RANDOM_BELOW, map(picture, names))
    sure, near, close, split = (next(made) for _ in range(4))
    assert split.prediction is not None
    earlier = Earlier("rose", 0.7, ModelRef("mine", "2", "e" * 64))
    split = replace(with_margin(split, 0.8), prediction=replace(split.prediction, margin=0.8, earlier=earlier))
    wanted = [split, with_margin(near, 0.3, 0.36), with_margin(close, 0.02), with_margin(sure, 0.9, 0.95)]
    index.apply(wanted[::-1], "g", "1")
    said = []
    for record in wanted:
        found = next_picture(index)
        assert found is not None
        assert found.record.id == record.id
        said.append(found.why)
        reviewed(index, found.record, "tabby", drawn=False)
    assert said[0] == "Two models disagree: mine 2 said rose."
    assert "as sure as it must be to answer (35 %)" in said[1]
    assert said[2] == "other is nearly as likely."


def test_live_accuracy_is_of_the_draw_and_of_the_live_model_alone(index: Index) -> None:
    made = sorted((picture(f"{n}.jpg") for n in range(400)), key=lambda record: record.id)
    draw = [record for record in made if record.id < RANDOM_BELOW]
    index.apply(made, "g", "1")

    def counted() -> tuple[int, int]:
        found = progress(index, MODEL).live_accuracy
        return found.right, found.of

    assert progress(index, MODEL).live_accuracy.low is None
    for record in made[-50:]:
        reviewed(index, record, "wrong", drawn=False)
    assert counted() == (0, 0), "those that were chosen for being doubtful say nothing of the rest"
    reviewed(index, draw[4], "wrong", drawn=False)
    assert counted() == (0, 0), "somebody found this one wrong; the draw has not come to it"
    for n in (0, 1, 2):
        reviewed(index, draw[n], "tabby", drawn=True)
    assert counted() == (3, 3)
    reviewed(index, draw[5], "other", drawn=True)
    assert counted() == (3, 5), "now it has"
    reviewed(index, draw[6], "tabby", drawn=True, model="e" * 64)
    assert counted() == (3, 5), "that was another model"
    assert progress(index, "e" * 64).live_accuracy.of == 1
    assert progress(index, None).live_accuracy.of == 0


def test_a_rejected_file_is_not_to_be_reviewed(index: Index) -> None:
    index.apply([rejected("bad.jpg")], "g", "1")
    assert next_picture(index) is None
    assert progress(index, MODEL).waiting == 0
