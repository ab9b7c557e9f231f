"""What is told of an evaluation of a model that knows several labels a picture."""

import json
from dataclasses import replace

import numpy as np

from model.evaluation.evaluate import Evaluation
from model.evaluation.report import Report
from model.evaluation.several_report import SeveralReport, report_of
from preprocess import Limits
from unit.model.evaluations import described
from unit.model.labelled_pictures import examples_of, labelled, scene
from unit.pictures import encoded

HOSTILE = "<script>alert(1)</script>"
LABELS = (HOSTILE, "b", "c")


def evaluated() -> Evaluation:
    given = [(HOSTILE,), ("b", "c"), (), ("b",)]
    examples = examples_of([labelled(given[s % 4], f'"{s}"><b>', encoded(scene(s))) for s in range(32)])
    holds = np.array([[label in example.labels for label in LABELS] for example in examples])
    off = np.random.default_rng(1).random(holds.shape) < 0.1
    return Evaluation(
        replace(described(LABELS), has_several=True), examples, np.where(holds ^ off, 0.8, 0.2), np.ones(32)
    )


def test_the_report_holds_its_figures_and_shows_labels_inert() -> None:
    report = report_of(evaluated(), 1000, 2)
    assert isinstance(report, SeveralReport)
    page = report.to_html(Limits()).decode()
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert 'src="data:image/webp;base64,' in page
    assert "given none of the labels" in page
    assert "http" not in page.replace("http-equiv", ""), "it needs no other file"
    assert page.count("<svg") == 4, "a curve for each label, and how likely against how often"


def test_programs_that_know_one_label_a_picture_find_what_they_read() -> None:
    figures = json.loads(report_of(evaluated(), 1000).to_json())
    metrics = figures["metrics"]
    assert metrics["labels_per_picture"] == "several"
    assert metrics["accuracy"]["of"] == metrics["count"] == 32
    assert 0 < metrics["macro_f1"] < 1
    assert [(one["label"], one["count"]) for one in metrics["classes"]] == [(HOSTILE, 8), ("b", 16), ("c", 8)]
    assert all({"precision", "recall", "f1", "average_precision"} <= one.keys() for one in metrics["classes"])
    assert metrics["without"] == 8
    assert figures["sentence"].startswith(f"All labels right on {metrics['accuracy']['right']} of 32 (")


def test_a_model_with_one_label_a_picture_has_the_report_of_its_kind() -> None:
    found = evaluated()
    examples = [example.with_labels(example.labels[:1] or ("b",)) for example in found.examples]
    one = replace(found, model=described(LABELS), examples=examples)
    assert isinstance(report_of(one, 1000), Report)
