"""Both ways of making a model, trained anew in the same folds."""

import hashlib
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from model.evaluation import anew
from model.evaluation.anew import Anew, compare_anew, shared
from model.evaluation.gate import Outcome
from model.training import head
from model.training.backbones import net_of
from model.training.choose import Choice, Tried
from model.training.examples import Example
from model.training.features import Backbone
from model.training.imbalance import Balance, Balancing
from model.training.kept_arrays import KeptArrays
from model.training.provenance import Provenance
from model.training.recipe import Held, Recipe
from preprocess import Fit, Limits
from unit.model.labelled_pictures import labelled, quiet

COUNT = 120
GOOD, BAD = Recipe(), Recipe(fit=Fit.PAD)


@pytest.fixture(scope="module")
def pictures() -> list[Example]:
    """Pictures of three labels in turn, whose files nobody reads, since their features are kept."""
    thumb = np.zeros((32, 32), np.uint8)
    shas = [hashlib.sha256(bytes([n])).hexdigest() for n in range(COUNT)]
    return [Example(labelled("abc"[n % 3], str(n), b""), sha, sha, thumb) for n, sha in enumerate(shas)]


@pytest.fixture(scope="module")
def kept(pictures: list[Example]) -> KeptArrays:
    """Features that tell the labels for the most part with the good recipe, and less with the bad one."""
    found, chance = KeptArrays(), np.random.default_rng(0)
    for recipe, apart in ((GOOD, 3.0), (BAD, 1.2)):
        net = net_of(recipe)
        basis = {"backbone": Backbone(net.graph, net.spec).sha256, "spec": asdict(net.spec), "limits": asdict(Limits())}
        rows = np.abs(np.eye(3, 1280)[np.arange(COUNT) % 3] * apart + chance.normal(0, 0.5, (COUNT, 1280)))
        rows = rows.astype(np.float32)
        for example, row in zip(pictures, rows, strict=True):
            found.table("features", **basis).add(example.sha256, row)
    return found


def made(pictures: list[Example], labels: list[str], recipe: Recipe = GOOD) -> Provenance:
    """How a model was made that learned these labels of the pictures."""
    learned = {e.sha256: label for e, label in zip(pictures, labels, strict=True)}
    held = Held(**asdict(recipe))
    choice = Choice(recipe, len(labels), [])
    return Provenance("", "", len(labels), "", 1, False, False, 0, 0.03, 0.9, choice, held=held, learned=learned)


def compared(candidate: Provenance, live: Provenance, pictures: list[Example], kept: KeptArrays) -> Anew:
    found = compare_anew(candidate, live, pictures, np.arange(len(pictures)), Limits(), quiet, kept)
    assert found is not None
    return found


def test_a_worse_recipe_shows_on_pictures_that_were_learned_from(pictures: list[Example], kept: KeptArrays) -> None:
    labels = [e.label for e in pictures]
    found = compared(made(pictures, labels, BAD), made(pictures, labels), pictures, kept)
    assert found.comparison.outcome is Outcome.WORSE
    assert (found.comparison.count, found.is_nested) == (COUNT, True)
    assert "chosen anew in each fold. With 120 pictures a difference of less than" in found.details()[0]


def test_the_same_way_on_the_same_pictures_differs_in_nothing(pictures: list[Example], kept: KeptArrays) -> None:
    labels = [e.label for e in pictures]
    found = compared(made(pictures, labels), made(pictures, labels), pictures, kept)
    assert (found.comparison.difference, found.comparison.outcome) == (0, Outcome.CANNOT_TELL)


def test_worse_labels_show_and_those_that_differ_do_not_count(pictures: list[Example], kept: KeptArrays) -> None:
    """It is not said which of two labels is right."""
    labels = [e.label for e in pictures]
    chance, wrong = np.random.default_rng(1), list(labels)
    for i in chance.permutation(COUNT)[:50]:
        wrong[i] = str(chance.choice(["a", "b", "c"]))
    disputed = sum(one != other for one, other in zip(labels, wrong, strict=True))
    found = compared(made(pictures, wrong, GOOD), made(pictures, labels), pictures, kept)
    assert found.disputed == disputed > 20
    assert found.comparison.count == COUNT - disputed
    assert found.comparison.difference < 0
    assert f"{disputed} pictures have another label than the live model learned" in found.details()[1]


def test_more_pictures_to_learn_from_show(pictures: list[Example], kept: KeptArrays) -> None:
    few = made(pictures[:12], [e.label for e in pictures[:12]], BAD)
    found = compared(made(pictures, [e.label for e in pictures], BAD), few, pictures, kept)
    assert found.comparison.difference > 0
    assert found.disputed == 0


def test_what_was_chosen_is_kept_where_there_are_many_and_it_is_said(
    pictures: list[Example], kept: KeptArrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anew, "MOST_FOR_CHOICES", 100)
    labels = [e.label for e in pictures]
    found = compared(made(pictures, labels, BAD), made(pictures, labels), pictures, kept)
    assert found.comparison.outcome is Outcome.WORSE
    assert "with what training had chosen on some of these" in found.details()[0]


def test_too_few_pictures_are_not_compared(pictures: list[Example], kept: KeptArrays) -> None:
    one = made(pictures, [e.label for e in pictures])
    assert compare_anew(one, one, pictures[:19], np.arange(19), Limits(), quiet, kept) is None
    other = replace(one, learned=dict.fromkeys(one.learned, "z"))
    assert compare_anew(one, other, pictures, np.arange(COUNT), Limits(), quiet, kept) is None


def test_of_many_pictures_as_many_of_each_label_as_possible_are_taken(
    pictures: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anew, "MOST", 12)
    one = made(pictures, ["a"] * 116 + ["b"] * 4)
    chosen = shared(one, made(pictures[:2], ["a", "a"]))
    assert len(chosen) == 12
    assert sum(one.learned[sha256] == "b" for sha256 in chosen) == 4


def test_pictures_of_none_of_the_labels_are_learned_from_and_do_not_count(
    pictures: list[Example], kept: KeptArrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = ["" if e.label == "c" else e.label for e in pictures]
    for most in (anew.MOST_FOR_CHOICES, 100):
        monkeypatch.setattr(anew, "MOST_FOR_CHOICES", most)
        found = compared(made(pictures, labels), made(pictures, labels, BAD), pictures, kept)
        assert found.comparison.count == 80
        assert found.comparison.candidate_f1 > 0.9
        assert found.comparison.common == ["a", "b"]
        assert found.disputed == 0
    found = compared(made(pictures, labels), made(pictures, [e.label for e in pictures]), pictures, kept)
    assert found.disputed == 40, "whether it is a c is not said"


def test_a_version_is_trained_anew_from_the_ways_that_it_knew_and_with_the_weight_that_was_held(
    pictures: list[Example], kept: KeptArrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network or a way to read it that came later is no part of how it was made."""
    labels = [e.label for e in pictures]
    older, newer = made(pictures, labels), made(pictures, labels, BAD)
    tried = [Tried(recipe, 0.1, 0.9, 0.0, 0.0, 0.0) for recipe in (GOOD, replace(GOOD, colour=not GOOD.colour))]
    older = replace(
        older, choice=replace(older.choice, tried=tried), balancing=Balancing(Balance.BALANCED), held=Held()
    )
    asked: list[Held] = []

    def choosing(examples: list[Example], groups: np.ndarray, held: Held, *others: Any) -> Choice:
        asked.append(held)
        return Choice(GOOD, len(examples), [])

    weights: list[Balance | None] = []
    fit = head.fit

    def fitting(*arguments: Any, **others: Any) -> head.Head:
        weights.append(arguments[6])
        return fit(*arguments, **others)

    monkeypatch.setattr(anew, "choose", choosing)
    monkeypatch.setattr(head, "fit", fitting)
    compared(older, newer, pictures, kept)
    assert set(asked) == {Held(None, GOOD.fit, GOOD.level, GOOD.middle, GOOD.backbone, GOOD.views)}
    assert Balance.BALANCED in weights
