"""A snapshot holds what belongs together, whatever happens while it is taken."""

from typing import Any

import pytest

from imagestore.backup.format import DocumentLine, FileLine, PictureLine
from imagestore.backup.make import back_up
from imagestore.backup.snapshots import check, finished_ids, lines_of, manifest_of, unfinished
from imagestore.errors import BackupError, BlobArchived, LeaseLost, WrongInstance
from imagestore.store.instance import OpenRestore, begin_restore
from unit.backup.estate import Died, MemoryVault, estate, fill, take_in


@pytest.fixture
def source() -> Any:
    stores = estate()
    fill(stores)
    return stores


def pictures(vault: MemoryVault) -> dict[str, PictureLine]:
    return {line.upload.name: line for line in lines_of(vault, manifest_of(vault), "pictures", PictureLine)}


def test_it_holds_what_is_kept_and_leaves_out_what_ends_by_itself(source: Any) -> None:
    vault = MemoryVault()
    manifest = back_up(source, vault)
    assert set(pictures(vault)) == set(source.uploads.blobs)
    assert pictures(vault)["a/on its way.jpg"].record is None
    documents = {
        line.document["id"]
        for what in ("accounts", "audit", "jobs")
        for line in lines_of(vault, manifest, what, DocumentLine)
    }
    assert documents == {"account-1", "key-1", "factor-1", "admins", "entry-1", "1", "change-1", "change-1-part-0000"}
    files = {line.name for what in ("training", "models") for line in lines_of(vault, manifest, what, FileLine)}
    assert files == {
        "mine/0a", "mine/0a.json", "mine/split.json", "mine/1/model.onnx", "active.json", "instance.json",
    }  # fmt: skip
    assert not any(b"SHARED" in data for data in vault.files.values())
    assert check(vault, manifest).wrong == []


def test_a_second_one_reads_nothing_again(source: Any) -> None:
    vault, read = MemoryVault(), list[str]()
    back_up(source, vault)
    for blobs in (source.uploads, source.training, source.model_files):
        blobs.before_read = read.append
    source.uploads.overwrite("a/new.jpg", b"n" * 6000, "image/jpeg")
    manifest = back_up(source, vault)
    assert read == ["a/new.jpg"], read
    assert manifest.new_bytes == 6000
    assert len(finished_ids(vault)) == 2


@pytest.mark.parametrize("where", ["source", "vault"])
def test_killed_before_any_call_it_is_given_again_and_is_whole(where: str) -> None:
    def begun() -> tuple[Any, MemoryVault]:
        stores, vault = estate(), MemoryVault()
        fill(stores)
        stores.life.again()
        return stores, vault

    stores, vault = begun()
    back_up(stores, vault)
    calls = (stores if where == "source" else vault).life.calls
    assert calls > 10
    for dies_at in range(calls):
        stores, vault = begun()
        (stores if where == "source" else vault).life.again(dies_at)
        with pytest.raises(Died):
            back_up(stores, vault)
        stores.life.again()
        vault.life.again()
        manifest = back_up(stores, vault)
        assert check(vault, manifest).wrong == []
        assert set(pictures(vault)) == set(stores.uploads.blobs)
        assert unfinished(vault) == []


def test_an_upload_that_changes_while_it_is_taken_has_the_record_of_its_version(source: Any) -> None:
    def change() -> None:
        source.records.before_every = lambda: None
        take_in(source, "a/classified.jpg", b"changed" * 1000)

    source.records.before_every = change
    vault = MemoryVault()
    back_up(source, vault)
    line = pictures(vault)["a/classified.jpg"]
    assert line.record is not None
    assert line.record["upload"]["etag"] == line.upload.etag
    assert line.upload.content.size_bytes == 7000


def test_an_upload_that_is_deleted_while_it_is_taken_is_left_out(source: Any) -> None:
    def delete() -> None:
        source.records.before_every = lambda: None
        source.uploads.blobs.pop("a/on its way.jpg")

    source.records.before_every = delete
    vault = MemoryVault()
    back_up(source, vault)
    assert "a/on its way.jpg" not in pictures(vault)


def test_where_cosmos_db_was_lost_the_results_are_the_records(source: Any) -> None:
    source.records.records.clear()
    vault = MemoryVault()
    back_up(source, vault)
    line = pictures(vault)["a/corrected.jpg"]
    assert line.record is not None
    assert line.record["label"] == "lynx"


def test_what_cannot_be_read_is_named_unless_an_earlier_snapshot_has_it(source: Any) -> None:
    vault = MemoryVault()
    source.uploads.archived["a/classified.jpg"] = BlobArchived("it is archived")
    manifest = back_up(source, vault)
    (left_out,) = manifest.left_out
    assert (left_out.name, left_out.why) == ("a/classified.jpg", "it is archived")
    source.uploads.archived.clear()
    assert back_up(source, vault).left_out == []
    source.uploads.archived["a/classified.jpg"] = BlobArchived("it is archived")
    assert back_up(source, vault).left_out == []


def test_a_place_belongs_to_one_instance(source: Any) -> None:
    vault = MemoryVault()
    back_up(source, vault)
    other = estate()
    with pytest.raises(WrongInstance, match="another instance"):
        back_up(other, vault)
    with pytest.raises(BackupError, match="holds other files"):
        back_up(other, MemoryVault({"holiday.jpg": b""}))


def test_half_of_an_instance_is_not_backed_up(source: Any) -> None:
    begin_restore(source.model_files, OpenRestore("20200101T000000Z-000000", "2020-01-01T00:00:00.000Z", "me"))
    with pytest.raises(BackupError, match="is not finished"):
        back_up(source, MemoryVault())


def test_who_has_lost_the_job_finishes_no_snapshot(source: Any) -> None:
    def demand() -> None:
        raise LeaseLost("another has it")

    vault = MemoryVault()
    with pytest.raises(LeaseLost):
        back_up(source, vault, demand=demand)
    assert finished_ids(vault) == []


def test_results_that_outlive_their_uploads_are_in_it(source: Any) -> None:
    source.names.keep_results = True
    source.results.overwrite("a/deleted.jpg.json", b"{}", "application/json")
    vault = MemoryVault()
    manifest = back_up(source, vault)
    assert [line.name for line in lines_of(vault, manifest, "results", FileLine)] == ["a/deleted.jpg.json"]
