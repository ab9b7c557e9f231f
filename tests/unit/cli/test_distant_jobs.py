"""`train`, `promote`, `rollback` and `reprocess` against a distant web app: its job is followed until it ends."""

from collections.abc import Callable, Iterator
from typing import cast

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imagestore.accounts.roles import Role
from imagestore.cli import distant_jobs
from imagestore.errors import GateOverride
from imagestore.jobs.job import Counted, Importing, Job, JobKind, JobResult, JobState, Progress
from imagestore.store import Stores
from imagestore.store.models import Inspection
from imagestore.web.services import Services
from unit.jobs.conftest import PlayedRunner
from unit.memory_items import MemoryItems
from unit.web.conftest import guarded, guarded_app, people, services, stores
from unit.web.signed_in import Person

from .distant import Command, command

__all__ = ["guarded", "guarded_app", "people", "services", "stores"]
Goes = Callable[..., list[Progress | JobResult]]


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
def goes(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Goes:
    """How the job goes: each time that the command waits, the runner has come as far as the next of these says."""
    played = PlayedRunner(cast(MemoryItems, stores.jobs))

    def goes(*steps: Progress | JobResult) -> list[Progress | JobResult]:
        left = list(steps)

        def wait() -> None:
            if played.runner.job is None:
                played.turn()
            match left.pop(0):
                case Progress() as progress:
                    played.child.progress = progress
                case JobResult() as result:
                    played.child.result = result
            played.turn()

        monkeypatch.setattr(distant_jobs, "pause", wait)
        return left

    return goes


def latest(services: Services) -> Job:
    job = services.jobs.latest()
    assert job is not None
    return job


DONE = JobResult(state=JobState.DONE, say="mine 1 is live.", details=["better by 3 of 40"])


def test_a_version_is_promoted(imagestore: Command, goes: Goes, stores: Stores, services: Services) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    left = goes(Progress("Evaluating", 0, 40), Progress("Evaluating", 20, 40), DONE)
    done = imagestore("promote", "1", "--accept-equal", "--drop", "fish")
    assert (done.code, left) == (0, [])
    assert "mine 1 is live." in done.out
    assert "better by 3 of 40" in done.out
    assert "imagestore reprocess" in done.out
    arguments = latest(services).arguments
    assert (arguments.override, arguments.drop) == (GateOverride.ACCEPT_EQUAL, ("fish",))


def test_a_version_is_trained(imagestore: Command, goes: Goes, services: Services) -> None:
    services.stores.projects.create("garden", "me")
    goes(Progress("Learning", 1, 2), JobResult(state=JobState.DONE, say="garden 4 is trained.", version="4"))
    done = imagestore("train", "--name", "garden", "--gray", "--backbone", "lite0", "--views", "2", "--same-case")
    assert done.code == 0, done.err
    assert "garden 4 is trained." in done.out
    assert "imagestore promote 4 --project garden" in done.out
    job = latest(services)
    assert (job.kind, job.arguments.name) == (JobKind.TRAIN, "garden")
    how = job.arguments.training
    assert how is not None
    assert (how.colour, how.backbone, how.views, how.same_case, how.level) == (False, "lite0", 2, True, None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["folder"], "A folder of this machine"),
        (["import", "folder"], "A folder"),
        (["--backbone", "x.onnx"], "x.onnx"),
    ],
)
def test_what_cannot_travel_is_said(imagestore: Command, services: Services, options: list[str], said: str) -> None:
    done = imagestore("train", *options)
    assert (done.code, said in done.err) == (1, True)
    assert services.jobs.latest() is None


def test_what_the_gate_says_and_what_would_pass_it_is_said(imagestore: Command, goes: Goes, stores: Stores) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    goes(
        JobResult(
            state=JobState.REFUSED, say="It is no better.", details=["40 of 40"], override=GateOverride.ACCEPT_EQUAL
        )
    )
    done = imagestore("promote", "1")
    assert done.code == 1
    assert "It is no better. --accept-equal promotes it." in done.err
    assert "40 of 40" in done.out
    goes(
        JobResult(
            state=JobState.REFUSED, say="It does not know 'a b'.", override=GateOverride.ACCEPT_EQUAL, drop=["a b"]
        )
    )
    assert "--drop 'a b' --accept-equal promotes it." in imagestore("promote", "1").err
    assert "There is no version 9" in imagestore("promote", "9").err


def test_going_back_and_reprocessing(imagestore: Command, goes: Goes, services: Services) -> None:
    goes(JobResult(state=JobState.DONE, say="mine 1 is live again."))
    assert imagestore("rollback").out.strip() == "mine 1 is live again."
    services.stores.projects.create("Screws", "me")
    goes(JobResult(state=JobState.DONE, say="Screws 1 is live again."))
    assert imagestore("rollback", "--project", "screws").out.strip() == "Screws 1 is live again."
    latest = services.jobs.latest()
    assert latest is not None
    assert latest.arguments.name == "Screws"
    goes(Progress("Reprocessing", 3, 3), JobResult(state=JobState.DONE, say="3 were done again."))
    assert imagestore("reprocess").out.strip() == "3 were done again."
    goes(JobResult(state=JobState.FAILED, say="It broke off; the log says more."))
    failed = imagestore("reprocess")
    assert (failed.code, "It broke off" in failed.err) == (1, True)


def test_a_budget_cancels_the_job(imagestore: Command, goes: Goes, services: Services) -> None:
    goes(*[Progress("Reprocessing", n) for n in range(50)])
    done = imagestore("reprocess", "--budget", "0.001")
    assert (done.code, "Stopped after 0.001 s" in done.out) == (3, True)
    job = latest(services)
    assert job.is_cancelled or job.state is JobState.CANCELLED


def test_ctrl_c_ends_the_command_and_not_the_job(
    imagestore: Command, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(distant_jobs, "pause", interrupted)
    done = imagestore("reprocess")
    job = latest(services)
    assert (done.code, f"imagestore jobs show {job.id}" in done.err) == (130, True)
    assert job.state is JobState.QUEUED
    assert "The same job waits already" in imagestore("reprocess").err


def test_a_job_that_is_cancelled_elsewhere_ends_the_command(
    imagestore: Command, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distant_jobs, "pause", lambda: services.jobs.cancel(latest(services).id))
    done = imagestore("reprocess")
    assert (done.code, "Cancelled." in done.err) == (1, True)


def test_a_role_that_does_not_suffice_is_said(
    imagestore: Command, people: dict[Role, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGESTORE_KEY", people[Role.CONTRIBUTOR].secret)
    for asked in (["rollback"], ["reprocess"], ["promote", "1"], ["train"]):
        assert "needs the role trainer" in imagestore(*asked).err


def test_a_model_file_is_looked_at(imagestore: Command, goes: Goes, stores: Stores, services: Services) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    goes(JobResult(state=JobState.DONE, say="mine 1 can be used: 2 labels."))
    done = imagestore("models", "inspect", "1")
    assert (done.code, "can be used" in done.out) == (0, True)
    assert (latest(services).kind, latest(services).arguments.version) == (JobKind.INSPECT, "1")
    refused = Inspection("f" * 64, "2026-11-21T09:00:00.000Z", "me", is_admitted=False, why="It is no model.")
    stores.models.keep_inspection("mine", "1", refused)
    assert "cannot be used" in imagestore("models").out
    assert "It cannot be used: It is no model." in imagestore("models", "show", "1").out
    done = imagestore("promote", "1")
    assert (done.code, "It is no model." in done.err) == (1, True)


IMPORT = ("import", "custom-vision", "--endpoint", "https://elsewhere.example.org", "--project", "Garden")


def test_a_project_is_imported(
    imagestore: Command, goes: Goes, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOM_VISION_KEY", "s3cret-key")
    counts = [Counted("tagged pictures", 2000, 2000), Counted("with 'rose'", 900, 900)]
    came = JobResult(
        state=JobState.DONE, say="2,000 came. The counts agree.", counts=counts, name="Garden", version="1"
    )
    left = goes(Progress("Pictures", 20, 2000, 1.0), came)
    done = imagestore(*IMPORT, "--crop-regions")
    assert (done.code, left) == (0, [])
    for said in (
        "tagged pictures",
        "with 'rose'",
        "2,000",
        "The counts agree.",
        "imagestore promote 1 --project Garden",
    ):
        assert said in done.out
    assert latest(services).arguments.importing == Importing(
        "https://elsewhere.example.org", "Garden", crop_regions=True
    )
    assert "s3cret-key" not in done.out + done.err
    listed = imagestore("jobs", "list")
    assert "import Garden 1" in listed.out
    shown = imagestore("jobs", "show", latest(services).id)
    assert "with 'rose'" in shown.out


def test_counts_that_do_not_agree_end_with_1(imagestore: Command, goes: Goes, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [Counted("tagged pictures", 2000, 1999)]
    goes(JobResult(state=JobState.FAILED, say="The counts do not agree.", counts=counts, name="Garden"))
    done = imagestore(*IMPORT, "--key", "s3cret-key", "--no-train")
    assert done.code == 1
    assert "1,999" in done.out
    assert "differs" in done.out
    assert "The counts do not agree." in done.err


def test_an_import_without_a_key_says_where_to_give_it(imagestore: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTOM_VISION_KEY", raising=False)
    done = imagestore(*IMPORT)
    assert done.code == 1
    assert "CUSTOM_VISION_KEY" in done.err
