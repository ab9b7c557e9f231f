"""Nothing is ever lost: whatever dies, is away, comes twice or never, in the end all stores agree."""

import json
import os
import random
import resource
import signal
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imagestore.errors import BlobLeased
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.pipeline import tasks
from imagestore.pipeline.delete import delete_later
from imagestore.pipeline.upkeep.sweep import lost_uploads
from imagestore.record import Status, record_id
from unit.pictures import encoded, photo

from .conftest import FAULTS, Pipeline, eventually
from .faults import FaultyStorage, kill_one, settled, unseen

PORTS = Ports.from_base(23800)
PICTURE = encoded(photo(), "JPEG")
PAUSE_S, AWAY_S = 20, 60
"""How long an outage lasts in a thorough run, which waits for nothing meanwhile: it is the fault."""


@pytest.fixture(scope="module")
def storage() -> Iterator[FaultyStorage]:
    proxy = FaultyStorage(23810, PORTS.blob)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def frail(storage: FaultyStorage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A stack whose functions reach Blob Storage through the proxy."""
    values = {"RETRY_DELAYS_SECONDS": "1,1,2,2,3", "POISON_DELAY_SECONDS": "1"}
    options = Options(ports=PORTS, folder=tmp_path_factory.mktemp("frail"), workers=2, faults=True, values=values)
    with pytest.MonkeyPatch.context() as environment, Stack(options) as stack:
        environment.setenv("PYTHONPATH", str(FAULTS))
        direct = stack.environment["IMAGES_STORAGE"]
        stack.environment["IMAGES_STORAGE"] = direct.replace(f":{PORTS.blob}/", f":{storage.port}/")
        stack.start(lambda what: None)
        stack.environment["IMAGES_STORAGE"] = direct  # ours goes straight, and so does nothing else that starts later
        yield Pipeline(stack)


def log_of(pipeline: Pipeline) -> Path:
    return pipeline.stack.options.folder / "logs" / "host.log"


def drop_many(pipeline: Pipeline, folder: str, count: int) -> dict[str, str]:
    names = [f"{folder}/{number}.jpg" for number in range(count)]
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(names, pool.map(lambda name: pipeline.drop(name, PICTURE), names), strict=True))


def all_classified(pipeline: Pipeline, dropped: dict[str, str]) -> None:
    for name, etag in dropped.items():
        assert pipeline.record(name, etag).status in (Status.CLASSIFIED, Status.UNKNOWN)
    assert settled(pipeline) == []


def test_killed_at_random(frail: Pipeline, is_thorough: bool) -> None:
    chance = random.Random(4)
    pictures, step = (150, 2) if is_thorough else (70, 6)

    def staged() -> int:
        return sum(item.name.startswith("killed/") for page, _ in frail.stores.staging.list() for item in page)

    with ThreadPoolExecutor(1) as pool:
        dropping = pool.submit(drop_many, frail, "killed", pictures)
        for count in range(2, 62, step):  # a machine of any speed gets on between two deaths
            eventually(lambda count=count: staged() >= count, f"{count} to be staged")  # type: ignore[misc]
            kill_one(frail.stack, chance)
        all_classified(frail, dropping.result())


def lasting(seconds: float, is_thorough: bool) -> None:
    """Let an outage go on for so long in a thorough run; otherwise it has shown itself, and may end."""
    if is_thorough:
        threading.Event().wait(seconds)


def test_cosmos_unavailable(frail: Pipeline, is_thorough: bool) -> None:
    cosmos = frail.stack.processes["cosmos"]
    before = log_of(frail).stat().st_size
    cosmos.stop()
    dropped = drop_many(frail, "cosmos away", 5)
    said = "cannot be written as failed"
    eventually(
        lambda: log_of(frail).read_text()[before:].count(said) >= len(dropped), "all to be past their last attempt"
    )
    lasting(AWAY_S, is_thorough)
    cosmos.spawn()
    all_classified(frail, dropped)


def test_a_storm_of_429(frail: Pipeline) -> None:
    def inject(left: int) -> None:
        address = f"http://127.0.0.1:{PORTS.cosmos}/__fault"
        urllib.request.urlopen(address, json.dumps({"left": left, "status": 429, "ms": 5}).encode()).close()

    inject(300)
    all_classified(frail, drop_many(frail, "429", 30))
    inject(0)


def test_storage_answers_500_and_503(frail: Pipeline, storage: FaultyStorage) -> None:
    storage.statuses = [500, 503] * 30
    dropped = drop_many(frail, "50x", 30)
    eventually(lambda: not storage.statuses, "all faults to be met")
    all_classified(frail, dropped)


def requests_that_wait(port: int) -> int:
    """How many connections to this port of 127.0.0.1 hold bytes that the server has not read."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and int(row[4].split(":")[1], 16) > 0 for row in rows)


def test_azurite_paused(frail: Pipeline, is_thorough: bool) -> None:
    """Stopped in the middle of a crowd, while it is asked."""
    azurite = frail.stack.processes["azurite"]
    with ThreadPoolExecutor(1) as pool:
        dropping = pool.submit(drop_many, frail, "paused", 40)
        eventually(lambda: any(True for page, _ in frail.stores.uploads.list() if page), "the first")
        assert azurite.pid is not None
        os.kill(azurite.pid, signal.SIGSTOP)
        eventually(lambda: requests_that_wait(PORTS.blob) > 1, "requests to hang")
        lasting(PAUSE_S, is_thorough)
        os.kill(azurite.pid, signal.SIGCONT)
        all_classified(frail, dropping.result())


def test_a_full_disk_under_cosmos(frail: Pipeline) -> None:
    cosmos, journal = frail.stack.processes["cosmos"], frail.stack.options.folder / "cosmos.journal"
    before = log_of(frail).stat().st_size
    size = journal.stat().st_size
    assert cosmos.pid is not None
    resource.prlimit(cosmos.pid, resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    dropped = drop_many(frail, "full", 10)
    eventually(lambda: "writing a record: " in log_of(frail).read_text()[before:], "a write to be refused")
    if cosmos.pid is not None:
        resource.prlimit(cosmos.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    all_classified(frail, dropped)


def post(pipeline: Pipeline, function: str, *events: object, kind: str = "Notification") -> int:
    """Deliver events to the host's webhook, as Event Grid does."""
    address = f"http://127.0.0.1:{PORTS.host}/runtime/webhooks/blobs?functionName=Host.Functions.{function}"
    body = events[0] if isinstance(events[0], bytes) else json.dumps(events).encode()
    request = urllib.request.Request(address, body, {"aeg-event-type": kind, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def created(container: str, name: str) -> dict[str, object]:
    url = f"http://127.0.0.1:{PORTS.blob}/devstoreaccount1/{container}/{urllib.parse.quote(name)}"
    return {"eventType": "Microsoft.Storage.BlobCreated", "data": {"url": url, "blobType": "BlockBlob", "eTag": "0x1"}}


def test_events_come_twice_shuffled_never_and_late(frail: Pipeline) -> None:
    chance = random.Random(7)
    with unseen(frail.stack):
        dropped = drop_many(frail, "unruly", 40)
        names = list(dropped)
        events = [created("uploads", name) for name in names if chance.random() > 0.1 for _ in range(3)]
        chance.shuffle(events)
        assert post(frail, "preprocess", *events) == 202
        told = {f"{name}.png" for name in names if any(created("uploads", name) == event for event in events)}
        eventually(lambda: all(frail.stores.staging.stat(staged) for staged in told), "them to be staged")
    for name in names:  # what was staged while nobody listened: its event comes late, and three times
        if frail.stores.staging.stat(f"{name}.png"):
            post(frail, "classify", *[created("staging", f"{name}.png")] * 3)
    for page in lost_uploads(frail.stores, 0):  # the sweep, twice at once
        for lost in page.lost * 2:
            tasks.send(frail.stores.work, tasks.Task(tasks.PREPROCESS, lost.name))
    all_classified(frail, dropped)


def test_events_that_make_no_sense_do_no_harm(frail: Pipeline) -> None:
    before = {record_id(name) for name in ("nowhere.jpg", "other.jpg")}
    assert post(frail, "preprocess", created("uploads", "nowhere.jpg")) == 202
    assert post(frail, "preprocess", created("strangers", "other.jpg")) == 202
    assert post(frail, "classify", created("staging", "nowhere.jpg.png")) == 202
    assert post(frail, "unheard-of", created("uploads", "x.jpg")) == 404
    assert post(frail, "preprocess", b"{broken") == 400
    assert post(frail, "preprocess", {"data": {"url": "http://127.0.0.1/"}}) == 400
    assert post(frail, "preprocess", {"data": {"validationCode": "42"}}, kind="SubscriptionValidation") == 200
    senseless = ("{broken", '{"step": "dance", "name": "x"}', "[]", '"text"', '{"eventType": "Other"}')
    for message in senseless:
        frail.stores.work.send(message)
    aside = frail.stores.work_poison
    eventually(lambda: aside.length() == len(senseless), "them to be put where people look")
    frail.stores.queue_service.get_queue_client(aside.name).clear_messages()
    assert settled(frail) == []
    assert all(frail.stores.records.read(id) is None for id in before)


def test_a_late_event_does_not_bring_a_deleted_upload_back(frail: Pipeline) -> None:
    frail.record("late.jpg", frail.drop("late.jpg", PICTURE))
    frail.stores.uploads.delete("late.jpg")
    assert settled(frail) == []
    before = log_of(frail).stat().st_size
    post(frail, "preprocess", created("uploads", "late.jpg"))
    post(frail, "classify", created("staging", "late.jpg.png"))
    told = (f"gone id={record_id('late.jpg')}", "no longer staged")
    eventually(lambda: all(text in log_of(frail).read_text()[before:] for text in told), "both events to be handled")
    stored = frail.stores.records.read(record_id("late.jpg"))
    assert stored is not None
    assert stored.record.status is Status.DELETED
    assert settled(frail) == []


def test_overwritten_and_deleted_by_chance(frail: Pipeline) -> None:
    chance = random.Random(11)
    names = [f"chance/{number}.jpg" for number in range(12)]
    pictures = [PICTURE, encoded(photo(seed=3), "JPEG"), b"not a picture"]
    for _ in range(150):
        name = chance.choice(names)
        if chance.random() < 0.3:
            frail.stores.uploads.delete(name)
        else:
            frail.drop(name, chance.choice(pictures))
    assert settled(frail) == []


def test_a_leased_upload_is_deleted_once_the_lease_ends(frail: Pipeline) -> None:
    frail.record("leased.jpg", frail.drop("leased.jpg", PICTURE))
    assert settled(frail) == []
    lease = frail.stores.blob_service.get_blob_client("uploads", "leased.jpg").acquire_lease()
    with pytest.raises(BlobLeased, match="another program holds a lease"):
        frail.stores.uploads.delete("leased.jpg")
    before = log_of(frail).stat().st_size
    delete_later(frail.stores, "leased.jpg", 0)
    eventually(lambda: "BlobLeased" in log_of(frail).read_text()[before:], "the first attempt")
    assert frail.stores.uploads.stat("leased.jpg") is not None
    lease.release()
    eventually(lambda: frail.stores.uploads.stat("leased.jpg") is None, "the deletion")
    assert settled(frail) == []


def test_a_leased_upload_has_its_record_and_is_tagged_once_the_lease_ends(frail: Pipeline) -> None:
    with unseen(frail.stack):
        etag = frail.drop("held.jpg", PICTURE)
        lease = frail.stores.blob_service.get_blob_client("uploads", "held.jpg").acquire_lease()
    tasks.send(frail.stores.work, tasks.Task(tasks.PREPROCESS, "held.jpg"))
    assert frail.record("held.jpg", etag).status in (Status.CLASSIFIED, Status.UNKNOWN)
    lease.release()
    assert frail.tags("held.jpg", etag)["status"] in ("classified", "unknown")
    assert settled(frail) == []


def test_a_failure_that_stays_is_named_and_can_be_retried(frail: Pipeline) -> None:
    """The staging container is gone: after all attempts the record says so; retry mends it."""
    service, staging = frail.stores.blob_service, frail.stores.names.staging
    assert settled(frail) == []
    service.delete_container(staging)
    etag = frail.drop("stays.jpg", PICTURE)
    record = frail.record("stays.jpg", etag)
    assert record.status is Status.FAILED
    assert record.problem is not None
    assert (record.problem.step, record.problem.reason) == ("preprocess", "Unavailable")
    assert "ContainerNotFound" in record.problem.detail
    assert frail.tags("stays.jpg", etag)["status"] == "failed"
    assert "stays.jpg" not in log_of(frail).read_text()
    service.create_container(staging)
    tasks.send(frail.stores.work, tasks.Task(tasks.PREPROCESS, "stays.jpg"))

    def is_mended() -> bool:
        stored = frail.stores.records.read(record_id("stays.jpg"))
        return stored is not None and stored.record.problem is None

    eventually(is_mended, "the retry")
