"""A profile holds a key, and nobody but its owner reads it."""

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from imagestore.cli import profiles
from imagestore.cli.profiles import Server
from imagestore.errors import SettingsError

from .distant import Outcome, in_this_process

SERVER = "https://pictures.example.org"
KEY = "ims_planted"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("IMAGESTORE_SERVER", "IMAGESTORE_KEY", "IMAGESTORE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    return tmp_path / "imagestore"


@pytest.fixture
def imagestore(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *arguments: in_this_process(monkeypatch, capsys, *arguments)


def test_a_profile_is_kept_for_its_owner_alone(home: Path) -> None:
    before = os.umask(0)
    try:
        path = profiles.save("shop", Server(SERVER, KEY))
    finally:
        os.umask(before)
    assert path.parent.parent == home
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert profiles.read("shop") == Server(SERVER, KEY)
    assert KEY not in repr(profiles.read("shop"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_profile_that_others_can_read_or_change_is_refused(mode: int) -> None:
    path = profiles.save("shop", Server(SERVER, KEY))
    path.chmod(mode)
    with pytest.raises(SettingsError, match=rf"others than you can read or change it \(mode {mode:04o}\)") as refused:
        profiles.read("shop")
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 65, "a\x00b"])
def test_a_name_is_no_path(name: str) -> None:
    for use in (profiles.read, profiles.delete, lambda given: profiles.save(given, Server(SERVER))):
        with pytest.raises(SettingsError, match="cannot be the name of a profile"):
            use(name)


def test_what_is_no_profile_is_named_without_what_it_holds(home: Path) -> None:
    path = profiles.save("shop", Server(SERVER, KEY))
    path.write_bytes(b'{"key": "ims_planted"')
    with pytest.raises(SettingsError, match=r"is no profile .*profile save shop") as refused:
        profiles.read("shop")
    assert KEY not in str(refused.value)


def test_the_commands_save_list_and_delete_and_never_show_the_key(
    imagestore: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    saved = imagestore("--server", SERVER + "/", "profile", "save", "shop")
    assert saved.code == 0
    assert "imagestore --profile shop ls" in saved.out
    assert profiles.read("shop") == Server(SERVER, KEY)
    listed = imagestore("profile", "list")
    assert listed.out.split() == ["shop", SERVER]
    assert KEY not in saved.out + saved.err + listed.out
    assert imagestore("profile", "delete", "shop").code == 0
    assert "There are none" in imagestore("profile", "list").out
    assert "There is no profile 'shop'" in imagestore("profile", "delete", "shop").err


def test_a_profile_needs_a_server_and_a_key(
    imagestore: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Say which server" in imagestore("profile", "save", "shop").err
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert "There is no key" in imagestore("--server", SERVER, "profile", "save", "shop").err
    assert "is not encrypted" in imagestore("--server", "http://shop.example", "profile", "save", "shop").err
    assert profiles.names() == []
