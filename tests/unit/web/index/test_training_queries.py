"""Corrections count by content, as training learns them."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from imagestore.record import Correction, Record
from imagestore.web.index.index import Index
from imagestore.web.index.training_queries import Corrections, corrections
from unit.web.records import picture, take_in

ONE, OTHER, KNOWN = "a" * 64, "b" * 64, "c" * 64
Said = tuple[str, str, str]


def corrected(name: str, labels: tuple[str, ...], sha256: str, at: str) -> Record:
    record = picture(name)
    assert record.upload is not None
    said = Correction(labels[0], "me", at, sha256=sha256, labels=labels if len(labels) > 1 else None)
    return replace(record, upload=replace(record.upload, sha256=sha256), correction=said).finished(at)


def counted(
    index: Index,
    said: Collection[Said],
    known: Mapping[str, Collection[str]] | None = None,
    *,
    has_several: bool = False,
    since: str = "",
) -> Corrections:
    """What is counted of uploads of which each was said: its content, its labels, and on which day of November."""
    take_in(
        index,
        [
            corrected(f"{number}.jpg", tuple(labels.split()), sha256, f"2026-11-{day}T00:00:00.000Z")
            for number, (sha256, labels, day) in enumerate(said)
        ],
    )
    return corrections(index, lambda project: True, since, known or {}, has_several=has_several)


def test_uploads_of_one_content_count_once(index: Index) -> None:
    found = counted(index, [(ONE, "cat", "01"), (ONE, "cat", "02"), (OTHER, "dog", "03")])
    assert (found.count, found.labels, found.at_odds) == (2, {"cat": 1, "dog": 1}, 0)


def test_one_content_under_several_labels_is_said(index: Index) -> None:
    found = counted(index, [(ONE, "cat", "01"), (ONE, "cat", "02"), (ONE, "dog", "03"), (OTHER, "dog", "01")])
    assert (found.count, found.labels, found.at_odds) == (2, {"dog": 2}, 1)


def test_where_there_may_be_several_labels_the_last_that_was_said_counts(index: Index) -> None:
    found = counted(index, [(ONE, "cat dog", "09"), (ONE, "cat", "01")], has_several=True)
    assert (found.count, found.labels, found.at_odds) == (1, {"cat": 1, "dog": 1}, 0)


def test_a_labelled_picture_of_which_a_correction_says_others_is_learned_with_those(index: Index) -> None:
    said = [(KNOWN, "cat dog", "02"), (KNOWN, "cat", "01"), (KNOWN, "owl", "01"), (ONE, "owl", "01")]
    found = counted(index, said, {KNOWN: ("cat",)}, has_several=True)
    assert (found.count, found.labels, found.relabelled) == (1, {"owl": 1}, {KNOWN: ("cat", "dog")})
    assert found.contradicted == 0
    found = counted(index, said, {KNOWN: ()}, has_several=True)
    assert (found.contradicted, found.relabelled) == (3, {}), "of one that shows none of the labels"
    found = counted(index, said, {KNOWN: ("cat",)})
    assert (found.contradicted, found.relabelled) == (1, {}), "where it can have one label"


@pytest.mark.parametrize(
    ("days", "new"), [(("01", "02"), 0), (("02", "20"), 0), (("20", "21"), 1)], ids=["before", "again", "since"]
)
def test_a_content_is_new_if_nobody_had_said_the_same_before(index: Index, days: tuple[str, str], new: int) -> None:
    found = counted(index, [(ONE, "cat", day) for day in days], since="2026-11-10T00:00:00.000Z")
    assert (found.count, found.new) == (1, new)
