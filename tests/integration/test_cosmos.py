"""What the data layer asks of Cosmos DB. COSMOS_CONTRACT, a connection string, runs it against another one: the Docker
emulator or a real account."""

import itertools
import json
import os
import signal
import subprocess
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from imagestore.errors import Conflict
from imagestore.local.node import demand_node
from imagestore.local.places import LOCAL
from imagestore.local.ports import is_listening
from imagestore.record import Correction, Failure, Record, Status, record_id
from imagestore.store import Items
from imagestore.store.connect import INDEXING
from imagestore.store.items import CosmosItems
from imagestore.store.records import Records
from unit.items_contract import ItemsContract

from .conftest import eventually

PORT = 23400
KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
OURS = f"AccountEndpoint=http://localhost:{PORT}/;AccountKey={KEY};"
CONNECTION = os.environ.get("COSMOS_CONTRACT", OURS)
only_ours = pytest.mark.skipif(CONNECTION != OURS, reason="a fault of the local server's own is switched on")


class Server:
    """The local server, which a test may kill."""

    def __init__(self, folder: Path) -> None:
        self._journal, self._log = folder / "journal", folder / "log"
        self.start()

    def start(self) -> None:
        command = [demand_node(), str(LOCAL / "cosmos" / "server.js"), "--port", str(PORT)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--journal", str(self._journal), "--faults"], stdout=log, stderr=log
            )
        eventually(lambda: is_listening(PORT), "Cosmos DB")

    def stop(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait()

    def fault(self, **fault: int) -> None:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/__fault", json.dumps(fault).encode()).close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server | None]:
    if CONNECTION != OURS:
        yield None
        return
    running = Server(tmp_path_factory.mktemp("cosmos"))
    yield running
    running.stop(signal.SIGTERM)


@pytest.fixture
def container(server: Server | None) -> Iterator[ContainerProxy]:
    client = CosmosClient.from_connection_string(CONNECTION)
    database = client.create_database_if_not_exists("contract")
    name = f"c{uuid.uuid4().hex}"
    yield database.create_container(name, PartitionKey("/pk"), INDEXING, default_ttl=-1)
    database.delete_container(name)


@pytest.fixture
def records(server: Server | None) -> Iterator[Records]:
    client = CosmosClient.from_connection_string(CONNECTION)
    database = client.create_database_if_not_exists("contract")
    name = f"r{uuid.uuid4().hex}"
    yield Records(database.create_container(name, PartitionKey("/id"), INDEXING, default_ttl=-1))
    database.delete_container(name)


def status_of(call: Callable[..., object], *parameters: object, **options: object) -> int:
    with pytest.raises(CosmosHttpResponseError) as caught:
        call(*parameters, **options)
    return caught.value.status_code or 0


def record(name: str, *, label: str | None = None, at: str = "2026-11-21T09:00:00.000Z") -> Record:
    return Record(
        record_id(name), name, status=Status.CLASSIFIED if label else Status.UNKNOWN, label=label, finished_at=at
    )


def test_what_is_not_there_is_404(container: ContainerProxy) -> None:
    assert status_of(container.read_item, "none", "p") == 404
    assert status_of(container.delete_item, "none", "p") == 404
    assert status_of(container.replace_item, "none", {"id": "none", "pk": "p"}) == 404


def test_creating_twice_is_409(container: ContainerProxy) -> None:
    container.create_item({"id": "a", "pk": "p"})
    assert status_of(container.create_item, {"id": "a", "pk": "p"}) == 409
    container.create_item({"id": "a", "pk": "another"})


def test_an_old_etag_is_412(container: ContainerProxy) -> None:
    old = container.create_item({"id": "a", "pk": "p", "n": 1})["_etag"]
    condition = {"etag": old, "match_condition": MatchConditions.IfNotModified}
    container.replace_item("a", {"id": "a", "pk": "p", "n": 2}, **condition)
    assert status_of(container.replace_item, "a", {"id": "a", "pk": "p", "n": 3}, **condition) == 412
    change = [{"op": "set", "path": "/n", "value": 4}]
    assert status_of(container.patch_item, "a", "p", change, **condition) == 412
    assert container.read_item("a", "p")["n"] == 2


def test_a_query_stays_in_its_partition(container: ContainerProxy) -> None:
    for id, key in (("a", "p"), ("b", "p"), ("c", "q")):
        container.create_item({"id": id, "pk": key})
    query = "SELECT VALUE c.id FROM c ORDER BY c.id"
    assert list(container.query_items(query, partition_key="p")) == ["a", "b"]
    assert list(container.query_items(query, enable_cross_partition_query=True)) == ["a", "b", "c"]
    assert status_of(container.read_item, "c", "p") == 404
    count = "SELECT VALUE COUNT(1) FROM c"
    assert list(container.query_items(count, enable_cross_partition_query=True)) == [3]


def test_a_batch_happens_whole_or_not_at_all(container: ContainerProxy) -> None:
    container.create_item({"id": "there", "pk": "p"})
    with pytest.raises(CosmosBatchOperationError):
        container.execute_item_batch(
            [("create", ({"id": "new", "pk": "p"},)), ("delete", ("there",)), ("create", ({"id": "new", "pk": "p"},))],
            "p",
        )
    assert list(container.query_items("SELECT VALUE c.id FROM c", partition_key="p")) == ["there"]
    container.execute_item_batch([("create", ({"id": "new", "pk": "p"},)), ("delete", ("there",))], "p")
    assert list(container.query_items("SELECT VALUE c.id FROM c", partition_key="p")) == ["new"]


def test_an_item_expires(container: ContainerProxy) -> None:
    container.create_item({"id": "short", "pk": "p", "ttl": 1})
    container.create_item({"id": "long", "pk": "p"})

    def is_gone() -> bool:
        return list(container.query_items("SELECT VALUE c.id FROM c", partition_key="p")) == ["long"]

    eventually(is_gone, "the item to expire")
    assert status_of(container.read_item, "short", "p") == 404
    container.create_item({"id": "short", "pk": "p"})


def test_an_item_over_two_megabytes_is_413(container: ContainerProxy) -> None:
    assert status_of(container.create_item, {"id": "a", "pk": "p", "x": "x" * 2_100_000}) == 413


@only_ours
def test_the_sdk_waits_out_429(server: Server, container: ContainerProxy) -> None:
    server.fault(left=3, status=429, ms=5)
    assert container.create_item({"id": "a", "pk": "p"})["id"] == "a"


def test_records_are_found_page_by_page(records: Records) -> None:
    for i in range(25):
        at = f"2026-11-21T09:00:{i // 2:02d}.000Z"
        records.write(record(f"{i}.jpg", label="even" if i % 2 == 0 else None, at=at), None, None)
    seen: list[Record] = []
    while page := records.find(limit=7, after=(str(seen[-1].finished_at), seen[-1].id) if seen else None):
        seen += page
    assert len(seen) == len({r.id for r in seen}) == 25
    assert [r.finished_at for r in seen] == sorted((str(r.finished_at) for r in seen), reverse=True)
    assert len(records.find(label="even")) == 13
    assert len(records.find(status="unknown")) == 12
    assert len(records.find(since="2026-11-21T09:00:12.000Z")) == 1


def test_a_reason_also_finds_what_the_version_before_called_otherwise(records: Records) -> None:
    for name, reason in (("new", "Unavailable"), ("old", "Away"), ("bad", "corrupt")):
        problem = Failure("classify", reason, "storage")
        records.write(replace(record(name), status=Status.FAILED, problem=problem), None, None)
    assert {found.name for found in records.each(reason="Unavailable")} == {"new", "old"}
    assert {found.name for found in records.each(reason="corrupt")} == {"bad"}
    assert len(list(records.each(limit=2))) == 2


def test_a_correction_that_waits_for_its_picture_is_no_label(records: Records) -> None:
    correction = Correction("lynx", "me", "2026-11-21T09:00:00.000Z", sha256="00")
    records.write(replace(record("a", label="lynx"), correction=correction), None, None)
    records.write(replace(record("b", label=None), correction=correction), None, None)
    assert [summary.name for summary in records.corrections()] == ["a"]


def test_a_record_is_written_only_over_what_was_read(records: Records) -> None:
    first = records.write(record("a"), "r1", None)
    with pytest.raises(Conflict):
        records.write(record("a"), None, None)
    records.write(record("a", label="cat"), "r2", first)
    with pytest.raises(Conflict):
        records.write(record("a"), None, first)
    with pytest.raises(Conflict):
        records.write(record("never there"), None, first)
    known = records.read(record_id("a"))
    assert known is not None
    assert (known.record.label, known.result_etag) == ("cat", "r2")


def test_changes_go_on_from_a_token(records: Records) -> None:
    token = records.now()
    records.write(record("a"), None, None)
    stored = records.write(record("b"), None, None)
    (page, token), *_ = records.changes(token)
    assert [stored.record.name for stored in page] == ["a", "b"]
    records.write(record("b", label="cat"), None, stored)
    assert [stored.record.label for page, _ in records.changes(token) for stored in page] == ["cat"]


@only_ours
def test_everything_answered_outlives_sigkill(server: Server, records: Records) -> None:
    written = [records.write(record(f"{i}.jpg"), None, None) for i in range(50)]
    records.write(record("0.jpg", label="changed"), "r", written[0])
    token = records.now()
    server.stop(signal.SIGKILL)
    with server._journal.open("ab") as journal:
        journal.write(b'[{"kind":"Documents","set":{"id":"torn')  # as a death in the middle of a write leaves it
    server.start()
    assert len(records.find(limit=100)) == 50
    known = records.read(record_id("0.jpg"))
    assert known is not None
    assert known.record.label == "changed"
    records.write(record("1.jpg", label="after"), None, written[1])
    assert [stored.record.label for page, _ in records.changes(token) for stored in page] == ["after"]


@only_ours
def test_a_full_disk_refuses_and_changes_nothing(tmp_path: Path) -> None:
    """Under a limit on file size the journal cannot grow: writes answer 503, and what was there stays readable."""
    command = [
        demand_node(),
        str(LOCAL / "cosmos" / "server.js"),
        "--port",
        str(PORT + 1),
        "--journal",
        str(tmp_path / "j"),
    ]
    limited = ["sh", "-c", 'ulimit -f 8; trap "" XFSZ; exec "$@"', "sh", *command]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(limited, stdout=log, stderr=log)
    eventually(lambda: is_listening(PORT + 1), "Cosmos DB")
    client = CosmosClient(f"http://localhost:{PORT + 1}", KEY, retry_total=0, retry_connect=0)
    try:
        container = client.create_database("d").create_container("c", PartitionKey("/id"))
        with pytest.raises(CosmosHttpResponseError) as caught:
            fill(container)
        assert caught.value.status_code == 503
        assert "journal cannot be written" in caught.value.message
        found: list[Any] = list(container.query_items("SELECT VALUE c.n FROM c", enable_cross_partition_query=True))
        assert sorted(found) == list(range(len(found)))
        assert len(found) > 0
    finally:
        process.terminate()
        process.wait()


def fill(container: ContainerProxy) -> None:
    for n in itertools.count():
        container.create_item({"id": str(n), "n": n, "x": "x" * 200})


class TestItems(ItemsContract):
    @pytest.fixture
    def items(self, server: Server | None) -> Iterator[Items]:
        client = CosmosClient.from_connection_string(CONNECTION)
        database = client.create_database_if_not_exists("contract")
        name = f"i{uuid.uuid4().hex}"
        made = database.create_container(name, PartitionKey("/id"), default_ttl=-1)
        yield CosmosItems(lambda: made)
        database.delete_container(name)

    def test_a_document_is_gone_after_its_time(self, items: Items) -> None:
        items.create({"id": "short", "type": "t", "ttl": 1})
        items.create({"id": "long", "type": "t", "ttl": 3600})
        eventually(lambda: items.read("short") is None, "its end")
        assert [item.id for item in items.find("t")] == ["long"]
        assert items.create({"id": "short", "type": "t"}).document == {"id": "short", "type": "t"}
