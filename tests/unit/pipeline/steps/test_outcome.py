"""A finished picture is one line, with ids, times and the model's version."""

import logging
from dataclasses import replace

import pytest

from exhaustive.memory import memory_stores
from imagestore.pipeline.commit import final_record
from imagestore.pipeline.steps.outcome import commit_outcome, tell
from imagestore.record import Failure, Record, Status, Upload, record_id

NAME = "Geheim/one.jpg"


def told(record: Record, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.INFO, "imagestore.pictures"):
        tell(record)
    return caplog.messages[-1]


def test_the_line_tells_outcome_and_times_and_no_name(caplog: pytest.LogCaptureFixture) -> None:
    record = Record(
        record_id(NAME), NAME, status=Status.REJECTED, problem=Failure("preprocess", "corrupt", "…"),
        timings_ms={"preprocess": 21}, uploaded_at="2026-11-21T09:00:00.000Z", finished_at="2026-11-21T09:00:01.250Z",
    )  # fmt: skip
    line = told(record, caplog)
    assert line == (
        f"picture id={record.id} status=rejected reason=corrupt total_ms=1250 preprocess_ms=21 classify_ms=0 "
        "model_version=-"
    )
    assert "total_ms=0 " in told(replace(record, uploaded_at=None), caplog)


def test_what_stays_as_it_is_is_not_told_again(caplog: pytest.LogCaptureFixture) -> None:
    stores = memory_stores()
    etag = stores.uploads.place(NAME, b"x")
    record = Record(record_id(NAME), NAME, problem=Failure("preprocess", "empty", "…"))
    record = replace(record, upload=Upload(etag, 1))
    with caplog.at_level(logging.INFO, "imagestore.pictures"):
        commit_outcome(stores, NAME, etag, final_record(record))
        commit_outcome(stores, NAME, etag, final_record(record))
    assert len([one for one in caplog.records if one.name == "imagestore.pictures"]) == 1


def test_a_reprocess_has_a_line_of_its_own_which_no_alert_takes_for_a_slow_picture(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stores = memory_stores()
    etag = stores.uploads.place(NAME, b"x")
    long_ago = Record(
        record_id(NAME), NAME, upload=Upload(etag, 1), problem=Failure("preprocess", "empty", "…"),
        uploaded_at="2020-01-01T00:00:00.000Z",
    )  # fmt: skip
    with caplog.at_level(logging.INFO, "imagestore.pictures"):
        commit_outcome(stores, NAME, etag, final_record(long_ago))
        again = replace(long_ago, problem=Failure("preprocess", "corrupt", "…"))
        commit_outcome(stores, NAME, etag, final_record(again))
    first, second = [one.getMessage() for one in caplog.records if one.name == "imagestore.pictures"]
    assert first.startswith("picture id=")
    assert second == f"picture again id={record_id(NAME)} status=rejected model_version=-"
