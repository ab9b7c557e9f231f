"""Reads what a model file says of itself without onnxruntime, so that no part of the model is loaded or run.

An ONNX file is a message of Protocol Buffers: a row of fields, each a number, a kind and a value. The graph is skipped.
Sources: https://protobuf.dev/programming-guides/encoding, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from classify.errors import ModelError
from classify.families import RESERVED_LABEL, families_in
from classify.prediction import ModelRef

_METADATA_PROPS, _KEY, _VALUE = 14, 1, 2
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}
_MOST_FIELDS = 10_000
_MOST_BYTES = 4_000_000
"""Of one key or value: a hundred thousand labels fit."""
_REQUIRED = ("name", "version", "labels")
_THRESHOLDS = ("threshold", "thresholds")
_CALLED = ("name", "version", "backbone_sha256")


@dataclass(frozen=True)
class ModelLabels:
    """Which model it is, the label of each of its classes, the names of its families of classes, and whether several
    labels may hold for a picture."""

    ref: ModelRef
    labels: tuple[str, ...]
    families: tuple[str, ...] = ()
    has_several: bool = False

    @property
    def answers(self) -> tuple[str, ...]:
        """All that it may answer."""
        return self.labels + self.families


def read_labels(data: bytes, called: str) -> ModelLabels:
    """What the model file `data` says of itself. `called` is the file's name in messages. Raises ModelError."""
    try:
        meta = _metadata(memoryview(data))
        if missing := [key for key in _REQUIRED if key not in meta]:
            raise ModelError(f"its metadata lacks {', '.join(missing)}")
        ref = ModelRef(meta["name"], meta["version"], hashlib.sha256(data).hexdigest())
        labels = labels_in(meta["labels"])
        families = tuple(family.label for family in families_in(meta, labels))
        return ModelLabels(ref, labels, families, has_several(meta))
    except ModelError as error:
        raise ModelError(f"{called} cannot be used: {error}. See docs/model-file.md.") from None


def labels_in(text: str) -> tuple[str, ...]:
    """The labels in the value of `labels` in a model's metadata, a JSON list. Raises ModelError."""
    try:
        labels: Any = json.loads(text)
    except (ValueError, RecursionError):
        labels = None
    if not isinstance(labels, list) or not labels or not all(isinstance(x, str) and x.strip() for x in labels):
        raise ModelError('labels is not a JSON list of names, such as ["cat", "dog"]')
    if twice := sorted(label for label, count in Counter(labels).items() if count > 1):
        raise ModelError(f"labels has {twice[0]!r} more than once")
    if RESERVED_LABEL in labels:
        raise ModelError(f"labels has {RESERVED_LABEL!r}, which is reserved for pictures under the threshold")
    return tuple(labels)


def has_several(meta: Mapping[str, str]) -> bool:
    """Whether several labels may hold for a picture, by `labels_per_picture` in a model's metadata. Raises
    ModelError."""
    said = meta.get("labels_per_picture", "one")
    if said not in ("one", "several"):
        raise ModelError(f"labels_per_picture is {said[:40]!r}; it takes one or several")
    if said == "several" and "families" in meta:
        raise ModelError("it has families, which are for models with labels_per_picture=one")
    return said == "several"


def has_rest(meta: Mapping[str, str]) -> bool:
    """Whether the probabilities may sum to less than 1, where the rest is that of a picture that shows none of the
    labels, by `rest` in a model's metadata. Raises ModelError."""
    said = meta.get("rest", "nothing")
    if said not in ("nothing", "none_of_the_labels"):
        raise ModelError(f"rest is {said[:40]!r}; it takes nothing or none_of_the_labels")
    if said == "none_of_the_labels" and meta.get("output", "probabilities") != "probabilities":
        raise ModelError("it has a rest, which is for models with output=probabilities")
    if said == "none_of_the_labels" and has_several(meta):
        raise ModelError("it has a rest, which is for models with labels_per_picture=one")
    return said == "none_of_the_labels"


def metadata_of(data: bytes) -> dict[str, str]:
    """All metadata of a model file. Raises ModelError if it is none."""
    return _metadata(memoryview(data))


def with_metadata(data: bytes, changed: Mapping[str, str | None]) -> bytes:
    """The same model file with other metadata: each key with its new value, without those of which it is None. What
    else the file holds stays as it is, byte by byte. Raises ModelError if it is no model file."""
    kept = {key: value for key, value in {**metadata_of(data), **changed}.items() if value is not None}
    return b"".join([*_without_metadata(data), *(_entry(key, value) for key, value in sorted(kept.items()))])


def differ_by_thresholds_alone(one: bytes, other: bytes) -> bool:
    """Whether two model files answer with the same probabilities of the same labels, from other thresholds on: nothing
    but these, and what the model is called, differs. Raises ModelError if one is no model file."""
    told = [metadata_of(data) for data in (one, other)]
    thresholds = [[meta.get(key) for key in _THRESHOLDS] for meta in told]
    rest = [{key: value for key, value in meta.items() if key not in _THRESHOLDS + _CALLED} for meta in told]
    if thresholds[0] == thresholds[1] or rest[0] != rest[1]:
        return False
    return _weights_sha256(one) == _weights_sha256(other)


def _weights_sha256(data: bytes) -> str:
    digest = hashlib.sha256()
    for part in _without_metadata(data):
        digest.update(part)
    return digest.hexdigest()


def _without_metadata(data: bytes) -> Iterator[memoryview]:
    """The file's fields in their order, but for the metadata."""
    whole = memoryview(data)
    for number, begin, end, _ in _spans(whole):
        if number != _METADATA_PROPS:
            yield whole[begin:end]


def _entry(key: str, value: str) -> bytes:
    inner = b"".join(_written(number, text.encode()) for number, text in ((_KEY, key), (_VALUE, value)))
    return _written(_METADATA_PROPS, inner)


def _written(number: int, value: bytes) -> bytes:
    """A field of bytes."""
    return _written_varint(number << 3 | _LENGTH) + _written_varint(len(value)) + value


def _written_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _metadata(data: memoryview) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, value in _fields(data):
        if number == _METADATA_PROPS and value is not None:
            entry = dict(_fields(value))
            found[_text(entry.get(_KEY))] = _text(entry.get(_VALUE))
    return found


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """(number, value) of each field; the value is None if it is a number, which none of those is that we read."""
    return ((number, value) for number, _, _, value in _spans(data))


def _spans(data: memoryview) -> Iterator[tuple[int, int, int, memoryview | None]]:
    """(number, where it begins, where it ends, value) of each field, its number and kind included."""
    at = 0
    for _ in range(_MOST_FIELDS):
        if at == len(data):
            return
        began = at
        tag, at = _varint(data, at)
        kind, value = tag & 7, None
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind in _FIXED_BYTES:
            at += _FIXED_BYTES[kind]
        elif kind == _LENGTH:
            length, begin = _varint(data, at)
            at = begin + length
            value = data[begin:at]
        else:
            raise _not_onnx()
        if at > len(data):
            raise _not_onnx()
        yield tag >> 3, began, at, value
    raise _not_onnx()


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at this byte, seven bits a byte, lowest first; and where the next thing begins."""
    value = 0
    for count in range(10):
        if at + count >= len(data):
            break
        byte = data[at + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    raise _not_onnx()


def _text(value: memoryview | None) -> str:
    if value is None:
        return ""
    try:
        if len(value) > _MOST_BYTES:
            raise ModelError(f"its metadata has a value of {len(value)} bytes; the limit is {_MOST_BYTES}")
        return str(value, "utf-8")
    except UnicodeDecodeError:
        raise _not_onnx() from None


def _not_onnx() -> ModelError:
    return ModelError("it is not an ONNX file")
