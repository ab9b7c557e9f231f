"""Settings are read, checked, and written down in one place."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

import settings
from errors import SettingsError
from settings import ROOT, Connection, Settings, read_local_settings


def test_a_setting_comes_from_the_environment() -> None:
    assert Settings.read({"MAX_PIXELS": "5", "KEEP_LOCATION": "true"}).max_pixels == 5
    assert Settings.read({}) == Settings()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MAX_BYTES": "many"}, "MAX_BYTES is 'many'"),
        ({"MAX_BYTES": "0"}, "MAX_BYTES is '0'"),
        ({"UPLOADS_CONTAINER": "My Photos"}, "UPLOADS_CONTAINER is 'My Photos'"),
        ({"RETRY_DELAYS": "10;20"}, "RETRY_DELAYS is '10;20'"),
        ({"RESULTS_CONTAINER": "uploads"}, "must differ"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.read(environment)


def test_a_connection_is_a_string_or_addresses() -> None:
    assert Connection.read("COSMOS", {"COSMOS": "x"}).string == "x"
    string = Connection.read("COSMOS", {"COSMOS": "AccountEndpoint=http://c/;AccountKey=k=="})
    assert string.address("accountEndpoint") == "http://c/"
    identity = Connection.read("COSMOS", {"COSMOS__accountEndpoint": "https://c"})
    assert identity.address("accountEndpoint") == "https://c"
    with pytest.raises(SettingsError, match="COSMOS is not set"):
        Connection.read("COSMOS", {})


def test_a_broken_settings_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    assert read_local_settings(path) == {}
    for text in ("{", "[]", '{"Values": 3}'):
        path.write_text(text)
        with pytest.raises(SettingsError, match=r"local\.settings\.json cannot be read"):
            read_local_settings(path)


def test_the_example_and_the_docs_are_up_to_date() -> None:
    assert (ROOT / "local.settings.example.json").read_text() == settings.example()
    assert settings.table() in (ROOT / "docs" / "settings.md").read_text()
    values = json.loads(settings.example())["Values"]
    assert {f.name.upper() for f in fields(Settings)} <= values.keys()
