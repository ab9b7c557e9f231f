"""A restore, killed before any call and given again, ends as one that was not killed."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from imagestore.backup.format import Manifest
from imagestore.backup.make import back_up
from imagestore.backup.restore import Restored, Wanted, restore
from imagestore.backup.restore_pictures import Outcome
from imagestore.errors import BackupError, Conflict, WrongInstance
from imagestore.pipeline.names import result_name, staged_name
from imagestore.pipeline.restored import MARK, restored_from
from imagestore.pipeline.upkeep.verify import Kind, verify
from imagestore.record import record_id, tombstone
from imagestore.store import StoredRecord
from imagestore.store.instance import begin_restore, end_restore, open_restore
from preprocess import Limits
from unit.backup.estate import Died, MemoryVault, PlainDecoder, estate, fill, kept

NAMES = ["a/classified.jpg", "a/corrected.jpg", "a/rejected.jpg", "a/failed.jpg"]


@pytest.fixture
def source() -> Any:
    stores = estate()
    fill(stores)
    return stores


@pytest.fixture
def vault(source: Any) -> MemoryVault:
    vault = MemoryVault()
    back_up(source, vault)
    return vault


def restored(stores: Any, vault: MemoryVault, **options: Any) -> Restored:
    decoder: Any = PlainDecoder()
    return restore(stores, vault, manifest_in(vault), Wanted(**options), decoder, Limits())


def manifest_in(vault: MemoryVault) -> Manifest:
    from imagestore.backup.snapshots import manifest_of

    return manifest_of(vault)


def damage(stores: Any) -> None:
    """Take away or alter a little of everything."""
    stores.records.records.pop(record_id("a/classified.jpg"))
    stores.staging.blobs.pop(staged_name("a/corrected.jpg"))
    stores.results.blobs.pop(result_name("a/rejected.jpg"))
    stores.uploads.blobs.pop("a/failed.jpg")
    stores.uploads.overwrite("a/on its way.jpg", b"altered", "image/jpeg")
    stored = stores.records.records[record_id("a/corrected.jpg")]
    stores.records.records[record_id("a/corrected.jpg")] = replace(
        stored, record=replace(stored.record, label="altered"), etag="altered"
    )
    stores.training.overwrite("mine/0a.json", b"altered", "application/json")
    stores.model_files.delete("mine/1/model.onnx")
    stores.accounts.delete("key-1")


def test_an_empty_account_is_as_the_one_that_was_backed_up(source: Any, vault: MemoryVault) -> None:
    target = estate()
    done = restored(target, vault)
    assert kept(target) == kept(source)
    assert done.problems == []
    assert done.differing == 0
    assert {difference.kind for difference in verify(target)} == {Kind.NO_RECORD}, "of the one that was on its way"
    assert open_restore(target.model_files) is None
    for name in NAMES:
        assert restored_from(name, target.uploads.blobs[name].metadata), "its event asks for nothing"
    assert MARK not in target.uploads.blobs["a/on its way.jpg"].metadata, "its event has it classified"


def test_what_is_there_is_not_written_again(source: Any, vault: MemoryVault) -> None:
    target = estate()
    restored(target, vault)
    before = {name: blob.etag for name, blob in target.uploads.blobs.items()}
    again = restored(target, vault)
    assert {name: blob.etag for name, blob in target.uploads.blobs.items()} == before
    assert set(again.pictures) == {Outcome.SAME}


def test_an_instance_is_restored_into_itself_without_change(source: Any, vault: MemoryVault) -> None:
    before = {name: blob.etag for name, blob in source.uploads.blobs.items()}
    assert set(restored(source, vault, overwrite=True).pictures) == {Outcome.SAME}
    assert {name: blob.etag for name, blob in source.uploads.blobs.items()} == before


def test_only_what_is_missing_is_written_unless_it_is_wished(source: Any, vault: MemoryVault) -> None:
    target = estate()
    restored(target, vault)
    whole = kept(target)
    damage(target)
    looked = restored(target, vault, dry_run=True)
    damaged = kept(target)
    done = restored(target, vault)
    assert looked.pictures == done.pictures
    assert done.differing == 3, "a record, an upload, and the facts of a labelled picture"
    after = kept(target)
    assert {name for name in whole if whole[name] != after.get(name)} == {
        "record a/corrected.jpg", "agrees a/corrected.jpg", "upload a/on its way.jpg", "training mine/0a.json",
    }  # fmt: skip
    assert after != damaged
    restored(target, vault, overwrite=True)
    assert kept(target) == whole


def test_what_came_since_the_backup_stays(source: Any, vault: MemoryVault) -> None:
    target = estate()
    restored(target, vault)
    target.uploads.overwrite("a/newer.jpg", b"newer", "image/jpeg")
    target.uploads.overwrite("a/classified.jpg", b"another picture now", "image/jpeg")
    restored(target, vault)
    assert target.uploads.blobs["a/newer.jpg"].data == b"newer"
    assert target.uploads.blobs["a/classified.jpg"].data == b"another picture now"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("before", [lambda target, vault: None, lambda target, vault: _damaged(target, vault)])
def test_killed_before_any_call_it_is_given_again_and_ends_the_same(
    source: Any, vault: MemoryVault, overwrite: bool, before: Callable[[Any, MemoryVault], None]
) -> None:
    target = estate()
    before(target, vault)
    target.life.again()
    restored(target, vault, overwrite=overwrite)
    whole, calls = kept(target), target.life.calls
    assert calls > 20
    for dies_at in range(calls):
        target = estate()
        before(target, vault)
        target.life.again(dies_at)
        with pytest.raises(Died):
            restored(target, vault, overwrite=overwrite)
        target.life.again()
        restored(target, vault, overwrite=overwrite)
        assert kept(target) == whole, f"killed before call {dies_at}"


def _damaged(target: Any, vault: MemoryVault) -> None:
    restored(target, vault)
    damage(target)


def test_an_upload_whose_md5_nobody_knows_is_known_by_its_content(source: Any) -> None:
    """As one that was written in blocks, and copied over by another program."""
    for stores in (source, target := estate()):
        stores.uploads.without_md5 = True
    vault = MemoryVault()
    back_up(source, vault, with_uploads=False)
    for name, blob in source.uploads.blobs.items():
        target.uploads.overwrite(name, blob.data, "image/jpeg")
    target.uploads.overwrite("a/corrected.jpg", b"x" * 5000, "image/jpeg")
    target.model_files.overwrite("mine/1/model.onnx", b"model" * 2000, "application/json")
    done = restored(target, vault, uploads=False)
    assert done.pictures[Outcome.RESTORED] == 3
    assert done.pictures[Outcome.UPLOAD_DIFFERS] == 1
    assert target.records.records[record_id("a/classified.jpg")].record.label == "tulip"


def test_another_instances_account_is_refused_and_left_as_it_is(vault: MemoryVault) -> None:
    other = estate()
    other.uploads.overwrite("theirs.jpg", b"theirs", "image/jpeg")
    before = kept(other)
    with pytest.raises(WrongInstance, match="is another instance's"):
        restored(other, vault)
    assert kept(other) == before
    back_up(other, MemoryVault())  # which gives it a name
    other.uploads.delete("theirs.jpg")
    with pytest.raises(WrongInstance, match="another instance"):
        restored(other, vault)


def test_an_instance_that_has_lost_its_name_is_known_by_its_data(source: Any, vault: MemoryVault) -> None:
    for name in list(source.model_files.blobs):
        source.model_files.delete(name)
    restored(source, vault)
    assert source.model_files.blobs["active.json"].data == b'{"live": 1}'


def test_tombstones_are_nobodys_data_and_give_way(source: Any, vault: MemoryVault) -> None:
    target = estate()
    for name in NAMES:
        stone = StoredRecord(tombstone(name, "2026-11-29T10:00:00.000Z"), f"stone of {name}", None)
        target.records.records[stone.record.id] = stone
    restored(target, vault)
    assert kept(target) == kept(source)


def test_a_damaged_list_is_found_before_anything_is_written(vault: MemoryVault) -> None:
    (name,) = [name for name in vault.files if "/jobs-" in name]
    vault.files[name] = vault.files[name][:-3]
    target = estate()
    with pytest.raises(BackupError, match="damaged"):
        restored(target, vault)
    assert kept(target) == {}


def test_a_content_that_is_lost_costs_its_own_picture_alone(vault: MemoryVault) -> None:
    lost = next(name for name in vault.files if name.startswith("contents/"))
    del vault.files[lost]
    target = estate()
    done = restored(target, vault)
    assert len(done.problems) == 1
    assert len(target.uploads.blobs) + sum("/" in name for name in target.model_files.blobs) >= 4


def test_two_restores_of_different_snapshots_do_not_mix(vault: MemoryVault) -> None:
    from imagestore.store.instance import OpenRestore

    target = estate()
    begin_restore(target.model_files, OpenRestore("20200101T000000Z-000000", "2020-01-01T00:00:00.000Z", "me"))
    with pytest.raises(Conflict, match="--give-up"):
        restored(target, vault)
    end_restore(target.model_files)
    restored(target, vault)


def test_two_of_the_same_beside_each_other_end_as_one(source: Any, vault: MemoryVault) -> None:
    target = estate()
    threads = [threading.Thread(target=restored, args=(target, vault)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    restored(target, vault)
    assert kept(target) == kept(source)
