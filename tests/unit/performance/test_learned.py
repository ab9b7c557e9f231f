"""What a version learned from."""

import msgspec

from imagestore.performance.learned import LearnedFrom, learned_from
from unit.web.memory import memory_stores


def test_pictures_are_counted_by_label_and_those_of_none_are_of_no_label() -> None:
    found = LearnedFrom({"a": "cat", "b": "dog", "c": "cat", "d": "", "e": ["cat", "dog", "wet"], "f": []})
    assert found.count_by_label() == {"cat": 3, "dog": 2, "wet": 1}
    assert found.pictures == set("abcdef")


def test_it_is_read_from_beside_the_version_if_it_is_there() -> None:
    models = memory_stores().models
    models.keep("mine", "1", {"model.onnx": b"model", "training.json": msgspec.json.encode({"learned": {"a": "cat"}})})
    models.keep("mine", "2", {"model.onnx": b"model"})
    models.keep("mine", "3", {"model.onnx": b"model", "training.json": b"{"})
    models.keep("mine", "4", {"model.onnx": b"model", "training.json": b'{"seed": 1}'})
    assert learned_from(models, "mine", "1") == LearnedFrom({"a": "cat"})
    assert [learned_from(models, "mine", version) for version in ("2", "3", "4")] == [None] * 3
