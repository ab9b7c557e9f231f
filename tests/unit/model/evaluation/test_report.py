"""What is told of an evaluation."""

import json

import numpy as np

from imagestore.store.custom_vision import Claim
from model.evaluation.evaluate import Evaluation
from model.evaluation.report import Report
from preprocess import Limits
from unit.model.evaluations import described
from unit.model.labelled_pictures import examples_of, labelled, scene
from unit.pictures import encoded


def test_the_report_holds_its_figures_and_shows_labels_inert() -> None:
    hostile = "<script>alert(1)</script>"
    sources = [labelled((hostile, "b", "c")[s % 3], f'"{s}"><b>', encoded(scene(s))) for s in range(30)]
    examples = examples_of(sources)
    chance = np.random.default_rng(1)
    probabilities = chance.dirichlet(np.ones(3), 30)
    model = described((hostile, "b", "c"))
    claims = (Claim(hostile, None, 0.9, 0.8),)
    report = Report.of(Evaluation(model, examples, probabilities, np.full(30, 5.0)), 1000, 2, claims=claims)
    page = report.to_html(Limits()).decode()
    assert hostile not in page
    assert "&lt;script&gt;" in page
    assert "What Custom Vision claimed, and what is so here" in page
    assert 'src="data:image/webp;base64,' in page
    assert "http" not in page.replace("http-equiv", ""), "it needs no other file"
    figures = json.loads(report.to_json())
    assert figures["metrics"]["count"] == 30
    assert figures["unreadable"] == 2
    assert figures["sentence"].startswith(f"Right on {figures['metrics']['accuracy']['right']} of 30 (")
