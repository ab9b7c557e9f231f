"""Backups that were restored: into an empty account, over a damaged one, into a wrong one, and killed on the way."""

import contextlib
import gzip
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import commands
from imagestore.accounts.audit import Audit
from imagestore.backup.make import back_up
from imagestore.backup.vault import FolderVault
from imagestore.configure import open_stores
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.pipeline.labelling.correct import correct
from imagestore.pipeline.names import result_name, staged_name
from imagestore.pipeline.restored import MARK, mark
from imagestore.pipeline.upkeep.sweep import sweep
from imagestore.pipeline.upkeep.verify import verify
from imagestore.record import Record, Status, record_id
from imagestore.settings import ROOT
from imagestore.store import Stores, create
from imagestore.store.instance import OpenRestore, begin_restore, end_restore, open_restore
from imagestore.store.tags import ETAG
from imagestore.store.training import PictureFacts, TrainingPictures
from imagestore.webhooks.webhook import EventType, Webhook
from unit.pictures import encoded, photo

from .conftest import Pipeline, eventually
from .faults import settled, unseen

BROKEN = b"\xff\xd8\xff this is no picture"
PICTURES = 12


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    options = Options(ports=Ports.from_base(24300), folder=tmp_path_factory.mktemp("estate"), workers=2)
    with Stack(options) as stack:
        stack.start(lambda what: None)
        yield Pipeline(stack)


@pytest.fixture(scope="module")
def filled(estate: Pipeline) -> dict[str, Record]:
    """What is worth keeping: pictures, one of them bad, one corrected, one with a user's tags; models; accounts."""
    stores = estate.stores
    for number in range(PICTURES):
        name = f"garden/{number}.jpg"
        estate.record(name, estate.drop(name, encoded(photo(seed=number), "JPEG")))
    name = "garden/broken.jpg"
    estate.record(name, estate.drop(name, BROKEN))
    settled(estate)
    correct(stores, "garden/3.jpg", "lynx", "me")
    blob = stores.blob_service.get_blob_client(stores.names.uploads, "garden/4.jpg")
    blob.set_blob_tags({**blob.get_blob_tags(), "owner": "Ann"})
    training, sha256 = TrainingPictures(stores.training, "mine"), hashlib.sha256(b"a" * 5000).hexdigest()
    training.begin()
    training.put_facts(sha256, PictureFacts(labels=("tulip",), source="tulip/1.jpg"), None)
    training.put_picture(sha256, b"a" * 5000)
    stores.models.keep("mine", stores.models.claim("mine"), {"model.onnx": b"m" * 10_000, "metrics.json": b"{}"})
    stores.accounts.create({"id": "account-1", "type": "account", "email": "ann@example.org"})
    stores.accounts.create({"id": "session-1", "type": "session", "ttl": 3600})
    stores.accounts.create(
        {"id": "factor-1", "type": "factor", "account": "account-1", "secret": "SHARED", "is_on": True}
    )
    Audit(stores.audit).write("me", "tried", target="nothing")
    return records_of(stores)


@pytest.fixture
def empty(estate: Pipeline, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of other containers and another database, which are empty, and which no function looks at."""
    suffix = hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    names = ("UPLOADS", "STAGING", "RESULTS", "THUMBNAILS", "MODELS", "TRAINING")
    other = {f"{name}_CONTAINER": f"{name.lower()}-{suffix}" for name in names}
    return {**estate.stack.environment, **other, "COSMOS_DATABASE": f"data{suffix}"}


def imagestore(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    return commands.run(*arguments, environment=environment)


def records_of(stores: Stores) -> dict[str, Record]:
    return {record.name: record for record in stores.records.each()}


def without_etags(records: dict[str, Record]) -> dict[str, Record]:
    return {
        name: replace(record, upload=record.upload and replace(record.upload, etag=""))
        for name, record in records.items()
    }


def wipe(stores: Stores) -> None:
    for blobs in (stores.uploads, stores.staging, stores.results, stores.training, stores.model_files):
        for page, _ in blobs.list():
            for blob in page:
                blobs.delete(blob.name)
    for items in (stores.accounts, stores.audit, stores.jobs):
        for item in list(items.every()):
            items.delete(item.id)


def rest_of(stores: Stores) -> dict[str, Any]:
    """All that is kept but pictures, their records and what a restore adds itself."""
    kept: dict[str, Any] = {}
    for what, blobs in (("training", stores.training), ("models", stores.model_files)):
        for page, _ in blobs.list(metadata=True):
            kept |= {f"{what}/{blob.name}": (blobs.get(blob.name).data, dict(blob.metadata)) for blob in page}
    for what, items in (("accounts", stores.accounts), ("audit", stores.audit)):
        for item in items.every():
            facts = {key: value for key, value in item.document.items() if key not in ("ttl", "secret")}
            if item.document["type"] != "session" and facts.get("what") not in ("backup", "restore"):
                kept[f"{what}/{item.id}"] = facts
    return kept


def demand_restored(stores: Stores, filled: dict[str, Record]) -> None:
    assert list(verify(stores)) == []
    assert without_etags(records_of(stores)) == without_etags(filled)
    assert open_restore(stores.model_files) is None


def test_all_is_restored_after_everything_was_deleted_and_nothing_is_classified_again(
    estate: Pipeline, filled: dict[str, Record], tmp_path: Path
) -> None:
    stores, environment = estate.stores, estate.stack.environment
    done = imagestore(environment, "backup", "--to", tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{PICTURES + 1} pictures" in done.stdout
    again = imagestore(environment, "backup", "--to", tmp_path)
    assert "0.0 MB are new" in again.stdout, "an incremental one"
    assert "is whole" in imagestore(environment, "backup", "check", "--in", tmp_path).stdout
    assert b"SHARED" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    rest = rest_of(stores)
    wipe(stores)
    settled(estate)
    assert records_of(stores) == {}
    log = estate.stack.options.folder / "logs" / "host.log"
    before = log.stat().st_size
    done = imagestore(environment, "restore", "--from", tmp_path, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr

    def events_are_over() -> bool:
        said = log.read_bytes()[before:].decode()
        return said.count("restored id=") >= 2 * PICTURES + 1

    eventually(events_are_over, "the events of what was restored")
    settled(estate)
    said = log.read_bytes()[before:].decode()
    assert "staged id=" not in said
    assert "committed id=" not in said
    demand_restored(stores, filled)
    assert rest_of(stores) == rest
    for page, _ in stores.staging.list(metadata=True):
        assert all(MARK in blob.metadata for blob in page), "nothing was staged again"
    tags = stores.blob_service.get_blob_client(stores.names.uploads, "garden/4.jpg").get_blob_tags()
    assert tags["owner"] == "Ann"
    assert records_of(stores)["garden/3.jpg"].label == "lynx"
    factor = stores.accounts.read("factor-1")
    assert factor is not None
    assert factor.document["is_on"], "the account is not open to whoever knows the password"
    assert factor.document["secret"] != "SHARED"
    assert stores.accounts.read("session-1") is None
    (entry,) = Audit(stores.audit).search(what="restore")
    assert entry.result == "done"
    said = imagestore(environment, "restore", "--from", tmp_path, "--yes").stdout
    assert f"{PICTURES + 1} pictures there already" in said
    assert "restored" not in said

    new = estate.drop("garden/0.jpg", encoded(photo(seed=50), "JPEG"))
    assert estate.record("garden/0.jpg", new).status in (Status.CLASSIFIED, Status.UNKNOWN), "what is new is done"


def test_a_backup_that_is_taken_while_uploads_flow_is_consistent(
    estate: Pipeline, filled: dict[str, Record], tmp_path: Path, empty: dict[str, str]
) -> None:
    stop = threading.Event()

    def drop() -> None:
        number = 0
        while not stop.wait(0.02):
            number += 1
            estate.drop(f"flow/{number % 7}.jpg", encoded(photo(seed=1000 + number), "JPEG"))

    dropping = threading.Thread(target=drop)
    dropping.start()
    try:
        eventually(lambda: any(record.name.startswith("flow/") for record in estate.stores.records.each()), "a flow")
        for _ in range(3):
            manifest = back_up(estate.stores, FolderVault(tmp_path))
    finally:
        stop.set()
        dropping.join()
    assert manifest.left_out == []
    assert manifest.count("pictures") >= PICTURES + 1
    assert imagestore(empty, "restore", "--from", tmp_path, "--yes").returncode == 0
    target = open_stores(empty)
    found = without_etags(records_of(target))
    for name, record in found.items():
        data = target.uploads.get(name).data or b""
        assert record.upload is not None
        assert record.upload.sha256 == hashlib.sha256(data).hexdigest(), "each record is of the picture beside it"
    list(sweep(target, 0))  # uploads that were on their way have no record yet, and are told by the sweep
    waiting = {blob.name for page, _ in target.uploads.list() for blob in page} - found.keys()
    assert {difference.name for difference in verify(target)} == waiting


def damage(stores: Stores) -> None:
    """Of the pictures some lack a record, a result, a staged picture or tags, and of some these are altered."""
    stores.records.delete(record_id("garden/1.jpg"))
    stores.results.delete(result_name("garden/2.jpg"))
    stores.staging.delete(staged_name("garden/3.jpg"))
    stores.uploads.delete("garden/4.jpg")
    stores.results.overwrite(result_name("garden/5.jpg"), b"{}", "application/json")
    stored = stores.records.read(record_id("garden/6.jpg"))
    assert stored is not None
    stores.records.write(replace(stored.record, label="altered"), stored.result_etag, stored)
    stores.uploads.overwrite("garden/7.jpg", b"altered", "image/jpeg")
    blob = stores.blob_service.get_blob_client(stores.names.uploads, "garden/8.jpg")
    blob.set_blob_tags({ETAG: "0x0"})
    stores.accounts.delete("account-1")
    (version,) = [name for page, _ in stores.model_files.list(prefix="mine/1/model.onnx") for name in page]
    stores.model_files.delete(version.name)


def test_a_damaged_account_is_mended_and_what_differs_only_if_it_is_wished(
    estate: Pipeline, filled: dict[str, Record], tmp_path: Path, empty: dict[str, str]
) -> None:
    settled(estate)
    filled = records_of(estate.stores)
    back_up(estate.stores, FolderVault(tmp_path))
    assert imagestore(empty, "restore", "--from", tmp_path, "--yes").returncode == 0
    target = open_stores(empty)
    rest = rest_of(target)
    damage(target)
    told = imagestore(empty, "restore", "--from", tmp_path, "--dry-run")
    assert told.returncode == 0, told.stderr
    assert "2 pictures restored" in told.stdout
    done = imagestore(empty, "restore", "--from", tmp_path, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 differ from the backup" in done.stdout
    assert records_of(target)["garden/6.jpg"].label == "altered"
    assert {difference.name for difference in verify(target)} == {"garden/7.jpg"}, "which is another upload now"
    assert rest_of(target) == rest
    done = imagestore(empty, "restore", "--from", tmp_path, "--yes", "--overwrite")
    assert done.returncode == 0, done.stdout + done.stderr
    demand_restored(target, filled)


def test_uploads_may_be_kept_elsewhere(
    estate: Pipeline, filled: dict[str, Record], tmp_path: Path, empty: dict[str, str]
) -> None:
    settled(estate)
    stores, target = estate.stores, open_stores(empty)
    back_up(stores, FolderVault(tmp_path), with_uploads=False)
    refused = imagestore(empty, "restore", "--from", tmp_path, "--yes")
    assert refused.returncode == 1
    assert "--without-uploads" in refused.stderr
    create(target)
    names = [blob.name for page, _ in stores.uploads.list() for blob in page]
    for name in names:  # as azcopy would
        target.uploads.overwrite(name, stores.uploads.get(name).data or b"", "image/jpeg")
    done = imagestore(empty, "restore", "--from", tmp_path, "--yes", "--without-uploads")
    assert done.returncode == 0, done.stdout + done.stderr
    demand_restored(target, records_of(stores))


def test_a_wrong_account_is_refused(
    estate: Pipeline, filled: dict[str, Record], tmp_path: Path, empty: dict[str, str]
) -> None:
    back_up(estate.stores, FolderVault(tmp_path / "here"))
    other = open_stores(empty)
    create(other)
    other.uploads.overwrite("theirs.jpg", encoded(photo(seed=90), "JPEG"), "image/jpeg")
    refused = imagestore(empty, "restore", "--from", tmp_path / "here", "--yes")
    assert refused.returncode == 1
    assert "another instance's" in refused.stderr
    back_up(other, FolderVault(tmp_path / "there"))
    refused = imagestore(empty, "restore", "--from", tmp_path / "here", "--yes", "--overwrite")
    assert refused.returncode == 1
    assert "another instance" in refused.stderr
    assert {blob.name for page, _ in other.uploads.list() for blob in page} == {"theirs.jpg"}
    assert records_of(other) == {}
    refused = imagestore(empty, "backup", "--to", tmp_path / "here")
    assert refused.returncode == 1
    assert "another instance" in refused.stderr


def test_a_restore_killed_anywhere_is_given_again_and_ends_the_same(
    estate: Pipeline, filled: dict[str, Record], tmp_path: Path, empty: dict[str, str]
) -> None:
    settled(estate)
    filled = records_of(estate.stores)
    back_up(estate.stores, FolderVault(tmp_path))
    target = open_stores(empty)
    create(target)
    command = [sys.executable, "-m", "imagestore.cli.main", "restore", "--from", str(tmp_path), "--yes"]
    for uploads in (1, 5, 9):
        process = subprocess.Popen(command, env={**os.environ, **empty}, cwd=ROOT, stdout=subprocess.DEVNULL)

        def is_so_far(uploads: int = uploads, process: subprocess.Popen[bytes] = process) -> bool:
            there = sum(len(page) for page, _ in target.uploads.list())
            return there >= uploads or process.poll() is not None

        eventually(is_so_far, f"{uploads} uploads")
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait()
    done = imagestore(empty, "restore", "--from", tmp_path, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    demand_restored(target, filled)


def test_a_backup_killed_anywhere_goes_on_where_it_was(
    estate: Pipeline, filled: dict[str, Record], tmp_path: Path
) -> None:
    environment = estate.stack.environment
    command = [sys.executable, "-m", "imagestore.cli.main", "backup", "--to", str(tmp_path)]
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=ROOT, stdout=subprocess.DEVNULL)
    eventually(lambda: any(tmp_path.rglob("contents/*/*")) or process.poll() is not None, "a content")
    process.kill()
    process.wait()
    assert imagestore(environment, "backup", "--to", tmp_path).returncode == 0
    assert "is whole" in imagestore(environment, "backup", "check", "--in", tmp_path).stdout
    listed = imagestore(environment, "backup", "list", "--in", tmp_path).stdout
    assert "broke off" not in listed


def test_a_sweep_leaves_what_an_unfinished_restore_has_put_there_to_it(
    estate: Pipeline, filled: dict[str, Record]
) -> None:
    stores, name = estate.stores, "restoring.jpg"
    settled(estate)
    with unseen(estate.stack):
        begin_restore(stores.model_files, OpenRestore("20261129T000000Z-abcdef", "2026-11-29T00:00:00.000Z", "me"))
        stores.uploads.overwrite(
            name, encoded(photo(seed=70), "JPEG"), "image/jpeg", mark(name, "20261129T000000Z-abcdef")
        )
        assert list(sweep(stores, 0))[-1].queued == 0
        refused = imagestore(estate.stack.environment, "backup", "--to", "/nowhere")
        assert "is not finished" in refused.stderr
        end_restore(stores.model_files)
    assert list(sweep(stores, 0))[-1].queued == 1
    settled(estate)


def test_a_picture_is_forgotten_here_and_in_backups(
    estate: Pipeline, filled: dict[str, Record], tmp_path: Path, empty: dict[str, str]
) -> None:
    stores, environment, name = estate.stores, estate.stack.environment, "garden/ann.jpg"
    data = encoded(photo(seed=30), "JPEG")
    record, sha256 = estate.record(name, estate.drop(name, data)), hashlib.sha256(data).hexdigest()
    settled(estate)
    TrainingPictures(stores.training, "mine").put_facts(sha256, PictureFacts(labels=("tulip",), source="x"), None)
    TrainingPictures(stores.training, "mine").put_picture(sha256, data)
    back_up(stores, FolderVault(tmp_path))
    at, url = "2026-01-01T00:00:00.000Z", "https://example.invalid/"
    told = Webhook(
        id="webhook-1", url=url, events=(EventType.DELETED,), by="me", created_at=at, since=at, source="", sealed=""
    )
    stores.jobs.create(told.document())
    refused = commands.run("forget", name, environment=environment)
    assert refused.returncode == 1, "nobody has confirmed it"
    done = imagestore(environment, "forget", name, "--backup", tmp_path, "--yes")
    assert done.returncode == 0, done.stderr
    assert "Until 20" in done.stdout
    assert "train them anew" in done.stdout
    assert "the event that tells webhooks of the deletion (webhook-1)" in done.stdout
    stores.jobs.delete("webhook-1")
    settled(estate)
    assert stores.uploads.stat(name) is None
    stored = stores.records.read(record.id)
    assert stored is not None
    assert stored.record.status is Status.DELETED
    assert not [blob for page, _ in stores.training.list(prefix=f"mine/{sha256}") for blob in page]
    assert not list(tmp_path.rglob(f"*{sha256}*"))
    for path in tmp_path.rglob("*.gz"):
        assert name.encode() not in gzip.decompress(path.read_bytes())
    assert imagestore(empty, "restore", "--from", tmp_path, "--yes").returncode == 0
    assert name not in records_of(open_stores(empty))
    (entry,) = Audit(stores.audit).search(what="forget")
    assert (entry.target, entry.result) == (record.id, "done")
    again = imagestore(environment, "forget", name, "--backup", tmp_path, "--yes")
    assert "nothing left to delete" in again.stdout
