"""What Custom Vision claimed stands beside what held-out pictures show, by the same rule."""

import json
from dataclasses import replace

import numpy as np
import pytest

from imagestore.store.custom_vision import Claim, TagClaim
from model.evaluation.claims import compared
from model.evaluation.evaluate import Evaluation
from model.evaluation.several_report import report_of
from unit.model.evaluations import described, eighty

HOSTILE = "<b>Iteration 2</b>"
CLAIMS = (
    Claim("Iteration 1", "2026-10-01T09:00:00.000Z", 0.7, 0.6, 0.65),
    Claim(HOSTILE, "2026-11-01T09:00:00.000Z", 0.95, 0.9, 0.97, (TagClaim("a", 0.96, 0.91, 0.98),)),
)


def evaluated(*, several: bool = False) -> Evaluation:
    """Forty pictures of each of two labels. Of 'a' ten are not given it, of which five are given 'b'; the other five
    are given nothing, at 0.5 to 0.5 less a hair."""
    examples = eighty()
    probabilities = np.array([(0.9, 0.1) if example.label == "a" else (0.1, 0.9) for example in examples])
    of_a = [i for i, example in enumerate(examples) if example.label == "a"]
    probabilities[of_a[:5]], probabilities[of_a[5:10]] = (0.1, 0.9), (0.499, 0.499)
    model = replace(described(("a", "b")), has_several=several)
    return Evaluation(model, examples, probabilities, np.ones(80))


@pytest.mark.parametrize("several", [False, True])
def test_both_are_told_in_json_and_on_the_page(several: bool) -> None:
    report = report_of(evaluated(several=several), 1000, claims=CLAIMS)
    found = json.loads(report.to_json())["claimed"]
    assert [one["precision"] for one in found["claims"]] == [0.7, 0.95]
    assert (found["threshold"], found["pictures"]) == (0.5, 80)
    a, b = found["labels"]
    assert a["claimed"]["recall"] == 0.91
    assert (a["here"]["precision"]["right"], a["here"]["precision"]["of"]) == (30, 30)
    assert (a["here"]["recall"]["right"], a["here"]["recall"]["of"]) == (30, 40)
    assert b["claimed"] is None
    assert (b["here"]["precision"]["right"], b["here"]["precision"]["of"]) == (40, 45)
    here = found["here"]
    assert (here["precision"]["right"], here["precision"]["of"], here["recall"]["of"]) == (70, 75, 80)
    assert here["average_precision"] == pytest.approx(
        (a["here"]["average_precision"] + b["here"]["average_precision"]) / 2
    )
    assert "precision of 0.950 and a recall of 0.900" in found["sentence"]
    assert "m 1 has 0.933 and 0.875 on 80 pictures" in found["sentence"]


def test_the_tables_of_the_page_have_both() -> None:
    whole = report_of(evaluated(), 1000, claims=CLAIMS)
    rows = whole._claims()
    assert [row[0] for row in rows] == ["Iteration 1", HOSTILE, "Here, on 80 held-out pictures"]
    assert whole._claims_by_label()[0][:3] == ("a", "40", "0.960")


def test_without_claims_there_is_nothing_of_it() -> None:
    assert compared((), evaluated()) is None
    nobody = Evaluation(described(("a", "b")), [], np.zeros((0, 2)), np.zeros(0))
    assert compared(CLAIMS, nobody) is None, "of no pictures nothing is found"
    report = report_of(evaluated(), 1000)
    assert "claimed" not in json.loads(report.to_json())


def test_the_limit_is_half_as_the_service_counts() -> None:
    found = evaluated()
    found.probabilities[0] = (0.5, 0.5)
    told = compared(CLAIMS, found)
    assert told is not None
    assert told.here.precision.of == 76
