"""Nothing is ever lost: whatever dies, is away, comes twice or never, in the end all stores agree."""

import json
import random
import resource
import signal
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.ports import Ports
from local.supervisor import Options, Stack
from pipeline import tasks
from pipeline.sweep import lost_uploads
from record import Status, record_id
from unit.pictures import encoded, photo

from .conftest import FAULTS, Pipeline, eventually
from .faults import FaultyStorage, kill_one, settled, unseen

PORTS = Ports.from_base(23800)
PICTURE = encoded(photo(), "JPEG")
PAUSE_S, AWAY_S = 20, 60


@pytest.fixture(scope="module")
def storage() -> Iterator[FaultyStorage]:
    proxy = FaultyStorage(23810, PORTS.blob)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def frail(storage: FaultyStorage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A stack whose functions reach Blob Storage through the proxy."""
    values = {"RETRY_DELAYS": "1,1,2,2,3", "POISON_DELAY": "1"}
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


def test_killed_at_random(frail: Pipeline) -> None:
    chance, done = random.Random(4), threading.Event()

    def kill() -> None:
        while not done.wait(0.7):
            kill_one(frail.stack, chance)

    killer = threading.Thread(target=kill)
    killer.start()
    dropped = drop_many(frail, "killed", 150)
    eventually(lambda: len(next(iter(frail.stores.staging.list()))[0]) > 60, "some to be done")
    done.set()
    killer.join()
    all_classified(frail, dropped)


def test_cosmos_away(frail: Pipeline) -> None:
    cosmos = frail.stack.processes["cosmos"]
    before = log_of(frail).stat().st_size
    cosmos.stop()
    dropped = drop_many(frail, "cosmos away", 10)
    eventually(lambda: "attempt=3" in log_of(frail).read_text()[before:], "a third attempt")
    threading.Event().wait(AWAY_S)  # past the last attempt, too
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


def test_azurite_paused(frail: Pipeline) -> None:
    """Stopped in the middle of a crowd, for a while; the pause is the fault, not a wait for something."""
    azurite = frail.stack.processes["azurite"]
    with ThreadPoolExecutor(1) as pool:
        dropping = pool.submit(drop_many, frail, "paused", 40)
        eventually(lambda: any(True for page, _ in frail.stores.uploads.list() if page), "the first")
        assert azurite.pid is not None
        azurite._popen.send_signal(signal.SIGSTOP)
        threading.Event().wait(PAUSE_S)
        azurite._popen.send_signal(signal.SIGCONT)
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
    url = f"http://127.0.0.1:{PORTS.blob}/devstoreaccount1/{container}/{urllib.request.quote(name)}"
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
        eventually(lambda: all(frail.stores.staging.look(staged) for staged in told), "them to be staged")
    for name in names:  # what was staged while nobody listened: its event comes late, and three times
        if frail.stores.staging.look(f"{name}.png"):
            post(frail, "classify", *[created("staging", f"{name}.png")] * 3)
    for page in lost_uploads(frail.stores, 0):  # the sweep, twice at once
        for lost in page.lost * 2:
            tasks.send(frail.stores.work, tasks.Task(tasks.PREPROCESS, lost))
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
    for message in ("{broken", '{"step": "dance", "name": "x"}', "[]", '"text"', '{"eventType": "Other"}'):
        frail.stores.work.send(message)
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
    known = frail.stores.records.read(record_id("late.jpg"))
    assert known is not None
    assert known.record.status is Status.DELETED
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


def test_a_failure_that_stays_is_named_and_can_be_retried(frail: Pipeline) -> None:
    """The staging container is gone: after all attempts the record says so; retry mends it."""
    service, staging = frail.stores.blob_service, frail.stores.names.staging
    assert settled(frail) == []
    service.delete_container(staging)
    etag = frail.drop("stays.jpg", PICTURE)
    record = frail.record("stays.jpg", etag)
    assert record.status is Status.FAILED
    assert record.problem is not None
    assert (record.problem.step, record.problem.reason) == ("preprocess", "Away")
    assert "ContainerNotFound" in record.problem.detail
    assert frail.tags("stays.jpg", etag)["status"] == "failed"
    assert "stays.jpg" not in log_of(frail).read_text()
    service.create_container(staging)
    tasks.send(frail.stores.work, tasks.Task(tasks.PREPROCESS, "stays.jpg"))

    def is_mended() -> bool:
        known = frail.stores.records.read(record_id("stays.jpg"))
        return known is not None and known.record.problem is None

    eventually(is_mended, "the retry")
