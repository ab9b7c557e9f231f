"""A file is only read by a child with bounds, and what is wrong with it is said in a sentence."""

from pathlib import Path

import onnx
import pytest

from classify import ModelError, read_model
from model.custom_vision import convert as module
from model.custom_vision.convert import convert
from model.custom_vision.graph import Wanted
from unit.model.custom_vision_exports import LABELS, Kind, archive, graph, zipped

WANTED = Wanted("mine", "3")


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_zip_and_the_files_in_it_make_the_same_model(tmp_path: Path) -> None:
    exported = graph(Kind())
    made = convert(written(tmp_path / "export.zip", archive(exported)), WANTED)
    assert read_model(made, "it").labels == LABELS
    bare = written(tmp_path / "flowers.onnx", exported)
    with pytest.raises(ModelError, match=r"flowers.onnx cannot be used: the names of its labels are needed"):
        convert(bare, WANTED)
    names = written(tmp_path / "names", "\n".join(LABELS).encode())
    assert convert(bare, WANTED, names) == made
    many = written(tmp_path / "many", "\n".join(f"label {number}" for number in range(20_000)).encode())
    with pytest.raises(ModelError, match="4 probabilities, and there are 20000 labels"):
        convert(bare, WANTED, many)
    names.rename(tmp_path / "labels.txt")
    assert convert(bare, WANTED) == made


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none.zip' cannot be read: No such file"):
        convert(tmp_path / "none.zip", WANTED)
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        convert(tmp_path, WANTED)
    with pytest.raises(ModelError, match="names' cannot be read: No such file"):
        convert(written(tmp_path / "e.zip", archive(graph(Kind()))), WANTED, tmp_path / "names")
    for data in (b"", b"\xff no model", b"PK no zip"):
        with pytest.raises(ModelError, match=r"bad.zip"):
            convert(written(tmp_path / "bad.zip", data), WANTED)


def test_hostile_models_are_refused(tmp_path: Path) -> None:
    strange, outside = onnx.load_from_string(graph(Kind())), onnx.load_from_string(graph(Kind()))
    strange.graph.node[0].domain = "com.evil"
    weight = outside.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    for model, said in ((strange, "com.evil.Mul; only ONNX's own"), (outside, "keeps weights in another file")):
        path = written(tmp_path / "export.zip", archive(model.SerializeToString()))
        with pytest.raises(ModelError, match=said):
            convert(path, WANTED)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 10_000)
    with pytest.raises(ModelError, match=r"e.zip has \d+ bytes; the limit is 10000"):
        convert(written(tmp_path / "e.zip", archive(graph(Kind()))), WANTED)


def test_a_child_that_takes_too_much_time_or_memory_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = written(tmp_path / "e.zip", zipped({"model.onnx": bytes(400_000_000), "labels.txt": b"a\nb"}))
    assert bomb.stat().st_size < 1_000_000
    monkeypatch.setattr(module, "MEMORY_BYTES", 600_000_000)
    with pytest.raises(ModelError, match=r"e.zip cannot be used: .*MB of memory"):
        convert(bomb, WANTED)
    monkeypatch.setattr(module, "SECONDS", 0.01)
    with pytest.raises(ModelError, match=r"e.zip cannot be used: it takes longer than 0.01 s"):
        convert(bomb, WANTED)
