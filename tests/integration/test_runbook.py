"""docs/runbook.md: each fault is provoked, what its alert reads is told, and the command that stands there helps.

What is told is what a collector receives; whether Azure Monitor's query finds it there was never seen.
"""

import json
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest

import commands
from imagestore.pipeline.delete import delete_later
from imagestore.record import Status, record_id
from otlp import Received
from unit.infra.test_alerts import alerts, pattern
from unit.pictures import encoded, photo

from .conftest import Pipeline, Site, eventually
from .faults import settled
from .test_dead_letters import dead_letters, run_functions_timer
from .test_telemetry import PORTS, received, told, web

__all__ = ["received", "told", "web"]
PICTURE = encoded(photo(), "JPEG")


def imagestore(told: Pipeline, *arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.run(*arguments, environment=told.stack.environment)


def seen(received: Received, title: str, **values: str) -> bool:
    """Whether a line has arrived that the alert's query parses, with these values."""
    expression = pattern(alerts()[title]["query"])
    assert expression is not None
    found = (expression.search(line.name) for line in received.lines())
    return any(one is not None and values.items() <= one.groupdict().items() for one in found)


def said(received: Received, text: str) -> bool:
    return any(text in line.name for line in received.lines())


@pytest.fixture
def leased(told: Pipeline) -> Iterator[str]:
    """An upload on which another program holds a lease, while its deletion is wanted."""
    told.record("leased.jpg", told.drop("leased.jpg", PICTURE))
    assert settled(told) == []
    lease = told.stores.blob_service.get_blob_client("uploads", "leased.jpg").acquire_lease()
    yield "leased.jpg"
    lease.release()


def test_messages_that_were_given_up(told: Pipeline, received: Received, leased: str) -> None:
    delete_later(told.stores, leased, 0)
    told.stores.work.send("no task")
    eventually(lambda: told.stores.work_poison.length() == 2, "both to be given up")
    run_functions_timer(told.stack, "sweep")
    title = "Messages that were given up"
    eventually(lambda: seen(received, title, Queue="work-poison", Length="2"), "the line that the alert reads")
    listed = imagestore(told, "poison").stdout
    assert leased in listed
    assert "another program holds a lease" in listed


def test_a_task_that_was_given_up_is_done_once_its_cause_is_gone(told: Pipeline) -> None:
    again = imagestore(told, "poison", "--again")
    assert "1 queued again, 0 thrown away, 1 left." in again.stdout, again.stderr
    eventually(lambda: told.stores.uploads.stat("leased.jpg") is None, "the deletion")
    assert "0 queued again, 1 thrown away, 0 left." in imagestore(told, "poison", "--again", "--drop").stdout


def test_pictures_that_failed(told: Pipeline, received: Received) -> None:
    name, staging = "fails.jpg", told.stores.blob_service.get_container_client("staging")
    lease = staging.upload_blob("fails.jpg.png", b"another program's").acquire_lease()
    etag = told.drop(name, PICTURE)
    assert told.record(name, etag).status is Status.FAILED
    eventually(lambda: seen(received, "Pictures that failed", Status="failed", Reason="BlobLeased"), "the alert's line")
    assert name in imagestore(told, "ls", "--status", "failed").stdout
    lease.release()
    assert "1 queued" in imagestore(told, "retry").stdout
    eventually(lambda: told.record(name, etag).status is not Status.FAILED, "its record")


def test_events_that_were_not_delivered(told: Pipeline, received: Received) -> None:
    name = "undelivered.jpg"
    subject = f"/blobServices/default/containers/uploads/blobs/{name}"
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": subject,
        "deadLetterReason": "MaxDeliveryAttempts",
    }
    etag = told.drop(name, PICTURE)
    told.stores.dead_letters.overwrite("PREPROCESS/1.json", json.dumps([event]).encode(), "application/json")
    run_functions_timer(told.stack, "dead_letters")
    eventually(lambda: said(received, "an event was not delivered"), "the alert's line")
    assert dead_letters(told) == []
    told.record(name, etag)
    assert "queued" in imagestore(told, "sweep").stdout


def test_a_store_is_asked_too_much(told: Pipeline, received: Received) -> None:
    fault = json.dumps({"left": 40, "status": 429, "ms": 5}).encode()
    urllib.request.urlopen(f"http://127.0.0.1:{PORTS.cosmos}/__fault", fault).close()
    etags = {name: told.drop(name, PICTURE) for name in (f"busy/{number}.jpg" for number in range(4))}
    eventually(lambda: said(received, "(429)"), "the alert's line")
    eventually(lambda: received.points("imagestore.store.refusals"), "the metric")
    for name, etag in etags.items():
        told.record(name, etag)
    assert imagestore(told, "status").returncode == 0


def test_pictures_take_long(told: Pipeline, received: Received) -> None:
    told.stack.processes["relay"].stop()
    etag = told.drop("late.jpg", PICTURE)
    assert imagestore(told, "status").returncode == 0
    told.stack.processes["relay"].spawn()
    record = told.record("late.jpg", etag)
    title = "Pictures take long"
    eventually(lambda: seen(received, title, Id=record.id), "the alert's line")
    assert record_id("late.jpg") == record.id


def test_the_functions_are_silent(told: Pipeline, received: Received) -> None:
    host = told.stack.processes["host"]
    host.stop()
    checked = imagestore(told, "doctor", "--wait", "2")
    assert checked.returncode == 1
    etag = told.drop("silent.jpg", PICTURE)
    before = len([line for line in received.lines() if line.name.startswith("sweep seen=")])
    host.start()
    run_functions_timer(told.stack, "sweep")

    def swept() -> bool:
        return len([line for line in received.lines() if line.name.startswith("sweep seen=")]) > before

    eventually(swept, "a sweep to be told of")
    imagestore(told, "sweep")
    told.record("silent.jpg", etag)


def test_the_web_app_answers_with_errors(told: Pipeline, web: Site, received: Received) -> None:
    record = web.take_in("asked.jpg", PICTURE)
    cosmos = told.stack.processes["cosmos"]
    cosmos.stop()
    eventually(lambda: web.get(f"/pictures/{record['id']}").status_code == 503, "an error")
    eventually(lambda: seen(received, "The web app answers with errors", Status="503"), "the alert's line")
    ready = web.get("/health/ready")
    assert ready.status_code == 503
    assert "Cosmos DB" in ready.text
    assert imagestore(told, "doctor", "--wait", "0").returncode == 1
    cosmos.start()
    eventually(lambda: web.get("/health/ready").status_code == 200, "it to be well again")
