"""Secrets in a file are for its owner alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imagestore.errors import SettingsError
from imagestore.store.secrets import FileSecrets


def test_what_was_put_is_there_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secrets.json"
    assert FileSecrets(path).get("a") is None
    FileSecrets(path).put("a", "1")
    FileSecrets(path).put("b", "2")
    assert (FileSecrets(path).get("a"), FileSecrets(path).get("b")) == ("1", "2")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secrets.json"
    FileSecrets(path).put("a", "1")
    path.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        FileSecrets(path).get("a")


def test_a_broken_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="cannot be read"):
        FileSecrets(path).get("a")


def test_of_two_that_make_a_secret_at_once_one_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda n: FileSecrets(path).get_or_put("a", str(n)), range(16)))
        list(pool.map(lambda n: FileSecrets(path).put(f"b{n}", "1"), range(16)))
    assert made == {FileSecrets(path).get("a")}
    assert all(FileSecrets(path).get(f"b{n}") == "1" for n in range(16))
