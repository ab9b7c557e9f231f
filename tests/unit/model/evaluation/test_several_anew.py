"""Two ways of making a model of several labels are compared on the pictures that they learned from."""

import hashlib
from dataclasses import asdict, replace

import numpy as np
import pytest

from model.evaluation.anew import Anew, shared
from model.evaluation.gate import Outcome
from model.evaluation.several_anew import compare_anew
from model.training.backbones import net_of
from model.training.choose import Choice
from model.training.examples import Example
from model.training.features import Backbone
from model.training.kept_arrays import KeptArrays
from model.training.provenance import Provenance
from model.training.recipe import Recipe
from preprocess import Limits
from unit.model.labelled_pictures import labelled, quiet

COUNT = 120
NAMES = ("a", "b", "c")
HOLDS = np.random.default_rng(7).random((COUNT, 3)) < np.array([0.5, 0.4, 0.3])
TRUTH = [tuple(name for name, own in zip(NAMES, row, strict=True) if own) for row in HOLDS]


@pytest.fixture(scope="module")
def pictures() -> list[Example]:
    thumb = np.zeros((32, 32), np.uint8)
    shas = [hashlib.sha256(bytes([n])).hexdigest() for n in range(COUNT)]
    return [
        Example(labelled(own, str(n), b""), sha, sha, thumb)
        for n, (sha, own) in enumerate(zip(shas, TRUTH, strict=True))
    ]


@pytest.fixture(scope="module")
def kept(pictures: list[Example]) -> KeptArrays:
    """Features to which each label adds something of its own."""
    found, chance = KeptArrays(), np.random.default_rng(0)
    net = net_of(Recipe())
    basis = {"backbone": Backbone(net.graph, net.spec).sha256, "spec": asdict(net.spec), "limits": asdict(Limits())}
    rows = np.abs(HOLDS @ np.eye(3, 1280) * 4.0 + chance.normal(0, 0.5, (COUNT, 1280))).astype(np.float32)
    for example, row in zip(pictures, rows, strict=True):
        found.table("features", **basis).add(example.sha256, row)
    return found


def made(pictures: list[Example], labels: list[tuple[str, ...]]) -> Provenance:
    """How a model was made that learned these labels of the pictures."""
    learned: dict[str, str | list[str]] = {e.sha256: list(own) for e, own in zip(pictures, labels, strict=True)}
    choice = Choice(Recipe(), len(labels), [])
    return Provenance("", "", len(labels), "", 1, False, False, 0, 0.03, 0.9, choice, learned=learned)


def compared(candidate: Provenance, live: Provenance, pictures: list[Example], kept: KeptArrays) -> Anew:
    found = compare_anew(candidate, live, pictures, np.arange(len(pictures)), Limits(), quiet, kept)
    assert found is not None
    return found


def test_the_same_way_on_the_same_pictures_differs_in_nothing(pictures: list[Example], kept: KeptArrays) -> None:
    one = made(pictures, TRUTH)
    found = compared(one, one, pictures, kept)
    assert (found.comparison.difference, found.comparison.outcome) == (0, Outcome.CANNOT_TELL)
    assert found.comparison.candidate_f1 > 0.9
    assert (found.comparison.count, found.disputed) == (COUNT, 0)
    assert "with what training had chosen on some of these, and thresholds from these answers" in found.details()[0]


def test_worse_labels_show_and_those_that_differ_do_not_count(pictures: list[Example], kept: KeptArrays) -> None:
    shuffled = [*TRUTH[7:60], *TRUTH[:7], *TRUTH[60:]]
    found = compared(made(pictures, shuffled), made(pictures, TRUTH), pictures, kept)
    assert found.comparison.outcome is Outcome.WORSE
    assert found.disputed == sum(one != other for one, other in zip(shuffled, TRUTH, strict=True)) > 20
    assert found.comparison.count == COUNT - found.disputed


def test_a_label_that_only_one_learned_is_no_dispute(pictures: list[Example], kept: KeptArrays) -> None:
    without = [tuple(label for label in own if label != "c") for own in TRUTH]
    found = compared(made(pictures, TRUTH), made(pictures, without), pictures, kept)
    assert (found.disputed, found.comparison.common, found.comparison.only_candidate) == (0, ["a", "b"], ["c"])


def test_too_few_pictures_or_no_label_in_common_are_not_compared(pictures: list[Example], kept: KeptArrays) -> None:
    one = made(pictures, TRUTH)
    assert len(shared(one, one)) == COUNT
    assert compare_anew(one, one, pictures[:19], np.arange(19), Limits(), quiet, kept) is None
    other = replace(one, learned={sha256: ["z"] for sha256 in one.learned})
    assert compare_anew(one, other, pictures, np.arange(COUNT), Limits(), quiet, kept) is None
