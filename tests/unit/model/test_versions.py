"""What is kept of folders of labelled pictures, and what is said of the rest."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.cli import learn
from imagestore.store.projects import FIRST
from model import versions
from model.training.training_set import open_set
from unit.model.labelled_pictures import quiet
from unit.web.memory import MemoryBlobs


def test_files_whose_names_no_blob_can_have_are_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rose").mkdir()
    (tmp_path / "rose" / "a.png").write_bytes(b"a picture")
    try:
        with open(os.fsencode(tmp_path) + b"/rose/caf\xe9.png", "wb") as file:
            file.write(b"a picture")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    stores: Any = SimpleNamespace(training=MemoryBlobs("training"))
    kept = versions.import_folders(stores, FIRST, [tmp_path], quiet)
    assert [one.name for one in open_set(stores, "mine").labelled] == ["rose/a.png"]
    learn._tell_kept(kept)
    said = capsys.readouterr().out
    assert "1 labelled pictures, 1 of them new" in said
    assert "left out: 1 files whose name is not UTF-8" in said
