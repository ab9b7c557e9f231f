"""`imagestore models threshold` and `compare`: over the stores, and against a distant web app."""

from collections.abc import Callable, Iterator
from typing import cast

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imagestore.accounts.roles import Role
from imagestore.cli import distant_jobs, output
from imagestore.cli import stores as opened
from imagestore.jobs.job import JobResult, JobState, NewThreshold
from imagestore.settings import Settings
from imagestore.store import Stores
from unit.jobs.conftest import PlayedRunner
from unit.memory_items import MemoryItems
from unit.web.conftest import guarded, guarded_app, people, services, stores
from unit.web.signed_in import Person
from unit.web.tested_versions import keep_tested

from .distant import Command, Outcome, command, in_this_process

__all__ = ["guarded", "guarded_app", "people", "services", "stores"]


@pytest.fixture
def distant(
    guarded_app: FastAPI,
    people: dict[Role, Person],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Command]:
    with TestClient(guarded_app, raise_server_exceptions=False) as http:
        yield command(http, monkeypatch, capsys, people[Role.TRAINER].secret)


@pytest.fixture(params=["distant", "here"])
def run(
    request: pytest.FixtureRequest, stores: Stores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    if request.param == "distant":
        asked: Command = request.getfixturevalue("distant")
        return asked
    monkeypatch.setattr(opened, "opened", lambda: stores)
    monkeypatch.setattr(opened, "settings", Settings)
    monkeypatch.setattr(output.console, "width", 300)
    return lambda *arguments: in_this_process(monkeypatch, capsys, *arguments)


def rows(printed: str) -> dict[str, str]:
    """The rows of a table, by how they begin."""
    return {line.strip().split("  ")[0]: " ".join(line.split()) for line in printed.splitlines() if line.strip()}


def test_what_another_threshold_would_do_is_said_and_nothing_is_made(run: Command, stores: Stores) -> None:
    keep_tested(stores)
    said = run("models", "threshold", "1", "1", "--dry-run").out
    assert "60 of 60" in rows(said)["unknown"]
    assert rows(said)["precision"].endswith("none"), "nothing is answered, so nothing is right or wrong"
    of_dog = rows(run("models", "threshold", "1", "0.99", "--label", "dog", "--dry-run").out)
    assert "0 %" in of_dog["recall of dog"]
    assert stores.models.versions("mine") == [("mine", "1")]
    assert "knows no label 'fish'" in run("models", "threshold", "1", "0.5", "--label", "fish", "--dry-run").err


def test_two_versions_are_compared_on_the_pictures_that_are_new_to_both(run: Command, stores: Stores) -> None:
    first = keep_tested(stores)
    keep_tested(stores, "2", seed=2, learned={first.pictures[0].sha256: "cat"})
    said = run("models", "compare", "1", "2").out
    assert "one of the two learned from (1)" in said
    assert "whose labels changed (0): 59." in said
    assert "mine 1" in said
    assert {"precision", "recall", "macro-F1", "answered", "unknown"} <= rows(said).keys()
    assert "They differ on" in said
    assert "is one version" in run("models", "compare", "1", "1").err


def test_a_distant_web_app_makes_it_by_a_job(distant: Command, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_tested(stores)
    runner = PlayedRunner(cast(MemoryItems, stores.jobs))

    def ends() -> None:
        runner.turn()
        assert runner.jobs[0].arguments.threshold == NewThreshold(0.8, "dog")
        say = "mine 2 is mine 1 with other thresholds."
        runner.child.result = JobResult(state=JobState.DONE, say=say, version="2")
        runner.turn()

    monkeypatch.setattr(distant_jobs, "pause", ends)
    assert "mine 2 is mine 1 with other thresholds." in distant("models", "threshold", "1", "0.8", "--label", "dog").out
