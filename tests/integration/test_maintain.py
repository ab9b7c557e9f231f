"""The commands that keep an estate in order."""

import os
import signal
import subprocess
from collections.abc import Generator, Iterator
from dataclasses import replace

import pytest
from azure.cosmos import CosmosClient, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError
from typer.testing import CliRunner

import commands
from imagestore.cli import maintain
from imagestore.cli.main import app
from imagestore.errors import NotFound
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.pipeline.names import result_name, staged_name
from imagestore.pipeline.upkeep.sweep import sweep
from imagestore.pipeline.upkeep.verify import Difference, Kind, verify
from imagestore.record import Record, Status, record_id
from imagestore.store.records import Summary
from unit.pictures import encoded, photo

from .conftest import Pipeline
from .faults import processes, settled, unseen

PICTURE = encoded(photo(), "JPEG")


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    options = Options(ports=Ports.from_base(23900), folder=tmp_path_factory.mktemp("estate"), workers=2)
    with Stack(options) as stack:
        stack.start(lambda what: None)
        yield Pipeline(stack)


def imagestore(estate: Pipeline, *arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.run(*arguments, environment=estate.stack.environment)


def fill(estate: Pipeline, folder: str, count: int) -> dict[str, Record]:
    etags = {f"{folder}/{number}.jpg": estate.drop(f"{folder}/{number}.jpg", PICTURE) for number in range(count)}
    records = {name: estate.record(name, etag) for name, etag in etags.items()}
    assert settled(estate) == []
    return records


def test_sweep_takes_in_what_was_there_before(estate: Pipeline) -> None:
    with unseen(estate.stack):
        etags = {name: estate.drop(name, PICTURE) for name in (f"estate/{number}.jpg" for number in range(30))}
        assert "30 would be queued" in imagestore(estate, "sweep", "--dry-run").stdout
        assert estate.stores.work.length() == 0
    swept = imagestore(estate, "sweep", "--rate", "200")
    assert swept.returncode == 0, swept.stderr
    assert "30 queued" in swept.stdout
    for name, etag in etags.items():
        assert estate.record(name, etag).status in (Status.CLASSIFIED, Status.UNKNOWN)
    assert settled(estate) == []
    assert ", 0 queued" in imagestore(estate, "sweep").stdout


def test_new_uploads_do_not_wait_behind_an_estate(estate: Pipeline) -> None:
    with unseen(estate.stack):
        etags = {name: estate.drop(name, PICTURE) for name in (f"backlog/{number}.jpg" for number in range(120))}
    host = estate.stack.processes["host"].pid
    assert host is not None
    paused = processes(host)
    assert len(paused) >= 2, "its workers"
    for pid in paused:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert list(sweep(estate.stores, 0))[-1].queued == 120
        new = estate.drop("new.jpg", PICTURE)
    finally:
        for pid in paused:
            os.kill(pid, signal.SIGCONT)
    finished = [estate.record(name, etag).finished_at or "" for name, etag in etags.items()]
    assert (estate.record("new.jpg", new).finished_at or "") < max(finished)
    assert settled(estate) == []


def test_verify_names_every_difference_and_mends_it(estate: Pipeline) -> None:
    fill(estate, "verify", 9)
    assert imagestore(estate, "verify", "--min-age", "0").stdout.strip() == "Everything agrees."
    for command in (["verify"], ["rebuild"], ["retry", "--reason", "not_an_image"]):
        stopped = imagestore(estate, *command, "--budget", "0.001")
        if stopped.returncode != 0:  # with nothing to retry there is nothing to stop
            assert stopped.returncode == 3
            assert "Stopped after 0.001 s. Give the command again to go on." in stopped.stdout
    stores, items = estate.stores, estate.stores.database.get_container_client("images")
    name = {number: f"verify/{number}.jpg" for number in range(9)}
    with unseen(estate.stack):
        items.delete_item(record_id(name[0]), record_id(name[0]))
        stores.results.delete(result_name(name[1]))
        stores.results.overwrite(result_name(name[2]), b"{}", "application/json")
        stores.staging.delete(staged_name(name[3]))
        stores.blob_service.get_blob_client("uploads", name[4]).set_blob_tags({"status": "wrong"})
        stores.uploads.overwrite(name[5], PICTURE + b"\0", "image/jpeg")
        stores.uploads.delete(name[6])
        stores.results.overwrite("stray.json", b"{}", "application/json")
        stores.staging.overwrite("stray too.png", b"", "image/png")
        expected = {
            Difference(name[0], Kind.NO_RECORD),
            Difference(name[1], Kind.NO_RESULT),
            Difference(name[2], Kind.OTHER_RESULT),
            Difference(name[3], Kind.NO_STAGED),
            Difference(name[4], Kind.TAGS),
            Difference(name[5], Kind.OTHER_VERSION),
            Difference(name[6], Kind.ORPHAN_RECORD),
            Difference(name[6], Kind.ORPHAN_RESULT),
            Difference(name[6], Kind.ORPHAN_STAGED),
            Difference("stray", Kind.ORPHAN_RESULT),
            Difference("stray too", Kind.ORPHAN_STAGED),
        }
        assert set(verify(stores)) == expected
        said = imagestore(estate, "verify", "--min-age", "0")
        assert said.returncode == 1
        assert all(f"{difference.name}: {difference.kind}" in said.stdout for difference in expected)
    assert imagestore(estate, "verify", "--fix", "--min-age", "0").returncode == 0
    assert settled(estate) == []


def test_rebuild_gives_the_same_records(estate: Pipeline) -> None:
    before = fill(estate, "rebuild", 6)
    corrected, gone = "rebuild/0.jpg", "rebuild/1.jpg"
    upload = before[corrected].upload
    assert upload is not None
    assert imagestore(estate, "correct", corrected, "a label").stdout.strip() == f"{corrected}: a label"
    assert imagestore(estate, "correct", corrected, "unknown").returncode == 1
    before[corrected] = estate.record(corrected, upload.etag)
    assert before[corrected].label == "a label"
    estate.stores.uploads.delete(gone)
    assert settled(estate) == []
    del before[gone]
    assert imagestore(estate, "rebuild", "--drop").returncode == 1  # nobody said yes
    rebuilt = imagestore(estate, "rebuild", "--drop", "--yes")
    assert rebuilt.returncode == 0, rebuilt.stderr
    fresh = Pipeline(estate.stack)
    for name, record in before.items():
        known = fresh.stores.records.read(record_id(name))
        assert known is not None
        assert known.record == record
    assert fresh.stores.records.read(record_id(gone)) is None
    assert settled(fresh) == []
    assert "there already" in imagestore(estate, "rebuild").stdout
    again = fresh.drop("rebuild/after.jpg", PICTURE)
    assert fresh.record("rebuild/after.jpg", again).label == before["rebuild/2.jpg"].label


def test_rebuild_deletes_records_with_a_role_for_data_alone(estate: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure answers 403 to whoever makes or deletes databases and containers with such a role."""
    before = fill(estate, "data role", 3)

    def refused(*_: object, **options: object) -> None:
        raise CosmosHttpResponseError(403, "cannot be authorized by AAD token in data plane")  # type: ignore[no-untyped-call]

    for kind, name in (
        (CosmosClient, "create_database"),
        (CosmosClient, "delete_database"),
        (DatabaseProxy, "create_container"),
        (DatabaseProxy, "delete_container"),
    ):
        monkeypatch.setattr(kind, name, refused)
    for name, value in estate.stack.environment.items():
        monkeypatch.setenv(name, value)
    stopped = CliRunner().invoke(app, ["rebuild", "--drop", "--yes", "--budget", "0.001"])
    assert stopped.exit_code == 3, stopped.output
    assert "Go on with: imagestore rebuild --drop" in stopped.output
    rebuilt = CliRunner().invoke(app, ["rebuild", "--drop", "--yes"])
    assert rebuilt.exit_code == 0, rebuilt.output
    assert " records deleted." in rebuilt.output
    for name, record in before.items():
        known = estate.stores.records.read(record_id(name))
        assert known is not None
        assert known.record == record


def nothing_is_left() -> Generator[int, None, None]:
    yield from ()


def test_a_rebuild_that_stops_after_the_deletion_does_not_delete_again(
    estate: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(estate, "stopped", 2)
    for name, value in estate.stack.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(maintain, "delete_records", lambda stores: nothing_is_left())
    stopped = CliRunner().invoke(app, ["rebuild", "--drop", "--yes", "--budget", "0.001"])
    assert stopped.exit_code == 3, stopped.output
    assert stopped.output.endswith("there already.\n")
    assert "Go on with: imagestore rebuild\n" in stopped.output


def test_retry_and_status(estate: Pipeline) -> None:
    etag = estate.drop("retry/bad.jpg", b"no picture")
    before = estate.record("retry/bad.jpg", etag)
    assert imagestore(estate, "retry", "--reason", "not_an_image", "--dry-run").stdout.strip() == "1 would be queued."
    assert imagestore(estate, "retry", "retry/bad.jpg").stdout.strip() == "1 queued."
    assert imagestore(estate, "retry", "no such.jpg").returncode == 1
    assert imagestore(estate, "retry").stdout.strip() == "0 queued."
    assert settled(estate) == []
    assert estate.record("retry/bad.jpg", etag) == before  # the same work twice leaves it as it was
    said = imagestore(estate, "status").stdout
    assert "rejected     " in said
    assert "queue work" in said
    assert "on their way" in said


def test_results_outlive_their_uploads_where_a_setting_says_so(estate: Pipeline) -> None:
    from imagestore.pipeline.commit import remove_outputs

    fill(estate, "keep", 1)
    keeping = replace(estate.stores, names=replace(estate.stores.names, keep_results=True))
    with unseen(estate.stack):
        estate.stores.uploads.delete("keep/0.jpg")
        remove_outputs(keeping, "keep/0.jpg")
    assert estate.stores.results.get("keep/0.jpg.json").data
    with pytest.raises(NotFound):
        estate.stores.staging.get("keep/0.jpg.png")
    assert not [difference for difference in verify(keeping) if difference.name == "keep/0.jpg"]
    remove_outputs(estate.stores, "keep/0.jpg")


def test_records_in_brief_are_the_records(estate: Pipeline) -> None:
    records = fill(estate, "brief", 2)
    brief = {summary.name: summary for summary in estate.stores.records.summaries()}
    for name, record in records.items():
        known = estate.stores.records.read(record.id)
        assert known is not None
        assert record.upload is not None
        assert brief[name] == Summary(name, str(record.status), record.label, record.upload.etag, known.result_etag)
