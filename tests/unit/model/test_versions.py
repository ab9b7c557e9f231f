"""What is kept of folders of labelled pictures, and what is said of the rest."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from imagestore.cli import learn
from imagestore.errors import NoRoom, Unavailable
from imagestore.store.projects import FIRST
from model import versions
from model.training import training_set
from model.training.kept_arrays import KeptArrays
from model.training.training_set import open_set
from preprocess import Limits
from unit.classify.test_model import tiny
from unit.memory_items import MemoryItems
from unit.model.labelled_pictures import moved, quiet, scene
from unit.pictures import encoded
from unit.web.memory import MemoryBlobs, registry


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
    stores: Any = SimpleNamespace(training=MemoryBlobs("training"), jobs=MemoryItems())
    kept = versions.import_folders(stores, FIRST, [tmp_path], quiet)
    assert [one.name for one in open_set(stores, "mine").labelled] == ["rose/a.png"]
    learn._tell_kept(kept)
    said = capsys.readouterr().out
    assert "1 labelled pictures, 1 of them new" in said
    assert "left out: 1 files whose name is not UTF-8" in said


def test_a_picture_under_several_labels_is_evaluated_once_by_a_model_that_knows_several(tmp_path: Path) -> None:
    for label in ("dark", "light"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.png").write_bytes(encoded(Image.new("L", (16, 16), 200)))
    (tmp_path / "dark" / "2.png").write_bytes(encoded(Image.new("L", (16, 16), 5)))
    stores: Any = SimpleNamespace(training=MemoryBlobs("training"), jobs=MemoryItems())

    def evaluated(**kind: Any) -> versions.EvaluatedVersion:
        data = tiny(tmp_path / "m.onnx", bias=(1.0, -1.0), **kind).read_bytes()
        return versions.evaluate_version(stores, FIRST, data, "it", tmp_path, Limits(), quiet)

    found = evaluated(labels_per_picture="several", threshold="0.5")
    assert found.pictures == 2
    assert found.report.sentence().startswith("All labels right on 2 of 2 ")
    assert evaluated().pictures == 3, "for a model of one label a picture each file counts"


def in_memory() -> Any:
    return SimpleNamespace(
        training=MemoryBlobs("training"),
        records=SimpleNamespace(corrections=lambda: []),
        projects=registry()["projects"],
        jobs=MemoryItems(),
    )


def test_pictures_that_look_like_learned_ones_are_counted_when_a_folder_is_evaluated(tmp_path: Path) -> None:
    stores = in_memory()
    for seed in range(20):
        (tmp_path / "kept" / "ab"[seed % 2]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "kept" / "ab"[seed % 2] / f"{seed}.png").write_bytes(encoded(scene(seed)))
    prepared = versions.gather(stores, FIRST, [tmp_path / "kept"], Limits(), quiet).prepared
    number = int(prepared.part(test=False)[0].source.name[2:-4])
    (tmp_path / "asked" / "dark").mkdir(parents=True)
    copies = {name: moved(scene(number))[name] for name in ("cropped by 4 %", "lighter")}
    given = {"same": encoded(scene(number)), "new": encoded(scene(77)), **copies}
    for name, data in given.items():
        (tmp_path / "asked" / "dark" / f"{name}.png").write_bytes(data)
    data = tiny(tmp_path / "m.onnx", bias=(1.0, -1.0)).read_bytes()
    found = versions.evaluate_version(stores, FIRST, data, "it", tmp_path / "asked", Limits(), quiet)
    assert (found.pictures, found.learned) == (len(given), len(given) - 1), "all but the new one"


@pytest.mark.parametrize("error", [Unavailable("no answer"), NoRoom("/tmp has no room")])
def test_a_training_goes_on_when_what_it_computed_cannot_be_kept(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def write(pictures: set[str]) -> None:
        raise error

    prepared: Any = SimpleNamespace(examples=SimpleNamespace(good=[]))
    computed: Any = SimpleNamespace(write=write)
    versions.Gathered(prepared, versions.Kept(0, 0, 0), computed).keep_computed()
    assert str(error) in caplog.text


def test_a_folder_that_is_a_burst_stays_one_in_later_trainings_and_for_the_gate(tmp_path: Path) -> None:
    """Its pictures do not look alike; only --by-folder says that they belong together."""
    stores = in_memory()

    def folder(name: str, *seeds: int) -> Path:
        for seed in seeds:
            label = "ab"[seed % 2]
            below = f"{label}/monday" if seed >= 100 else label
            (tmp_path / name / below).mkdir(parents=True, exist_ok=True)
            (tmp_path / name / below / f"{seed}.png").write_bytes(encoded(scene(seed)))
        return tmp_path / name

    def of_monday(found: training_set.Chosen) -> set[int]:
        return {
            int(group)
            for example, group in zip(found.examples, found.groups, strict=True)
            if example.source.name.startswith("a/monday")
        }

    def gathered(*folders: Path, by_folder: bool = False) -> set[int]:
        prepared = versions.gather(stores, FIRST, folders, Limits(), quiet, by_folder=by_folder).prepared
        return of_monday(training_set.Chosen(prepared.examples.good, prepared.grouping.groups))

    first = folder("first", *range(20), 100, 102, 104)
    assert len(gathered(first)) == 3
    assert len(gathered(by_folder=True)) == 1, "of what is kept already too"
    assert len(gathered(folder("second", 106, 108))) == 1, "and of what comes into that folder later"
    known = {one.sha256 for one in open_set(stores, "mine").listed}
    learned = training_set.learned(stores, "mine", known, Limits(), quiet, KeptArrays())
    tested = training_set.held_out(stores, "mine", Limits(), quiet)
    both = [of_monday(found) for found in (learned, tested)]
    assert sorted(len(found) for found in both) == [0, 1], "one group, on one side"
