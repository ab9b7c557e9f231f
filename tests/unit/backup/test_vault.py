"""A folder and a container keep files alike."""

import io
import os
from pathlib import Path
from typing import Any

import pytest

from imagestore.backup.vault import ContainerVault, FolderVault, Vault
from imagestore.errors import NotFound, Unavailable
from unit.backup.estate import EstateBlobs


@pytest.fixture(params=["folder", "container"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    blobs: Any = EstateBlobs("backups")
    return FolderVault(tmp_path / "new") if request.param == "folder" else ContainerVault(blobs, "https://elsewhere")


def test_files_are_written_read_listed_and_deleted(vault: Vault) -> None:
    assert list(vault.list("")) == []
    vault.write("a/1", b"one")
    vault.write("a/1", b"one more")
    vault.add("a/2", io.BytesIO(b"two"), 3)
    vault.write("b.json", b"{}")
    assert vault.read("a/1") == b"one more"
    assert b"".join(vault.pieces("a/2")) == b"two"
    assert list(vault.list("")) == [("a/1", 8), ("a/2", 3), ("b.json", 2)]
    assert list(vault.list("a/")) == [("a/1", 8), ("a/2", 3)]
    assert list(vault.list("a/2")) == [("a/2", 3)]
    vault.delete("a/2")
    vault.delete("a/2")
    with pytest.raises(NotFound):
        vault.read("a/2")


def test_what_is_there_is_not_added_again_unless_its_size_is_wrong(vault: Vault) -> None:
    vault.add("a", io.BytesIO(b"one"), 3)
    vault.add("a", io.BytesIO(b"two"), 3)
    assert vault.read("a") == b"one"
    vault.add("a", io.BytesIO(b"three"), 5)
    assert vault.read("a") == b"three"


def test_nobody_else_may_read_a_folder(tmp_path: Path) -> None:
    FolderVault(tmp_path / "new").write("a/b/c", b"")
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new/a/b/c").stat().st_mode & 0o077 == 0


def test_what_broke_off_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    vault = FolderVault(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="the disk is full"):
        vault.write("a", b"one")
    assert list(vault.list("")) == []
    assert list(tmp_path.iterdir()) == []
