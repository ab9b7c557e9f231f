"""Which web app a command asks, and with which key."""

import contextvars
from collections.abc import Callable
from pathlib import Path

import pytest

from imagestore.cli import options, profiles, servers
from imagestore.cli.profiles import Server
from imagestore.errors import SettingsError

from .distant import Outcome, in_this_process


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (servers.SERVER_VARIABLE, servers.KEY_VARIABLE, servers.PROFILE_VARIABLE, options.DATA_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / name))
    profiles.save("shop", Server("https://shop.example", "ims_shop"))


def chosen(
    server: str | None = None,
    key: str | None = None,
    profile: str | None = None,
    data: Path | None = None,
    by_option: bool = False,
) -> Server | None:
    def run() -> Server | None:
        options._given.set(None)
        options.choose(data)
        servers.choose(server, key, profile, False)
        servers.demand_none(by_option=True) if by_option else None
        return servers.given()

    return contextvars.copy_context().run(run)


def test_without_a_word_it_is_the_stores() -> None:
    assert chosen() is None


def test_options_come_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(servers.SERVER_VARIABLE, "https://environment.example")
    monkeypatch.setenv(servers.KEY_VARIABLE, "ims_environment")
    assert chosen() == Server("https://environment.example", "ims_environment")
    assert chosen("https://option.example") == Server("https://option.example", "ims_environment")
    assert chosen("https://option.example", "ims_option") == Server("https://option.example", "ims_option")
    assert chosen(profile="shop") == Server("https://shop.example", "ims_shop")
    assert chosen(data=tmp_path) is None


def test_the_key_of_the_environment_is_not_sent_to_the_server_of_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(servers.KEY_VARIABLE, "ims_environment")
    monkeypatch.setenv(servers.PROFILE_VARIABLE, "shop")
    assert chosen() == Server("https://shop.example", "ims_shop")
    assert chosen("https://other.example") == Server("https://other.example", "ims_environment")


def test_what_contradicts_itself_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--data means a stack on this machine"):
        chosen("https://a.example", data=tmp_path)
    with pytest.raises(SettingsError, match="--key is for a distant web app"):
        chosen(key="ims_a")
    with pytest.raises(SettingsError, match="There is no profile 'none'; there are: shop"):
        chosen(profile="none")


def test_run_means_this_machine_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(servers.SERVER_VARIABLE, "https://environment.example")
    assert chosen(by_option=True) is not None
    with pytest.raises(SettingsError, match=r"works on the machine with the stores only.*https://a\.example"):
        chosen("https://a.example", by_option=True)


@pytest.fixture
def imagestore(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *arguments: in_this_process(monkeypatch, capsys, *arguments)


def test_a_key_on_the_command_line_is_warned_about(imagestore: Callable[..., Outcome]) -> None:
    done = imagestore("--server", "http://shop.example", "--key", "ims_planted", "ls")
    assert "Others on this machine can see a key on the command line" in done.err
    assert "ims_planted" not in done.err + done.out


def test_a_key_does_not_go_over_http_to_another_machine(imagestore: Callable[..., Outcome]) -> None:
    refused = imagestore("--server", "http://shop.example", "ls")
    assert refused.code == 1
    assert "'http://shop.example' is not encrypted" in refused.err


def test_a_server_that_is_not_there_is_named(
    imagestore: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagestore.client.http._FIRST_PAUSE_S", 0)
    done = imagestore("--server", "http://127.0.0.1:9", "ls")
    assert done.code == 1
    assert "http://127.0.0.1:9 was not reached" in done.err
    assert "Traceback" not in done.err


def test_server_and_profile_are_not_given_both(imagestore: Callable[..., Outcome]) -> None:
    done = imagestore("--server", "https://a.example", "--profile", "shop", "ls")
    assert done.code == 2
    assert "give --server or --profile, not both" in done.err
