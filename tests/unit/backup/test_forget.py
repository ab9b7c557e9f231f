"""After a picture was forgotten, neither its name nor its pixels are found, but where it is said so."""

import gzip
import hashlib
import json
from typing import Any

import pytest

from imagestore.backup.forget import forget
from imagestore.backup.make import back_up
from imagestore.backup.restore import Wanted, restore
from imagestore.backup.snapshots import check, finished_ids, manifest_of
from imagestore.errors import Conflict, NotFound
from imagestore.pipeline.changes.documents import Action, BulkChange, ChangeState
from imagestore.record import record_id
from imagestore.store.instance import OpenRestore, begin_restore
from preprocess import Limits
from unit.backup.estate import Died, MemoryVault, PlainDecoder, estate, fill, take_in

NAME = "a/ann's face.jpg"
PIXELS = b"pixels of ann" * 1000
SHA256 = hashlib.sha256(PIXELS).hexdigest()
COMPUTED = f"mine/computed-features-{'1' * 24}.npz"


@pytest.fixture
def source() -> Any:
    stores = estate()
    fill(stores)
    take_in(stores, NAME, PIXELS)
    stores.thumbnails.overwrite(f"{record_id(NAME)}.thumbnail.webp", PIXELS, "image/webp")
    for project in ("mine", "faces"):
        stores.training.overwrite(f"{project}/{SHA256}", PIXELS, "image/jpeg")
        stores.training.overwrite(f"{project}/{SHA256}.json", b'{"source": "x"}', "application/json")
    split = {"pending": {SHA256: "test", "b" * 64: "learn"}}
    stores.training.overwrite("mine/split.json", json.dumps(split).encode(), "application/json")
    stores.training.overwrite(COMPUTED, b"PK" + bytes.fromhex(SHA256) + b"numbers", "application/json")
    stores.model_files.overwrite("mine/1/report.html", b"<td>(corrected) a/ann&#x27;s face.jpg</td>", "text/html")
    stores.model_files.overwrite("mine/2/report.html", b"<td>another</td>", "text/html")
    stores.model_files.overwrite("mine/1/training.json", json.dumps({SHA256: "tulip"}).encode(), "application/json")
    suggested = {"version": "1", "pictures": {SHA256: {"tulip": 0.9}, "b" * 64: {}}}
    stores.model_files.overwrite("mine/suggestions.json", json.dumps(suggested).encode(), "application/json")
    pictures = [{"id": record_id(NAME), "name": NAME}, {"id": "another", "name": "another.jpg"}, {"id": SHA256}]
    part = {"id": "change-1-part-0001", "type": "bulk_part", "change": "change-1", "pictures": pictures}
    stores.jobs.create(part)
    answer = {"status": 202, "text": json.dumps({"name": NAME})}
    stores.accounts.create({"id": "idempotency-1", "type": "idempotency", "answer": answer})
    stores.accounts.create({"id": "idempotency-2", "type": "idempotency", "answer": {"text": record_id(NAME)}})
    stores.accounts.create({"id": "idempotency-3", "type": "idempotency"})
    for id, name in (("delivery-1", NAME), ("delivery-2", "another.jpg")):
        told = {"subject": record_id(name), "event": json.dumps({"name": name})}
        stores.jobs.create({"id": id, "type": "webhook_delivery", **told})
    return stores


@pytest.fixture
def vault(source: Any) -> MemoryVault:
    vault = MemoryVault()
    back_up(source, vault)
    source.uploads.tags[NAME]["owner"] = "Ann"
    back_up(source, vault)
    return vault


def traces(stores: Any, *vaults: MemoryVault) -> set[str]:
    """Where the name or the pixels are."""
    found = set()
    needles = (NAME.encode(), b"ann&#x27;s", PIXELS[:50], bytes.fromhex(SHA256))
    for blobs in (
        stores.uploads, stores.staging, stores.results, stores.training, stores.model_files, stores.thumbnails,
    ):  # fmt: skip
        for name, blob in blobs.blobs.items():
            if any(one in blob.data for one in needles) or NAME in name:
                found.add(f"{blobs.container}/{name}")
    for item, _ in stores.jobs.items.values():
        if NAME in json.dumps(item.document):
            found.add(f"jobs/{item.id}")
    for vault in vaults:
        for name, data in vault.files.items():
            text = gzip.decompress(data) if name.endswith(".gz") else data
            if any(one in text for one in needles) or SHA256 in name:
                found.add(name)
    return found


def test_nothing_of_it_is_left_here_and_in_backups(source: Any, vault: MemoryVault) -> None:
    assert len(traces(source, vault)) > 10
    done = forget(source, NAME, [vault])
    assert traces(source, vault) == set()
    assert len(done.deleted) >= 5
    assert any("mine/1/training.json" in sentence for sentence in done.stays), "what a version learned from is told"
    assert "mine/2/report.html" in source.model_files.blobs
    assert COMPUTED not in source.training.blobs
    assert json.loads(source.training.blobs["mine/split.json"].data) == {"pending": {"b" * 64: "learn"}}
    assert json.loads(source.model_files.blobs["mine/suggestions.json"].data)["pictures"] == {"b" * 64: {}}
    (kept,) = source.jobs.read("change-1-part-0001").document["pictures"]
    assert kept["name"] == "another.jpg"
    assert source.jobs.read("delivery-1") is None
    assert source.jobs.read("delivery-2") is not None
    assert any("tell webhooks of it" in sentence for sentence in done.deleted)
    for id in finished_ids(vault):
        assert check(vault, manifest_of(vault, id)).wrong == []


def test_of_many_events_for_webhooks_those_of_the_picture_alone_are_read(source: Any, monkeypatch: Any) -> None:
    read, every, find = list[str](), source.jobs.every, source.jobs.find

    def noted(found: Any) -> Any:
        for item in found:
            read.append(item.id)
            yield item

    monkeypatch.setattr(source.jobs, "every", lambda *asked, **named: noted(every(*asked, **named)))
    monkeypatch.setattr(source.jobs, "find", lambda *asked, **named: noted(find(*asked, **named)))
    replace, read_until_then = source.jobs.replace, list[str]()
    source.jobs.create({"id": "zzz", "type": "bulk_part", "change": "change-2", "pictures": []})

    def replaced(*asked: Any) -> Any:
        read_until_then.extend(read)
        return replace(*asked)

    monkeypatch.setattr(source.jobs, "replace", replaced)
    forget(source, NAME, [])
    assert "delivery-1" in read
    assert "delivery-2" not in read
    assert "zzz" in read
    assert "zzz" not in read_until_then, "all at once"


def test_a_restore_does_not_bring_it_back(source: Any, vault: MemoryVault) -> None:
    forget(source, NAME, [vault])
    target, decoder = estate(), PlainDecoder()
    restore(target, vault, manifest_of(vault), Wanted(), decoder, Limits())  # type: ignore[arg-type]
    assert NAME not in target.uploads.blobs
    assert "a/classified.jpg" in target.uploads.blobs
    assert traces(target) == set()


@pytest.mark.parametrize("where", ["source", "vault"])
def test_killed_before_any_call_it_is_given_again(where: str) -> None:
    def begun() -> tuple[Any, MemoryVault]:
        stores = source.__wrapped__() if hasattr(source, "__wrapped__") else source._fixture_function()
        vault = MemoryVault()
        back_up(stores, vault)
        stores.life.again()
        vault.life.again()
        return stores, vault

    stores, vault = begun()
    forget(stores, NAME, [vault])
    calls = (stores if where == "source" else vault).life.calls
    for dies_at in range(calls):
        stores, vault = begun()
        (stores if where == "source" else vault).life.again(dies_at)
        with pytest.raises(Died):
            forget(stores, NAME, [vault])
        stores.life.again()
        vault.life.again()
        forget(stores, NAME, [vault])
        assert traces(stores, vault) == set(), f"killed before call {dies_at}"
        assert check(vault, manifest_of(vault)).wrong == []


def test_the_same_picture_under_another_name_stays_and_is_named(source: Any, vault: MemoryVault) -> None:
    take_in(source, "a/copy.jpg", PIXELS)
    back_up(source, vault)
    done = forget(source, NAME, [vault])
    assert done.others == ["a/copy.jpg"]
    target, decoder = estate(), PlainDecoder()
    restore(target, vault, manifest_of(vault), Wanted(), decoder, Limits())  # type: ignore[arg-type]
    assert target.uploads.blobs["a/copy.jpg"].data == PIXELS


def test_one_that_was_deleted_is_forgotten_in_backups(source: Any, vault: MemoryVault) -> None:
    source.uploads.delete(NAME)
    source.records.records.pop(record_id(NAME))
    forget(source, NAME, [vault])
    assert {trace for trace in traces(source, vault) if trace.startswith(("snapshots", "contents"))} == set()


def test_what_nobody_knows_is_said_and_what_is_under_way_is_waited_for(source: Any, vault: MemoryVault) -> None:
    with pytest.raises(NotFound, match="no upload 'nothing'"):
        forget(source, "nothing", [vault])
    source.jobs.create({"id": "9", "type": "job", "kind": "train", "is_open": "yes"})
    with pytest.raises(Conflict, match="train"):
        forget(source, NAME, [vault])
    source.jobs.delete("9")
    begin_restore(source.model_files, OpenRestore("20200101T000000Z-000000", "2020-01-01T00:00:00.000Z", "me"))
    with pytest.raises(Conflict, match="restore"):
        forget(source, NAME, [vault])


@pytest.mark.parametrize("state", ["applying", "undoing"])
def test_a_move_to_training_is_waited_for_however_late_it_is_begun(source: Any, state: str) -> None:
    kept = BulkChange(id="change-7", action=Action.TO_TRAINING, by="me", state=ChangeState(state)).document()
    source.jobs.create(kept)
    with pytest.raises(Conflict, match=r"change-7.*changes continue"):
        forget(source, NAME, [])
    source.jobs.delete("change-7")
    with pytest.raises(Conflict, match="change-7"):
        forget(source, NAME, [], lambda place: source.jobs.create(kept) if place == "jobs" else None)
    assert NAME in source.uploads.blobs, "what is needed to go on is there"
    source.jobs.replace(kept | {"state": "undone"}, source.jobs.read("change-7").etag)
    forget(source, NAME, [])
    assert traces(source) == set()


def test_a_copy_that_is_made_until_the_upload_is_gone_goes_too(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    delete = source.uploads.delete

    def deleted(name: str) -> None:
        source.training.overwrite(f"mine/{SHA256}.json", b'{"source": "x"}', "application/json")
        source.training.overwrite(f"mine/{SHA256}", PIXELS, "image/jpeg")
        delete(name)

    monkeypatch.setattr(source.uploads, "delete", deleted)
    done = forget(source, NAME, [])
    assert traces(source) == set()
    assert "A copy that was made of it meanwhile, among the labelled pictures." in done.deleted
