"""The families of the default model, and where they come from."""

import json

import pytest

from classify import load_model
from model.default.build import DEFAULT, FAMILIES, imagenet_labels
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


def test_no_family_says_next_to_nothing() -> None:
    assert not {"entity", "object", "artifact", "organism", "whole", "container", "instrumentality"} & set(TABLE)
    assert max(len(members) for members in TABLE.values()) < 400


def test_they_are_in_the_model_file() -> None:
    model = load_model(DEFAULT)
    found = {family.label: [model.labels[number] for number in family.classes] for family in model.families}
    assert found == TABLE
