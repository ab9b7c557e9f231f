"""What is labelled in a project, and whether it is enough to learn from."""

from imagestore.pipeline.labelling.labelled import tally
from imagestore.pipeline.labelling.learnable import FEWEST, NOTHING_TO_TEST_WITH, WANTED, Learnable, learnable
from imagestore.store.projects import LabelsPerPicture, Project
from imagestore.store.training import ListedPicture

ONE, SEVERAL = Project("p", "P"), Project("p", "P", LabelsPerPicture.SEVERAL)


def kept(count: int, *labels: str, negative: bool = False, is_there: bool = True) -> list[ListedPicture]:
    return [ListedPicture(f"{n:064d}", "e", is_there, labels, negative, None, "") for n in range(count)]


def found(pictures: list[ListedPicture], project: Project = ONE, **corrections: int) -> Learnable:
    return learnable(project, tally(pictures), corrections)


def test_it_says_of_each_label_what_is_there_and_what_is_missing() -> None:
    state = found([*kept(40, "bird"), *kept(2, "fish"), *kept(3, "gone", is_there=False)], fish=1)
    assert [(one.label, one.pictures, one.corrections, one.missing, one.wanted) for one in state.labels] == [
        ("fish", 2, 1, 2, 27),
        ("bird", 40, 0, 0, 0),
    ]
    assert state.problems == [f"fish: 3, at least {FEWEST} needed, {WANTED} wanted."]
    assert not found([*kept(40, "bird"), *kept(2, "fish")], fish=3).problems


def test_a_label_that_few_corrections_gave_is_left_out_and_hinders_nothing() -> None:
    state = found([*kept(5, "bird"), *kept(5, "fish")], lynx=1)
    assert state.problems == []
    assert state.left_out == [
        f"'lynx' was given to 1 corrected upload alone, and is left out until there are {FEWEST}."
    ]
    assert "only the label 'bird'" in found(kept(5, "bird"), lynx=1).problems[0]


def test_corrections_alone_leave_nothing_to_test_with() -> None:
    assert found([*kept(40, negative=True)], a=40, b=40).problems == [NOTHING_TO_TEST_WITH]
    assert found([*kept(1, "a")], a=40, b=40).problems == []


def test_what_would_be_refused_is_said_before() -> None:
    assert found([]).problems == ["There is no label yet; at least two labels are needed."]
    assert "there are 3" in found([*kept(5, "a"), *kept(5, "b"), *kept(3, negative=True)]).problems[0]
    assert "cannot be a label" in found([*kept(5, "unknown"), *kept(5, "b")]).problems[0]
    alone = found([*kept(9, "a"), *kept(2, "b", "a")], SEVERAL)
    assert any(line.startswith("'a' is learned from pictures with it and without it: 0") for line in alone.problems)
    assert not found([*kept(5, "a", "b"), *kept(5, negative=True)], SEVERAL).problems


def test_labels_that_differ_by_case_alone_are_asked_about() -> None:
    assert found([*kept(5, "Cat"), *kept(5, "cat"), *kept(5, "dog")]).same_case == [["Cat", "cat"]]


def test_pictures_without_a_label_wait() -> None:
    assert found([*kept(3), *kept(2, negative=True)]).unlabelled == 3
