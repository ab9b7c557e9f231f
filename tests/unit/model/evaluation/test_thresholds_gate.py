"""A version that differs from the live one by its thresholds alone: the gate says what changes, a person decides."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classify.metadata import with_metadata
from imagestore.errors import PromotionRefused
from model import promote
from model.evaluation import gate, thresholds_gate
from model.evaluation.evaluate import Evaluation
from model.evaluation.thresholds_gate import OtherThresholds
from unit.model.evaluations import described
from unit.model.labelled_pictures import examples_of, labelled
from unit.model.test_promote import Lab, part_of
from unit.pictures import encoded


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A live version 1, whose surest answers are of light pictures, and twenty dark and twenty light test pictures."""
    levels = [*range(20), *range(230, 250)]
    sources = [labelled(("dark", "light")[n > 100], str(n), encoded(Image.new("L", (16, 16), n))) for n in levels]
    examples = examples_of(sources)
    monkeypatch.setattr(promote, "held_out", lambda *_: part_of(examples))
    made = Lab(tmp_path)
    made.add("1", bias=(1.0, 0.0), threshold="0.5")
    made.make_live("1")
    return made


def other(lab: Lab, version: str, **metadata: str) -> None:
    lab.registry.files["mine", version] = with_metadata(
        lab.registry.files["mine", "1"], {"version": version, **metadata}
    )


def test_it_passes_though_it_is_no_better(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "compare", lambda *_: pytest.fail("there is nothing to compare"))
    other(lab, "2", threshold="0.715")
    note = lab.promote("2").entry.note
    assert note.startswith("The weights are those of the live model, the thresholds others: of 40 test pictures")
    assert "it answers 38 % instead of 100 %, and is right on 100 % of these instead of 100 %" in note
    assert lab.live() == "2"
    assert lab.promote("1").entry.note.endswith("right on 100 % of these instead of 100 %."), "and back again"


def test_one_that_answers_nothing_is_refused(lab: Lab) -> None:
    other(lab, "2", threshold="1")
    with pytest.raises(PromotionRefused, match=r"answers 0 % instead of 100 %.* It is not promoted"):
        lab.promote("2")
    assert lab.live() == "1"


def test_other_weights_are_compared_as_ever(lab: Lab) -> None:
    lab.add("2", bias=(1.0, 0.1), threshold="0.5")
    with pytest.raises(PromotionRefused, match="too close to call"):
        lab.promote("2")


def test_what_changes_is_told_of_labels_where_several_may_hold() -> None:
    labels: list[tuple[str, ...]] = [("a",), ("a", "b"), (), ("b",)]
    sources = [labelled(one, str(n), encoded(Image.new("L", (16, 16), n))) for n, one in enumerate(labels)]
    model = replace(described(("a", "b")), has_several=True, threshold=0.8)
    found = np.array([[0.9, 0.6], [0.7, 0.9], [0.6, 0.1], [0.1, 0.3]])
    evaluation = Evaluation(model, examples_of(sources), found, np.ones(4))
    assert thresholds_gate.compare(evaluation, replace(model, threshold=0.5)) == OtherThresholds(
        4, (2 / 3, 2 / 3), (1.0, 3 / 5)
    )
    assert thresholds_gate.compare(replace(evaluation, model=replace(model, threshold=1.0)), model).answers_nothing
