"""What leaves the stack, as a collector receives it: one trace for each picture, metrics, logs, and no names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import Status, record_id
from otlp import Received, Told, receiver
from unit.pictures import encoded, photo

from .conftest import FAULTS, WORKER, Pipeline, Site, eventually
from .test_dead_letters import run_functions_timer

PORTS = Ports.from_base(24700 + 10 * WORKER)  # of each process, since test_runbook.py has such a stack, too
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_BLRP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "300"}


@pytest.fixture(scope="module")
def received(request: pytest.FixtureRequest) -> Iterator[Received]:
    with receiver() as (address, received), pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        for name, value in SOON.items():
            environment.setenv(name, value)
        yield received


@pytest.fixture(scope="module")
def told(received: Received, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A stack that tells the receiver what it does."""
    values = {"RETRY_DELAYS_SECONDS": "1,1", "POISON_DELAY_SECONDS": "1", "DECODE_SECONDS": "3"}
    options = Options(
        ports=PORTS, folder=tmp_path_factory.mktemp("told"), workers=1, with_web=True, faults=True, values=values
    )
    with pytest.MonkeyPatch.context() as environment, Stack(options) as stack:
        environment.setenv("PYTHONPATH", str(FAULTS))
        stack.start(lambda what: None)
        yield Pipeline(stack)


@pytest.fixture
def web(told: Pipeline) -> Iterator[Site]:
    with Site(f"http://localhost:{PORTS.web}") as asked:
        yield asked


def span_of(received: Received, name: str, picture: str) -> Told:
    def look() -> Told | None:
        return next((each for each in received.spans(name) if each.attributes.get("picture_id") == picture), None)

    return eventually(look, f"the span {name} of {picture}")


def child_of(received: Received, name: str, parent: Told) -> Told:
    def look() -> Told | None:
        return next((one for one in received.spans(name) if one.more["parent_id"] == parent.more["span_id"]), None)

    return eventually(look, f"{name} within {parent.name}")


def total(received: Received, metric: str, **attributes: Any) -> float:
    """The last value of a counter, of the points with these attributes."""
    last: dict[tuple[Any, ...], float] = {}
    for point in received.points(metric):
        if attributes.items() <= point.attributes.items():
            value = point.more.get("asInt") or point.more.get("asDouble") or point.more.get("count") or 0
            last[(point.service, point.more.get("startTimeUnixNano"), *sorted(point.attributes.items()))] = float(value)
    return sum(last.values())


def test_one_trace_leads_from_the_request_through_both_steps_to_the_record(
    told: Pipeline, web: Site, received: Received
) -> None:
    record = web.take_in("traced/one.jpg", encoded(photo(seed=1), "JPEG"))
    id = record_id("traced/one.jpg")
    preprocess, classify = span_of(received, "preprocess", id), span_of(received, "classify", id)
    request = eventually(
        lambda: next((one for one in received.spans() if one.more["span_id"] == preprocess.more["parent_id"]), None),
        "the request's span",
    )
    assert (request.service, request.name) == ("imagestore-web", "POST /api/v1/pictures")
    assert {preprocess.service, classify.service} == {"imagestore-function"}
    assert classify.more["parent_id"] == preprocess.more["span_id"]
    commit = child_of(received, "commit", classify)
    child_of(received, "predict", classify)
    child_of(received, "decode", preprocess)
    traces = {each.more["trace_id"] for each in (request, preprocess, classify, commit)}
    assert traces == {record["trace_id"]}
    line = eventually(
        lambda: next((one for one in received.lines("performance") if f"picture id={id}" in one.name), None),
        "the picture's line",
    )
    assert line.more["trace_id"] == record["trace_id"]


def test_a_picture_that_was_just_dropped_begins_its_own_trace(told: Pipeline, received: Received) -> None:
    name = "traced/dropped.png"
    record = told.record(name, told.drop(name, encoded(photo(seed=2))))
    preprocess = span_of(received, "preprocess", record.id)
    assert preprocess.more["parent_id"] == ""
    assert {preprocess.more["trace_id"], span_of(received, "classify", record.id).more["trace_id"]} == {record.trace_id}


def test_an_upload_continues_the_trace_that_its_metadata_tell(told: Pipeline, received: Received) -> None:
    name, trace = "traced/by another program.png", "4bf92f3577b34da6a3ce929d0e0e4736"
    data = encoded(photo(seed=3))
    etag = told.stores.uploads.overwrite(name, data, "image/png", {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert told.record(name, etag).trace_id == trace
    assert span_of(received, "preprocess", record_id(name)).more["parent_id"] == "00f067aa0ba902b7"


def test_metrics_tell_outcomes_times_queues_the_model_and_what_died(told: Pipeline, received: Received) -> None:
    good, bad, deadly = "metrics/good.png", "metrics/bad.png", "metrics/deadly.png"
    assert told.record(good, told.drop(good, encoded(photo(seed=4)))).status in (Status.CLASSIFIED, Status.UNKNOWN)
    assert told.record(bad, told.drop(bad, b"no picture")).status is Status.REJECTED
    assert told.record(deadly, told.drop(deadly, encoded(photo()) + b"TEST:CRASH")).status is Status.REJECTED
    run_functions_timer(told.stack, "sweep")
    eventually(lambda: total(received, "imagestore.pictures", status="rejected", reason="not_an_image") >= 1, "1")
    eventually(lambda: total(received, "imagestore.pictures", reason="decoder_crashed") >= 1, "the crash")
    eventually(lambda: total(received, "imagestore.decoder.deaths") >= 2, "both deaths")
    for step in ("preprocess", "classify"):
        eventually(lambda step=step: total(received, "imagestore.step.duration", step=step) >= 1, step)  # type: ignore[misc]
        eventually(lambda step=step: total(received, "imagestore.step.wait", step=step) >= 1, step)  # type: ignore[misc]
    model = eventually(
        lambda: [one.attributes for one in received.points("imagestore.pictures") if "model_version" in one.attributes],
        "the model's version",
    )[0]
    assert re.fullmatch("[0-9a-f]{12}", model["model_sha256"])
    queues = eventually(
        lambda: {one.attributes["queue"] for one in received.points("imagestore.queue.length")}, "the queues"
    )
    assert queues == {"work", "work-poison", "webjobs-blobtrigger-poison"}
    eventually(lambda: received.points("imagestore.queue.age"), "their age")


def test_logs_have_four_categories(told: Pipeline, web: Site, received: Received) -> None:
    assert web.get("/pictures").status_code == 200
    told.stores.work.send("no task")
    eventually(lambda: received.lines("access"), "an access")
    eventually(lambda: any("work-poison" in one.name for one in received.lines("error")), "an error")
    eventually(lambda: received.lines("performance"), "a line about the work")
    told.stores.queue_service.get_queue_client("work-poison").clear_messages()
    assert {one.attributes["category"] for one in received.lines()} <= {"access", "error", "performance", "audit"}


def test_the_runner_tells_of_its_jobs(told: Pipeline, web: Site, received: Received) -> None:
    job = web.post("/jobs", json={"kind": "reprocess"})
    assert job.status_code == 202, job.text
    id = str(job.json()["id"])
    span = eventually(
        lambda: next((one for one in received.spans("job") if str(one.attributes["job_id"]) == id), None), "it"
    )
    assert (span.service, span.attributes["kind"]) == ("imagestore-jobs", "reprocess")
    eventually(lambda: total(received, "imagestore.jobs", kind="reprocess", state="done") >= 1, "the metric")
    line = eventually(lambda: next((one for one in received.lines() if f"job {id}" in one.name), None), "a line")
    assert line.service == "imagestore-jobs"


def test_names_of_pictures_labels_and_what_is_searched_for_do_not_leave(
    told: Pipeline, web: Site, received: Received
) -> None:
    secret = "Geheim-Äpfel-4711"
    picture = web.take_in(f"{secret}/a b.jpg", encoded(photo(seed=5), "JPEG"))
    assert web.put(f"/pictures/{picture['id']}/label", json={"label": f"Label {secret}"}).status_code in (200, 204, 404)
    web.get("/pictures", params={"q": secret})
    web.get(f"/pictures/{secret}")
    told.record(f"{secret}.bad", told.drop(f"{secret}.bad", b"no picture"))
    told.record(f"{secret}.dies", told.drop(f"{secret}.dies", encoded(photo()) + b"TEST:CRASH"))
    web.take_in("last.jpg", encoded(photo(seed=6), "JPEG"))
    span_of(received, "classify", record_id("last.jpg"))
    eventually(lambda: any("route=/api/v1/pictures" in one.name for one in received.lines("access")), "the log")
    sent = bytes(received.raw)
    for hidden in ("4711", "Geheim", "4711".encode("utf-16-le"), "%C3%84pfel"):
        assert (hidden.encode() if isinstance(hidden, str) else hidden) not in sent
    assert all(not span.more["events"] and not span.more["status"] for span in received.spans())
