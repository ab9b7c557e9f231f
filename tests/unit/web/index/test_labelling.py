"""What is labelled next, and in which groups."""

from dataclasses import replace

from classify import ModelLabels, ModelRef
from imagestore.pipeline.labelling.correct import wrong_answer
from imagestore.record import Correction
from imagestore.web.index.index import Index
from imagestore.web.index.labelling import DIGITS, count_unlabelled, digits, groups
from imagestore.web.index.queries import Filter
from unit.web.records import picture, rejected, take_in

CORRECTION = Correction("lynx", "maria", "2026-11-21T09:00:00.000Z")


def test_look_alikes_are_one_group_and_equal_suggestions_stand_together(index: Index) -> None:
    burst = [picture(f"burst {n}.jpg", "rose", 0.5, phash=f"{(1 << n) - 1:016x}") for n in range(4)]
    other_look = picture("one.jpg", "tabby", 0.9, phash="ffffffffffffffff")
    same_suggestion = picture("two.jpg", "rose", 0.8, phash="00ff00ff00ff00ff")
    odd_one = picture("odd one.jpg", "lynx", 0.4, phash="0000000000000000")
    labelled = replace(picture("told.jpg", phash="0f0f0f0f0f0f0f0f"), correction=CORRECTION).finished("2026-11-21")
    take_in(index, [*burst, other_look, same_suggestion, odd_one, labelled, rejected("bad.jpg")])
    found = groups(index, Filter())
    assert [(group.suggestion, {one.name for one in group.records}) for group in found] == [
        ("rose", {"two.jpg"}),
        ("rose", {"odd one.jpg", *(one.name for one in burst)}),
        ("tabby", {"one.jpg"}),
    ]
    assert [group.confidence for group in found] == [0.8, 0.5, 0.9]
    assert count_unlabelled(index, Filter()) == 7
    assert [len(group.records) for group in groups(index, Filter(text="burst"))] == [4]


def test_pictures_without_a_hash_are_each_their_own_group(index: Index) -> None:
    made = [picture(f"{n}.jpg") for n in range(3)]
    take_in(index, [replace(one, image=one.image and replace(one.image, phash=None)) for one in made])
    assert len(groups(index, Filter())) == 3


def test_the_digits_are_the_labels_that_people_give_most(index: Index) -> None:
    model = ModelLabels(ModelRef("m", "1", "f" * 64), tuple(f"label {n}" for n in range(20)))
    told = [("lynx", 1), ("owl", 3)]
    take_in(
        index,
        [
            replace(picture(f"{label} {n}.jpg"), correction=replace(CORRECTION, label=label)).finished("2026-11-21")
            for label, count in told
            for n in range(count)
        ],
    )
    found = digits(index, [model], ["tabby", "lynx"])
    assert found[:4] == ["owl", "lynx", "tabby", "label 0"]
    assert len(found) == DIGITS


def test_what_is_said_to_be_wrong_comes_first_with_the_next_likely_label(index: Index) -> None:
    usual = picture("a.jpg", confidence=0.9)
    made = picture("b.jpg", confidence=0.5)
    wrong = replace(made, wrong=wrong_answer(made, "maria")).finished("2026-11-22T09:00:00.000Z")
    take_in(index, [usual, wrong])
    first, second = groups(index, Filter())
    assert [(one.suggestion, one.is_wrong, one.confidence) for one in (first, second)] == [
        ("other", True, 0.1), ("tabby", False, 0.9),
    ]  # fmt: skip
    assert [len(groups(index, Filter(wrong=one))) for one in (True, False)] == [1, 1]
    assert count_unlabelled(index, Filter()) == 2
