"""Finds a model and its labels in the ZIP that Custom Vision exports. Nothing of it is written to disk."""

import json
import lzma
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from classify import ModelError
from classify.model import MAX_MODEL_BYTES

LABELS_FILE = "labels.txt"
MAX_LABELS_BYTES = 4_000_000
_MANIFEST_FILE = "cvexport.manifest"
_MAX_MANIFEST_BYTES = 1_000_000
_MAX_FILES = 10_000
_OTHER_PLATFORMS = {
    ".pb": "TensorFlow",
    ".tflite": "TensorFlow Lite",
    ".mlmodel": "CoreML",
    ".bin": "OpenVino or TensorFlow.js",
    ".pbtxt": "TensorFlow",
}


@dataclass(frozen=True)
class Export:
    """An exported model: the ONNX file as it was exported, and its labels, in the order of its answers.

    `is_detection` says that the manifest calls it an object detector.
    """

    model: bytes
    labels: tuple[str, ...]
    is_detection: bool = False


def read_archive(file: BinaryIO, called: str) -> Export:
    """The model and the labels in a ZIP; `called` is its name in messages. Raises ModelError."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _read(archive, called)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        raise ModelError(f"{called} is no ZIP that can be read: {error}.") from None
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed by a method that Python does not know
        raise ModelError(f"{called} cannot be unpacked: {error}.") from None


def labels_of(data: bytes, called: str) -> tuple[str, ...]:
    """The labels in a file with one a line; `called` is its name in messages. Raises ModelError."""
    if len(data) > MAX_LABELS_BYTES:
        raise ModelError(f"{called} has {len(data)} bytes; the limit is {MAX_LABELS_BYTES}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelError(f"{called} is not UTF-8 text with one label a line.") from None
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _read(archive: zipfile.ZipFile, called: str) -> Export:
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(files) > _MAX_FILES:
        raise ModelError(f"{called} has {len(files)} files; the limit is {_MAX_FILES}.")
    paths = {PurePosixPath(entry.filename.replace("\\", "/")): entry for entry in files}
    for path in paths:
        if path.is_absolute() or ".." in path.parts:
            raise ModelError(f"{called} has a file '{str(path)[:80]}', whose name leads out of it. No export has one.")
    where = _model_among(list(paths), called)
    manifest = _manifest(archive, paths.get(where.with_name(_MANIFEST_FILE)), called)
    entry = paths.get(where.with_name(LABELS_FILE))
    if entry is None:
        raise ModelError(f"{called} has no {LABELS_FILE} beside its {where.name}.")
    labels = labels_of(_unpacked(archive, entry, MAX_LABELS_BYTES, called), f"{LABELS_FILE} in {called}")
    model = _unpacked(archive, paths[where], MAX_MODEL_BYTES, called)
    return Export(model, labels, manifest.get("DomainType") == "ObjectDetection")


def _model_among(paths: Sequence[PurePosixPath], called: str) -> PurePosixPath:
    """The model file: `model.onnx`, else the only one that ends in .onnx."""
    found = [path for path in paths if path.suffix.lower() == ".onnx"]
    usual = [path for path in found if path.name.lower() == "model.onnx"]
    if len(usual or found) == 1:
        return (usual or found)[0]
    if found:
        raise ModelError(f"{called} has {len(found)} ONNX files; an export has one.")
    other = next((_OTHER_PLATFORMS[path.suffix] for path in paths if path.suffix in _OTHER_PLATFORMS), None)
    what = f"it is an export for {other}" if other else "it has no .onnx file"
    raise ModelError(f"{called} cannot be used: {what}. Export the iteration again and choose ONNX.")


def _manifest(archive: zipfile.ZipFile, entry: zipfile.ZipInfo | None, called: str) -> dict[str, Any]:
    """What the export says of itself; nothing if it has no manifest that can be read."""
    if entry is None:
        return {}
    try:
        found: Any = json.loads(_unpacked(archive, entry, _MAX_MANIFEST_BYTES, called))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int, called: str) -> bytes:
    """A file's content. What the ZIP says of its size is not relied on. Raises ModelError if it is larger than
    `most`."""
    with archive.open(entry) as stream:
        data = stream.read(most + 1) if entry.file_size <= most else b""
    if entry.file_size > most or len(data) > most:
        size = max(entry.file_size, len(data))
        name = PurePosixPath(entry.filename).name
        raise ModelError(f"{name} in {called} has {size} bytes or more unpacked; the limit is {most}.")
    return data
