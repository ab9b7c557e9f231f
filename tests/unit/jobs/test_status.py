"""A job as it is shown."""

from dataclasses import replace

from imagestore.errors import GateOverride
from imagestore.jobs.job import Arguments, Job, JobKind, JobResult, JobState, Progress
from imagestore.jobs.status import JobStatus

JOB = Job(
    id="1795251600112000", kind=JobKind.PROMOTE, by="me", created_at="2026-11-21T09:00:00.000Z",
    arguments=Arguments("mine", "3"),
)  # fmt: skip


def test_one_that_waits_says_for_what() -> None:
    waits = JobStatus.of(JOB)
    assert (waits.state, waits.stage, waits.is_open) == ("queued", "Waiting for its turn", True)
    assert "imagestore jobs run" in JobStatus.of(JOB, has_runner=False).stage
    assert (waits.name, waits.version, waits.started_at) == ("mine", "3", JOB.created_at)


def test_one_that_runs_says_how_far_it_is() -> None:
    runs = JobStatus.of(replace(JOB, state=JobState.RUNNING, progress=Progress("Comparing", 25, 100, 5)))
    assert (runs.stage, runs.done, runs.steps, runs.seconds_left) == ("Comparing", 25, 100, 15)


def test_one_that_has_ended_says_how() -> None:
    result = JobResult(state=JobState.REFUSED, say="No.", details=["why"], override=GateOverride.FORCE, drop=["fish"])
    refused = JobStatus.of(replace(JOB, state=JobState.REFUSED, result=result))
    assert (refused.state, refused.say, refused.insist, refused.drop) == ("refused", "No.", "force", ["fish"])
    trained = JobResult(state=JobState.DONE, version="4")
    made = Job(id="1", kind=JobKind.TRAIN, by="me", created_at="", arguments=Arguments("mine"), state=JobState.DONE)
    assert JobStatus.of(replace(made, result=trained)).version == "4"


def test_a_program_that_knows_one_job_alone_finds_the_states_that_it_knows() -> None:
    told = {state: JobStatus.of(replace(JOB, state=state)).as_one().state for state in JobState}
    assert told == {
        JobState.QUEUED: "running", JobState.RUNNING: "running", JobState.DONE: "done", JobState.REFUSED: "refused",
        JobState.FAILED: "failed", JobState.CANCELLED: "stopped",
    }  # fmt: skip
