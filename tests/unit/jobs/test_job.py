"""What is kept of a job."""

import json

from imagestore.errors import GateOverride
from imagestore.jobs.job import (
    KEPT_S,
    MOST_DROPPED,
    Arguments,
    HowToTrain,
    Job,
    JobKind,
    JobResult,
    JobState,
    Progress,
    job_of,
)  # fmt: skip
from imagestore.pipeline.labelling.correct import LONGEST_LABEL
from imagestore.store import Item
from preprocess import Fit

WHOLE = Job(
    id="1795251600112000",
    kind=JobKind.TRAIN,
    by="me",
    created_at="2026-11-21T09:00:00.000Z",
    arguments=Arguments("mine", None, GateOverride.FORCE, ("fish",), "e" * 64, HowToTrain(True, Fit.PAD, views=3)),
    state=JobState.RUNNING,
    attempts=2,
    attempt="a",
    runner="r",
    progress=Progress("Learning", 3, 9, 1.5),
    versions=("4",),
)


def test_a_job_is_read_as_it_was_written() -> None:
    assert job_of(Item(WHOLE.document(), "1")) == WHOLE
    ended = Job(
        id="1795251600112001", kind=JobKind.ROLLBACK, by="me", created_at="2026-11-21T09:00:00.000Z",
        state=JobState.REFUSED, result=JobResult(state=JobState.REFUSED, say="No.", override=GateOverride.FORCE),
    )  # fmt: skip
    assert job_of(Item(ended.document(), "1")) == ended


def test_one_that_has_ended_expires_and_no_other() -> None:
    assert "ttl" not in WHOLE.document()
    assert Job(id="1", kind=JobKind.TRAIN, by="me", created_at="", state=JobState.DONE).document()["ttl"] == KEPT_S


def test_what_a_newer_version_adds_is_left_alone() -> None:
    assert job_of(Item(WHOLE.document() | {"more": 1}, "1")) == WHOLE
    assert job_of(Item(WHOLE.document() | {"kind": "dream"}, "1")) is None
    assert job_of(None) is None


def test_how_long_a_stage_still_takes_is_estimated_once_there_is_something_to_go_by() -> None:
    assert Progress("Learning", 25, 100, 5.0).seconds_left == 15
    assert Progress("Learning", 0, 100, 5.0).seconds_left is None
    assert Progress("Reading", 7, 0, 5.0).seconds_left is None


def test_a_job_with_an_argument_that_this_version_does_not_know_is_left_alone() -> None:
    """It would be done without it, to something else than was meant."""
    arguments = WHOLE.document()["arguments"]
    for more in ({"since": "2026-11-01"}, {"training": arguments["training"] | {"seeds": 3}}):
        assert job_of(Item(WHOLE.document() | {"arguments": arguments | more}, "1")) is None
    assert job_of(Item(WHOLE.document() | {"arguments": arguments | {"since": None}}, "1")) == WHOLE


def test_a_result_is_kept_as_far_as_it_fits_into_a_document() -> None:
    much = JobResult(state=JobState.REFUSED, say="é" * 10**6, details=["é" * 10**5] * 10**3, drop=["é" * 200] * 10**5)
    asked = Arguments(drop=("é" * LONGEST_LABEL,) * MOST_DROPPED)
    kept = Job(id="1", kind=JobKind.PROMOTE, by="me", created_at="", arguments=asked, result=much.shortened())
    assert len(json.dumps(kept.document())) < 1_900_000
    assert much.shortened().details[-1] == "… and 900 lines more."
    few = JobResult(state=JobState.DONE, say="Well.", details=["So."], drop=["fish"])
    assert few.shortened() == few
