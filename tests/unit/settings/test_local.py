"""The file local.settings.json."""

from pathlib import Path

import pytest

from imagestore.errors import SettingsError
from imagestore.settings import read_local_settings


def test_a_broken_settings_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    assert read_local_settings(path) == {}
    for text in ("{", "[]", '{"Values": 3}'):
        path.write_text(text)
        with pytest.raises(SettingsError, match=r"local\.settings\.json cannot be read"):
            read_local_settings(path)
