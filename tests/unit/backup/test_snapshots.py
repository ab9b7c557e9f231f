"""Snapshots are listed, checked, and deleted with what they alone need."""

from typing import Any

import pytest

from imagestore.backup.make import back_up
from imagestore.backup.snapshots import check, finished_ids, manifest_of, prune, unfinished
from imagestore.errors import BackupError
from unit.backup.estate import MemoryVault, estate, fill


@pytest.fixture
def source() -> Any:
    stores = estate()
    fill(stores)
    return stores


def contents(vault: MemoryVault) -> dict[str, bytes]:
    return {name: data for name, data in vault.files.items() if name.startswith("contents/")}


def test_where_there_is_none_it_is_said(source: Any) -> None:
    vault = MemoryVault()
    with pytest.raises(BackupError, match="no backup"):
        manifest_of(vault)
    back_up(source, vault)
    with pytest.raises(BackupError, match="The latest is"):
        manifest_of(vault, "20200101T000000Z-000000")


def test_another_format_is_refused(source: Any) -> None:
    vault = MemoryVault()
    back_up(source, vault)
    vault.files["imagestore-backup.json"] = b'{"format": 2}'
    with pytest.raises(BackupError, match="says format 2; this version reads format 1"):
        manifest_of(vault)


@pytest.mark.parametrize("how", ["gone", "altered"])
def test_a_check_finds_every_file_that_is_gone_or_altered(source: Any, how: str) -> None:
    whole = MemoryVault()
    manifest = back_up(source, whole)
    assert check(whole, manifest).wrong == []
    for name, data in whole.files.items():
        if name.endswith(("manifest.json", "imagestore-backup.json")):
            continue
        vault = MemoryVault(dict(whole.files))
        if how == "gone":
            del vault.files[name]
        else:
            vault.files[name] = data[:-1] + bytes([data[-1] ^ 1])
        assert len(check(vault, manifest).wrong) == 1, name


def test_old_snapshots_go_with_what_they_alone_need(source: Any) -> None:
    vault = MemoryVault()
    back_up(source, vault)
    source.uploads.overwrite("a/classified.jpg", b"another" * 1000, "image/jpeg")
    latest = back_up(source, vault)
    before = len(contents(vault))
    gone, freed = prune(vault, 1)
    assert (len(gone), freed) == (1, 5000)
    assert len(contents(vault)) == before - 1
    assert finished_ids(vault) == [latest.id]
    assert unfinished(vault) == []
    assert check(vault, latest).wrong == []
    assert prune(vault, 1) == ([], 0)
