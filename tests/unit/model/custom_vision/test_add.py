"""An export becomes a version like any other, or nothing is kept of it."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import pytest

from classify import ModelError
from imagestore.errors import NotAProject
from imagestore.store.models import MODEL_FILE
from imagestore.store.projects import LabelsPerPicture
from model.custom_vision.add import add
from unit.model.custom_vision_exports import LABELS, Kind, archive, graph
from unit.web.memory import registry


@pytest.fixture
def stores() -> Any:
    return SimpleNamespace(**registry())


def export(folder: Path, kind: Kind, name: str = "export.zip") -> Path:
    path = folder / name
    path.write_bytes(archive(graph(kind)))
    return path


def test_an_export_becomes_the_next_version(stores: Any, tmp_path: Path) -> None:
    stores.models.keep("mine", "4", {MODEL_FILE: b"an earlier one"})
    added = add(stores, "mine", export(tmp_path, Kind()), "ada")
    assert (added.project.name, added.version, added.is_new) == ("mine", "5", False)
    assert (added.model.labels, added.model.threshold) == (LABELS, 0.0)
    data = stores.models.read("mine", "5")
    found = stores.models.inspection("mine", "5")
    assert (found.sha256, found.by, found.is_admitted) == (hashlib.sha256(data).hexdigest(), "ada", True)
    assert added.model.ref.sha256 == found.sha256


def test_a_project_can_begin_with_an_export(stores: Any, tmp_path: Path) -> None:
    added = add(stores, "My Flowers", export(tmp_path, Kind(several=True)), "ada", threshold=0.4)
    assert added.is_new
    assert added.project.labels_per_picture is LabelsPerPicture.SEVERAL
    assert stores.models.versions() == [(added.project.name, "1")]
    again = add(stores, "My Flowers", export(tmp_path, Kind(several=True)), "ada")
    assert (again.version, again.is_new, again.model.threshold) == ("2", False, 0.5)


def test_nothing_is_kept_of_one_that_cannot_be_used(stores: Any, tmp_path: Path) -> None:
    broken = onnx.load_from_string(graph(Kind()))
    broken.graph.node[2].op_type = "NoSuchOperator"
    (tmp_path / "broken.zip").write_bytes(archive(broken.SerializeToString()))
    with pytest.raises(ModelError, match=r"broken.zip is not an ONNX file that onnxruntime can run: .*NoSuchOperator"):
        add(stores, "New", tmp_path / "broken.zip", "ada")
    with pytest.raises(ModelError, match="give --labels-per-picture"):
        add(stores, "New", export(tmp_path, Kind(last="HardSigmoid")), "ada")
    with pytest.raises(NotAProject):
        add(stores, " ", export(tmp_path, Kind()), "ada")
    assert [one.name for one in stores.projects.list()] == ["mine"]
    assert stores.models.versions() == []
    said = add(
        stores,
        "mine",
        export(tmp_path, Kind(last="HardSigmoid")),
        "ada",
        labels_per_picture=LabelsPerPicture("several"),
    )
    assert said.version == "1"
