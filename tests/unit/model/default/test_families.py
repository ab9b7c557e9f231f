"""The families of the default model, and where they come from."""

import json

import pytest

from classify import load_model
from model.default.build import (
    BROAD,
    BROAD_THRESHOLD,
    DEFAULT,
    FAMILIES,
    FAMILY_THRESHOLD,
    THRESHOLD,
    imagenet_labels,
)
from model.default.families import WORDNET, families

TABLE = json.loads(FAMILIES.read_text("utf-8"))


@pytest.mark.skipif(not WORDNET.exists(), reason="needs Debian's wordnet-base")
def test_wordnet_makes_the_committed_table() -> None:
    assert families() == TABLE


def test_names_are_unique_across_classes_and_families() -> None:
    names = [name.casefold() for name in (*imagenet_labels(), *TABLE)]
    assert len(set(names)) == len(names)


def test_families_hold_what_a_person_expects() -> None:
    assert {"tabby", "tiger cat", "Egyptian cat"} <= set(TABLE["cat"])
    assert "lion" in TABLE["big cat"]
    assert "beagle" in TABLE["dog"]
    assert {"construction crane", "drake"}.isdisjoint(TABLE["wading bird"])
    assert "crane bird" in TABLE["wading bird"]
    assert "acoustic guitar" in TABLE["musical instrument"]
    assert "espresso" in TABLE["food"]
    assert {"school bus", "cab", "canoe", "mountain bike", "airliner"} <= set(TABLE["vehicle"])
    assert {"bubble", "umbrella"}.isdisjoint(TABLE["ball"])


def test_no_family_says_next_to_nothing() -> None:
    assert not {"entity", "object", "artifact", "organism", "whole", "container", "instrumentality"} & set(TABLE)
    assert max(len(members) for members in TABLE.values()) < 400


def test_they_are_in_the_model_file() -> None:
    model = load_model(DEFAULT)
    found = {family.label: [model.labels[number] for number in family.classes] for family in model.families}
    assert found == TABLE


def test_what_says_least_is_answered_from_less_on_than_what_says_more() -> None:
    thresholds = {family.label: family.threshold for family in load_model(DEFAULT).families}
    assert {label for label, threshold in thresholds.items() if threshold == BROAD_THRESHOLD} == set(BROAD)
    assert {threshold for label, threshold in thresholds.items() if label not in BROAD} == {FAMILY_THRESHOLD}
    assert BROAD_THRESHOLD < FAMILY_THRESHOLD < THRESHOLD
