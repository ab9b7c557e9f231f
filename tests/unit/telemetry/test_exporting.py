"""What leaves the process by OpenTelemetry's own SDK, as a collector and as Application Insights receive it."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from imagestore.settings import ROOT
from otlp import receiver

TELLS = r"""
import json, logging, os, sys
from datetime import UTC, datetime, timedelta
from imagestore import telemetry
from imagestore.telemetry import signals

assert telemetry.start("imagestore-test", os.environ)
assert telemetry.start("imagestore-test", os.environ), "a second time changes nothing"
log = logging.getLogger("imagestore.retry")
with telemetry.step("preprocess") as step:
    trace = step.follow("0123", datetime.now(UTC) - timedelta(seconds=2), {})
    carried = telemetry.carried()
    log.info("a line of the trace")
    with telemetry.span("decode"):
        pass
with telemetry.step("classify") as step:
    assert step.follow("0123", datetime.now(UTC), carried) == trace
with telemetry.step("classify") as step:
    assert step.follow("0123", datetime.now(UTC) - timedelta(days=3), carried) != trace
try:
    with telemetry.step("preprocess") as step:
        step.follow("4567", datetime.now(UTC), {})
        raise ValueError("reading Geheim.jpg")
except ValueError as error:
    log.error("step=preprocess failed", exc_info=error)
telemetry.measure(signals.PICTURES, status="classified", reason=None)
telemetry.measure(signals.QUEUE_LENGTH, 3, queue="work")
logging.getLogger("imagestore.audit").info("Geheim in full", extra={"told": "audit what=promote"})
logging.getLogger("urllib3").warning("Retrying /uploads/Geheim.jpg")
telemetry.stop()
telemetry.measure(signals.PICTURES, status="after the end")
print(json.dumps({"trace": trace, "carried": carried}))
"""


def tell(**variables: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", TELLS],
        env={"PYTHONPATH": f"{ROOT}", **variables}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_a_collector_receives_spans_metrics_and_lines() -> None:
    with receiver() as (address, received):
        said = tell(OTEL_EXPORTER_OTLP_ENDPOINT=address)
        first, failed = received.spans("preprocess")
        (decode,) = received.spans("decode")
        followed, later = received.spans("classify")
        assert {first.service, failed.service} == {"imagestore-test"}
        assert (first.more["trace_id"], first.more["parent_id"]) == (said["trace"], "")
        assert said["carried"]["traceparent"].startswith(f"00-{said['trace']}-{first.more['span_id']}-0")
        assert decode.more["parent_id"] == followed.more["parent_id"] == first.more["span_id"]
        assert (later.more["parent_id"], later.more["links"]) == ("", [said["trace"]])
        assert later.more["trace_id"] != said["trace"]
        assert failed.more["is_error"]
        assert failed.attributes == {"picture_id": "4567", "step": "preprocess", "error.type": "ValueError"}

        (pictures,) = received.points("imagestore.pictures")
        assert (pictures.attributes, pictures.more["asInt"]) == ({"status": "classified"}, "1")
        assert pictures.more["unit"] == "{picture}"
        (length,) = received.points("imagestore.queue.length")
        assert (length.attributes, length.more["asInt"]) == ({"queue": "work"}, "3")
        durations = {tuple(sorted(one.attributes.items())) for one in received.points("imagestore.step.duration")}
        assert durations == {
            (("step", "classify"),), (("step", "preprocess"),), (("error", "ValueError"), ("step", "preprocess")),
        }  # fmt: skip

        by_text = {line.name: line for line in received.lines()}
        assert set(by_text) == {"a line of the trace", "step=preprocess failed", "audit what=promote"}
        assert by_text["a line of the trace"].more["trace_id"] == said["trace"]
        error = by_text["step=preprocess failed"]
        assert (error.attributes["category"], error.more["severity"]) == ("error", "ERROR")
        assert error.attributes["exception.type"] == "ValueError"
        assert error.attributes["exception.stacktrace"].endswith("<module>")
        assert b"Geheim" not in received.raw


def test_application_insights_receives_the_same() -> None:
    with receiver() as (address, received):
        key = "00000000-0000-0000-0000-000000000001"
        said = tell(APPLICATIONINSIGHTS_CONNECTION_STRING=f"InstrumentationKey={key};IngestionEndpoint={address}/")
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for track in received.tracks():
            assert track["tags"]["ai.cloud.role"] == "imagestore-test"
            by_kind.setdefault(track["data"]["baseType"], []).append(track)
        step = next(one for one in by_kind["RequestData"] if one["data"]["baseData"]["name"] == "preprocess")
        assert step["tags"]["ai.operation.id"] == said["trace"]
        assert step["data"]["baseData"]["properties"] == {"picture_id": "0123", "step": "preprocess"}
        names = {one["data"]["baseData"]["metrics"][0]["name"] for one in by_kind["MetricData"]}
        assert {"imagestore.pictures", "imagestore.queue.length", "imagestore.step.duration"} <= names
        lines = {one["data"]["baseData"]["message"]: one["data"]["baseData"] for one in by_kind["MessageData"]}
        assert lines["a line of the trace"]["properties"]["category"] == "performance"
        assert "audit what=promote" in lines
        assert b"Geheim" not in received.raw


def test_a_collector_that_is_away_holds_the_end_of_a_process_up_for_seconds_only() -> None:
    said = tell(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert said["trace"]


@pytest.mark.parametrize("level", [logging.WARNING, logging.NOTSET])
def test_lines_from_info_on_are_taken_whatever_the_level_was(level: int) -> None:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    from imagestore.telemetry.exporting import Exporting

    kept: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    logger, before = logging.getLogger("imagestore"), logging.root.level
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    exporting, former = Exporting(TracerProvider(), MeterProvider(), provider), logger.level
    logger.setLevel(level)
    try:
        exporting.attach()
        logging.getLogger("imagestore.sweep").info("sweep seen=1")
        assert [one.log_record.body for one in kept.get_finished_logs()] == ["sweep seen=1"]
    finally:
        exporting.close()
        logger.setLevel(former)
        assert logging.root.level == before
