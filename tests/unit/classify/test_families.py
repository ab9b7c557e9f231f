"""Where no class is sure but a family of classes is, the family is the answer."""

import json
from typing import Any

import numpy as np
import pytest

from classify import Family, ModelError
from classify.families import families_in, surest_family

LABELS = ("tabby", "tiger cat", "Egyptian cat", "beagle", "espresso")
CAT, PET = Family("cat", (0, 1, 2), 0.5), Family("pet", (0, 1, 2, 3), 0.5)


def metadata(table: Any, threshold: str = "0.5") -> dict[str, str]:
    return {"families": table if isinstance(table, str) else json.dumps(table), "family_threshold": threshold}


def test_a_model_file_without_families_has_none() -> None:
    assert families_in({"labels": "…"}, LABELS) == ()


def test_families_are_read_the_most_specific_first() -> None:
    table = {"pet": ["beagle", "tabby", "tiger cat", "Egyptian cat"], "cat": ["tabby", "tiger cat", "Egyptian cat"]}
    assert families_in(metadata(table), LABELS) == (CAT, PET)


@pytest.mark.parametrize(
    ("probabilities", "label"),
    [
        ([0.33, 0.23, 0.14, 0.2, 0.1], "cat"),
        ([0.2, 0.1, 0.1, 0.4, 0.2], "pet"),
        ([0.1, 0.1, 0.1, 0.1, 0.6], None),
        ([0.25, 0.25, 0.0, 0.0, 0.5], "cat"),
    ],
)
def test_the_most_specific_family_that_is_sure_enough_is_the_answer(
    probabilities: list[float], label: str | None
) -> None:
    found = surest_family((CAT, PET), np.array(probabilities))
    assert (found and found.label) == label


def test_a_family_may_have_a_threshold_of_its_own() -> None:
    table = {"cat": ["tabby", "tiger cat", "Egyptian cat"], "pet": ["beagle", "tabby", "tiger cat", "Egyptian cat"]}
    own = metadata(table, "0.9") | {"family_thresholds": '{"pet": 0.5}'}
    found = families_in(own, LABELS)
    assert {family.label: family.threshold for family in found} == {"cat": 0.9, "pet": 0.5}
    for probabilities, label in (([0.5, 0.2, 0.1, 0.1, 0.1], "pet"), ([0.5, 0.3, 0.1, 0.0, 0.1], "cat")):
        sure = surest_family(found, np.array(probabilities))
        assert sure is not None
        assert sure.label == label


def test_of_two_families_of_one_size_the_likelier_is_the_answer() -> None:
    rivals = (Family("a", (0, 1), 0.3), Family("b", (2, 3), 0.3))
    found = surest_family(rivals, np.array([0.2, 0.15, 0.3, 0.15, 0.2]))
    assert found is not None
    assert found.label == "b"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (metadata("[" * 100_000), "not a JSON object of lists of labels"),
        (metadata(["cat"]), "not a JSON object of lists of labels"),
        (metadata({"cat": []}), "not a JSON object of lists of labels"),
        (metadata({"cat": "tabby"}), "not a JSON object of lists of labels"),
        (metadata('{"cat": ["tabby"], "cat": ["beagle"]}'), "not a JSON object of lists of labels"),
        (metadata({"Tabby": ["tabby"]}), "has 'Tabby', which is empty, reserved, or also the name of a label"),
        (metadata({"unknown": ["tabby"]}), "has 'unknown'"),
        (metadata({"cat": ["tabby"], "Cat": ["beagle"]}), "has 'Cat'"),
        (metadata({"cat": ["lynx"]}), "has 'lynx' in 'cat', which is no label"),
        ({"families": '{"cat": ["tabby"]}'}, "lacks family_threshold, which families needs"),
        (metadata({"cat": ["tabby"]}, "much"), "family_threshold is 'much'; it takes a confidence above 0"),
        (metadata({"cat": ["tabby"]}, "0"), "family_threshold is '0'"),
        (metadata({"cat": ["tabby"]}, "nan"), "family_threshold is 'nan'"),
        (metadata({"cat": ["tabby"]}) | {"family_thresholds": "[]"}, "family_thresholds is not a JSON object of conf"),
        (metadata({"cat": ["tabby"]}) | {"family_thresholds": "{"}, "family_thresholds is not a JSON object of conf"),
        (metadata({"cat": ["tabby"]}) | {"family_thresholds": '{"cat": 0.5, "cat": 0.6}'}, "is not a JSON object"),
        (metadata({"cat": ["tabby"]}) | {"family_thresholds": '{"dog": 0.5}'}, "has 'dog', which is none of its"),
        (metadata({"cat": ["tabby"]}) | {"family_thresholds": '{"cat": true}'}, "has True for 'cat'; it takes a conf"),
        (metadata({"cat": ["tabby"]}) | {"family_thresholds": '{"cat": NaN}'}, "has nan for 'cat'"),
        (metadata({"cat": ["tabby"]}) | {"family_thresholds": '{"cat": 0}'}, "has 0 for 'cat'"),
    ],
)
def test_what_cannot_be_used_is_said(given: dict[str, str], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        families_in(given, LABELS)
