"""Corrected uploads, to learn from: each content once."""

from typing import Any

import pytest

from imagestore.record import Status
from imagestore.store.records import Summary
from model.training.corrected import corrected
from model.training.training_set import all_with, begin, keep, with_content
from unit.model.labelled_pictures import labelled
from unit.web.memory import memory_stores


def summary(name: str, label: str, sha256: str | None = None, labels: tuple[str, ...] = (), at: str = "") -> Summary:
    return Summary(name, str(Status.CLASSIFIED), label, "1", None, None, labels, at, sha256)


@pytest.fixture
def stores() -> Any:
    return memory_stores()


def test_where_several_labels_may_hold_a_correction_gives_all_of_them_in_its_order(stores: Any) -> None:
    stores.records.corrections = lambda: [
        summary("b.jpg", "lynx", None, ("lynx", "cat"), "2026-01-02"), summary("a.jpg", "dog", None, (), "2026-01-01"),
    ]  # fmt: skip
    assert [one.labels for one in corrected(stores, "mine", has_several=True)] == [("dog",), ("lynx", "cat")]
    assert [one.labels for one in corrected(stores, "mine")] == [("lynx",), ("dog",)]


def test_what_is_a_labelled_picture_too_is_learned_once_unless_the_two_say_different_things(stores: Any) -> None:
    (picture,) = with_content([labelled("lynx", "lynx/1.png", b"one")], lambda: None)
    keep(begin(stores, "mine"), [picture], lambda: None)
    said = [summary("up.jpg", "lynx", picture.sha256), summary("other.jpg", "lynx", "f" * 64)]
    stores.records.corrections = lambda: said
    assert [one.name for one in all_with(stores, begin(stores, "mine"), [])] == ["lynx/1.png", "(corrected) other.jpg"]
    said[0] = summary("up.jpg", "puma", picture.sha256)
    assert [one.label for one in all_with(stores, begin(stores, "mine"), [])] == ["lynx", "puma", "lynx"]


def test_where_one_label_holds_a_later_correction_does_not_settle_what_an_earlier_one_says(stores: Any) -> None:
    """That it says what the labelled picture says leaves the two uploads at odds, which the training refuses."""
    (picture,) = with_content([labelled("lynx", "lynx/1.png", b"one")], lambda: None)
    keep(begin(stores, "mine"), [picture], lambda: None)
    stores.records.corrections = lambda: [
        summary("early.jpg", "puma", picture.sha256, (), "2026-01-01"),
        summary("late.jpg", "lynx", picture.sha256, (), "2026-01-02"),
    ]
    found = all_with(stores, begin(stores, "mine"), [])
    assert [(one.name, one.label) for one in found] == [("lynx/1.png", "lynx"), ("(corrected) early.jpg", "puma")]


@pytest.mark.parametrize("later", ["lynx", "puma"])
def test_where_several_labels_may_hold_the_last_correction_of_a_content_counts_also_if_it_says_what_is_kept(
    stores: Any, later: str
) -> None:
    (picture,) = with_content([labelled("lynx", "lynx/1.png", b"one")], lambda: None)
    keep(begin(stores, "mine"), [picture], lambda: None)
    earlier = "puma" if later == "lynx" else "lynx"
    stores.records.corrections = lambda: [
        summary("late.jpg", later, picture.sha256, (later,), "2026-01-02"),
        summary("early.jpg", earlier, picture.sha256, (earlier,), "2026-01-01"),
        summary("unread.jpg", "dog", None, ("dog",), "2026-01-01"),
        summary("read never.jpg", "dog", None, ("dog",), "2026-01-03"),
    ]
    found = all_with(stores, begin(stores, "mine"), [], has_several=True)
    dogs = ["(corrected) unread.jpg", "(corrected) read never.jpg"]
    late = ["(corrected) late.jpg"] if later == "puma" else []
    assert [one.name for one in found] == ["lynx/1.png", dogs[0], *late, dogs[1]]
