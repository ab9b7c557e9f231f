"""`promote`, `rollback` and `reprocess` against a distant web app: its job is followed until it ends."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imagestore.accounts.roles import Role
from imagestore.cli import distant_jobs
from imagestore.errors import GateOverride
from imagestore.pipeline.job import JobState
from imagestore.store import Stores
from imagestore.web.jobs import Jobs
from imagestore.web.services import Services
from unit.web.api.test_models import no_child
from unit.web.conftest import guarded, guarded_app, people, services, stores
from unit.web.signed_in import Person

from .distant import Command, command

__all__ = ["guarded", "guarded_app", "no_child", "people", "services", "stores"]
Goes = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def imagestore(
    guarded_app: FastAPI,
    people: dict[Role, Person],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Command]:
    with TestClient(guarded_app, raise_server_exceptions=False) as http:
        yield command(http, monkeypatch, capsys, people[Role.TRAINER].secret)


@pytest.fixture
def goes(services: Services, no_child: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> Goes:
    """How the job goes: each time that the command waits, it changes as the next of these says."""

    def goes(*changes: dict[str, Any]) -> list[dict[str, Any]]:
        left = list(changes)

        def wait() -> None:
            services.jobs._change(services.jobs.latest.id, **left.pop(0))  # type: ignore[union-attr]

        monkeypatch.setattr(distant_jobs, "pause", wait)
        return left

    return goes


DONE = {"state": JobState.DONE, "say": "mine 1 is live.", "details": ["better by 3 of 40"]}


def test_a_version_is_promoted(imagestore: Command, goes: Goes, stores: Stores, no_child: list[list[str]]) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    left = goes({"stage": "Evaluating", "steps": 40}, {"done": 20}, DONE)
    done = imagestore("promote", "1", "--accept-equal", "--drop", "fish")
    assert (done.code, left) == (0, [])
    assert "mine 1 is live." in done.out
    assert "better by 3 of 40" in done.out
    assert "imagestore reprocess" in done.out
    assert '"override":"accept_equal"' in no_child[-1][-1]
    assert '"drop":["fish"]' in no_child[-1][-1]


def test_what_the_gate_says_and_what_would_pass_it_is_said(imagestore: Command, goes: Goes, stores: Stores) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    refused = {"state": JobState.REFUSED, "say": "It is no better.", "override": GateOverride.ACCEPT_EQUAL}
    goes(refused | {"details": ["40 of 40"]})
    done = imagestore("promote", "1")
    assert done.code == 1
    assert "It is no better. --accept-equal promotes it." in done.err
    assert "40 of 40" in done.out
    goes({"state": JobState.REFUSED, "say": "It does not know 'a b'.", "drop": ["a b"]})
    assert "--drop 'a b' would go on." in imagestore("promote", "1").err
    assert "There is no version 9" in imagestore("promote", "9").err


def test_going_back_and_reprocessing(imagestore: Command, goes: Goes) -> None:
    goes({"state": JobState.DONE, "say": "mine 1 is live again."})
    assert imagestore("rollback").out.strip() == "mine 1 is live again."
    goes({"stage": "Reprocessing", "steps": 3}, {"done": 3}, {"state": JobState.DONE, "say": "3 were done again."})
    assert imagestore("reprocess").out.strip() == "3 were done again."
    goes({"state": JobState.FAILED, "say": "It broke off; the log says more."})
    failed = imagestore("reprocess")
    assert (failed.code, "It broke off" in failed.err) == (1, True)


def test_a_budget_stops_the_job(imagestore: Command, goes: Goes, services: Services) -> None:
    goes({"stage": "Reprocessing"}, *[{"done": 1}] * 50)
    done = imagestore("reprocess", "--budget", "0.001")
    assert (done.code, "Stopped after 0.001 s" in done.out) == (3, True)
    assert services.jobs.latest is not None
    assert services.jobs.latest.state is JobState.STOPPED


def test_ctrl_c_ends_the_command_and_not_the_job(
    imagestore: Command, no_child: list[list[str]], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(distant_jobs, "pause", interrupted)
    done = imagestore("reprocess")
    assert (done.code, "/models shows how far it is" in done.err) == (130, True)
    assert services.jobs.latest is not None
    assert services.jobs.latest.state is JobState.RUNNING
    assert "A job is running already" in imagestore("rollback").err


def test_a_job_that_another_took_the_place_of_is_not_mistaken(
    imagestore: Command, no_child: list[list[str]], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced() -> None:
        services.jobs.stop()
        services.jobs.start("rollback", "somebody")

    monkeypatch.setattr(distant_jobs, "pause", replaced)
    assert "Another job has begun" in imagestore("reprocess").err


def test_a_role_that_does_not_suffice_is_said(
    imagestore: Command, people: dict[Role, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGESTORE_KEY", people[Role.CONTRIBUTOR].secret)
    for asked in (["rollback"], ["reprocess"], ["promote", "1"]):
        assert "needs the role trainer" in imagestore(*asked).err


def test_where_the_work_cannot_be_done_the_command_that_does_it_is_named(
    imagestore: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Jobs, "can_start", False)
    assert "`imagestore rollback` on a machine of your own" in imagestore("rollback").err
