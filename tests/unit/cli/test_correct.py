"""`imagestore correct --from FILE.csv`: over the stores, and against a distant web app."""

from pathlib import Path
from typing import Any

import pytest

from imagestore.cli import correct as module
from imagestore.record import record_id
from imagestore.store import Stores
from unit.web.conftest import Drop, drop, guarded, guarded_app, people, services, stores

from .test_changes import run

__all__ = ["drop", "guarded", "guarded_app", "people", "run", "services", "stores"]


def labels(stores: Stores, *names: str) -> list[str | None]:
    found = [stores.records.read(record_id(name)) for name in names]
    return [None if one is None else one.record.label for one in found]


@pytest.mark.parametrize("most", [2, 5000])
def test_lines_that_are_wrong_are_named_and_the_others_are_made(
    run: Any, stores: Stores, drop: Drop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(module, "MOST_CORRECTIONS", most)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        drop(name)
    file = tmp_path / "labels.csv"
    file.write_text("name,label\na.jpg,lynx\nb.jpg,\nnowhere.jpg,owl\nc.jpg,=1+1\na.jpg,tiger\nc.jpg\n,\x1b[31m\n")
    said = run("correct", "--from", file)
    assert labels(stores, "a.jpg", "b.jpg", "c.jpg") == ["lynx", "tabby", "=1+1"]
    for line in (
        "line 3: b.jpg: It needs a label: it has none.",
        "line 4: nowhere.jpg: There is no record of it: its name is another, or it was taken in just now.",
        "line 6: a.jpg: Row 2 is of the same picture.",
        "line 7: It has 1 cells, and the first line 2.",
        "line 8: It says neither name nor id.",
        "4 of 7 lines were not taken.",
    ):
        assert line in said
    assert ("2 corrected, 0 were so already, 1 left alone." in said) is (most > 2)
    for line in said.splitlines():
        if "To undo it: " in line:
            run(*line.partition("imagestore ")[2].split(" "))
    assert labels(stores, "a.jpg", "b.jpg", "c.jpg") == ["tabby"] * 3
    assert "0 corrected" not in said


def test_what_is_no_such_file_is_said(run: Any, tmp_path: Path) -> None:
    assert "cannot be read: No such file" in run("correct", "--from", tmp_path / "none.csv")
    (tmp_path / "a.csv").write_text("a.jpg,lynx\n")
    assert "names its columns: name (or id) and label" in run("correct", "--from", tmp_path / "a.csv")
    assert "give nothing else" in plain(run("correct", "a.jpg", "lynx", "--from", tmp_path / "a.csv"))
    assert "give a name and a label, or --from" in plain(run("correct"))
    assert "give a label, or --undo" in plain(run("correct", "a.jpg"))


def plain(said: str) -> str:
    """What is said in a frame, in one line."""
    return " ".join(said.replace("│", " ").split())
