"""Which stores a command speaks to, and how it finds the stack that is meant."""

import contextlib
import contextvars
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagestore.cli import main, options, stores
from imagestore.errors import SettingsError, Unavailable
from imagestore.local.running import announced
from imagestore.local.supervisor import lock
from imagestore.settings import ROOT

AZURE = "DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=eA==;EndpointSuffix=core.windows.net"


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs, nothing is set."""
    for name in list(os.environ):
        if name.split("__")[0] in ("IMAGES_STORAGE", "COSMOS", "AzureWebJobsStorage", options.DATA_VARIABLE):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(stores, "default_data", lambda: tmp_path / "default")
    monkeypatch.setattr(stores, "LOCAL_SETTINGS", tmp_path / "local.settings.json")


@contextlib.contextmanager
def running(folder: Path, port: int) -> Iterator[None]:
    """A stack as the commands see one."""
    folder.mkdir(exist_ok=True)
    descriptor = lock(folder)
    environment = {"IMAGES_STORAGE": f"storage of {folder.name}", "COSMOS": f"cosmos of {folder.name}"}
    with announced(folder, f"http://localhost:{port}", environment):
        yield
    os.close(descriptor)


def storage(data: Path | None = None) -> str:
    def run() -> str:
        options.choose(data)
        return stores.environment()["IMAGES_STORAGE"]

    return contextvars.copy_context().run(run)


def test_the_stack_with_the_default_folder_is_meant_where_nothing_is_said(tmp_path: Path) -> None:
    with running(tmp_path / "default", 8000), running(tmp_path / "other", 20005):
        assert storage() == "storage of default"


def test_the_option_and_the_variable_name_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path / "default", 8000), running(tmp_path / "other", 20005):
        assert storage(tmp_path / "other") == "storage of other"
        monkeypatch.setenv("IMAGESTORE_DATA", str(tmp_path / "other"))
        assert storage() == "storage of other"
        assert storage(tmp_path / "default") == "storage of default"


def test_a_stack_that_is_not_meant_is_never_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path / "other", 20005):
        for name, ask in (("default", None), ("nowhere", tmp_path / "nowhere")):
            with pytest.raises(SettingsError) as caught:
                storage(ask)
            assert f"No Intelligent Storage runs with its data in {tmp_path / name}." in str(caught.value)
            assert f"--data {tmp_path / 'other'}   (http://localhost:20005)" in str(caught.value)
        monkeypatch.setenv("IMAGESTORE_DATA", str(tmp_path / "nowhere"))
        with pytest.raises(SettingsError, match="nowhere"):
            storage()


def write_settings(tmp_path: Path, values: dict[str, str]) -> None:
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}), "utf-8")


def test_a_copy_of_the_example_does_not_speak_to_a_stack_that_is_not_meant(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text((ROOT / "local.settings.example.json").read_text("utf-8"), "utf-8")
    assert storage() == "UseDevelopmentStorage=true"
    with running(tmp_path / "other", 8000), pytest.raises(SettingsError, match=r"--data .*other"):
        storage()
    with running(tmp_path / "default", 8000):
        assert storage() == "storage of default"


@pytest.mark.parametrize(
    ("values", "is_meant"),
    [
        ({"IMAGES_STORAGE": AZURE, "COSMOS__accountEndpoint": "https://mine.documents.azure.com/"}, True),
        ({"IMAGES_STORAGE": AZURE}, False),
        ({"MAX_PIXELS": "1000"}, False),
    ],
)
def test_a_file_is_spoken_for_only_where_it_names_both_connections(
    tmp_path: Path, values: dict[str, str], is_meant: bool
) -> None:
    write_settings(tmp_path, values)
    with running(tmp_path / "other", 8000):
        if is_meant:
            assert storage() == AZURE
        else:
            with pytest.raises(SettingsError, match=r"--data .*other"):
                storage()


def test_where_a_service_does_not_answer_the_stacks_that_run_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away() -> None:
        raise Unavailable("looking into uploads: ServiceRequestError")

    monkeypatch.setattr(main, "app", away)
    with running(tmp_path / "other", 20005), pytest.raises(SystemExit):
        main.main()
    said = capsys.readouterr().err
    assert "Is it running?" in said
    assert f"--data {tmp_path / 'other'}   (http://localhost:20005)" in said


def test_connections_in_the_environment_come_before_a_stack_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path / "default", 8000), running(tmp_path / "other", 20005):
        monkeypatch.setenv("IMAGES_STORAGE", AZURE)
        assert storage() == AZURE
        assert storage(tmp_path / "other") == "storage of other"  # unless it is named with the command


def test_an_emulator_on_the_usual_ports_is_meant_where_no_stack_runs() -> None:
    assert storage() == "UseDevelopmentStorage=true"
