"""What is read of a ZIP, whatever is in it."""

import io
import struct
import zipfile

import pytest

from classify import ModelError
from model.custom_vision import archive as module
from model.custom_vision.archive import labels_of, read_archive
from unit.model.custom_vision_exports import LABELS, archive, zipped

LINES = b"rose\ntulip\n"


def read(data: bytes) -> module.Export:
    return read_archive(io.BytesIO(data), "export.zip")


def test_the_model_and_its_labels_are_found() -> None:
    assert read(archive(b"onnx")) == module.Export(b"onnx", LABELS)
    in_a_folder = {"flowers/model.onnx": b"onnx", "flowers/labels.txt": LINES, "labels.txt": b"another"}
    assert read(zipped(in_a_folder)) == module.Export(b"onnx", ("rose", "tulip"))
    assert read(zipped({"Iteration 3.ONNX": b"onnx", "labels.txt": LINES})).model == b"onnx"


def test_an_object_detector_is_known_by_its_manifest() -> None:
    assert read(archive(b"onnx", others={"cvexport.manifest": b'{"DomainType": "ObjectDetection"}'})).is_detection
    for manifest in (b"no JSON", b"[1]", b"\xff"):
        assert not read(archive(b"onnx", others={"cvexport.manifest": manifest})).is_detection


def test_labels_are_a_line_each() -> None:
    assert labels_of("\ufeffrose\r\n\r\n Kätzchen \r\n".encode(), "labels.txt") == ("rose", "Kätzchen")
    with pytest.raises(ModelError, match=r"labels.txt is not UTF-8"):
        labels_of(b"\xff\xfe", "labels.txt")
    with pytest.raises(ModelError, match="the limit is 4000000"):
        labels_of(bytes(4_000_001), "labels.txt")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"model.pb": b"", "labels.txt": LINES}, "an export for TensorFlow. Export the iteration again"),
        ({"model.mlmodel": b""}, "an export for CoreML"),
        ({"readme.txt": b""}, "it has no .onnx file"),
        ({"model.onnx": b"onnx"}, "has no labels.txt beside its model.onnx"),
        ({"a.onnx": b"1", "b.onnx": b"2"}, "has 2 ONNX files"),
        ({"../../model.onnx": b"onnx", "labels.txt": LINES}, "'../../model.onnx', whose name leads out of it"),
        ({"..\\model.onnx": b"onnx"}, "leads out of it"),
        ({"/etc/model.onnx": b"onnx"}, "leads out of it"),
    ],
)
def test_what_is_no_export_is_refused(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read(zipped(files))


def test_a_zip_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MODEL_BYTES", 1000)
    bomb = archive(bytes(1_000_000))
    with pytest.raises(
        ModelError, match=r"model.onnx in export.zip has 1000000 bytes or more unpacked; the limit is 1000"
    ):
        read(bomb)
    lying = bomb.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 999))
    assert lying != bomb
    with pytest.raises(ModelError, match=r"export.zip"):
        read(lying)


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_FILES", 3)
    with pytest.raises(ModelError, match="has 5 files; the limit is 3"):
        read(archive(b"onnx"))


def test_damaged_encrypted_and_strange_zips_are_refused() -> None:
    whole = archive(b"onnx" * 1000)
    for data in (b"PK", b"PK\x03\x04 no more", whole[:-30], whole[: len(whole) // 2]):
        with pytest.raises(ModelError, match=r"export.zip is no ZIP that can be read"):
            read(data)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("model.onnx", b"onnx")
        file.writestr("labels.txt", LINES)
    plain = bytearray(out.getvalue())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = plain.find(mark)
        while at >= 0:
            plain[at + flags] |= 1
            at = plain.find(mark, at + 1)
    with pytest.raises(ModelError, match=r"export.zip cannot be unpacked: .*encrypted"):
        read(bytes(plain))
