"""What a model file says of itself is read without onnxruntime, and a hostile file ends in a sentence."""

import hashlib
import json
import random

import onnx
import pytest

from classify import ModelError
from classify.metadata import differ_by_thresholds_alone, metadata_of, read_labels, with_metadata
from classify.model import load_model
from imagestore.settings import ROOT

DEFAULT = ROOT / "model" / "default" / "model.onnx"


def written(**metadata: str) -> bytes:
    """A model file with an empty graph and this metadata."""
    model = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    onnx.helper.set_model_props(model, metadata)
    data: bytes = model.SerializeToString()
    return data


def test_it_reads_what_onnxruntime_reads() -> None:
    data, model = DEFAULT.read_bytes(), load_model(DEFAULT)
    read = read_labels(data, "the shipped model")
    assert (read.ref, read.labels, read.answers) == (model.ref, model.labels, model.answers)
    assert len(read.answers) > len(read.labels)


def test_names_and_labels_in_any_script() -> None:
    data = written(name="モデル", version="2", labels=json.dumps(["Rose", "päß", "学"]), more="x" * 300)
    read = read_labels(data, "mine 2")
    assert (read.ref.name, read.ref.version, read.ref.sha256) == ("モデル", "2", hashlib.sha256(data).hexdigest())
    assert read.labels == ("Rose", "päß", "学")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "lacks name, version, labels"),
        (b"not a model", "it is not an ONNX file"),
        (b"\xff" * 40, "it is not an ONNX file"),
        (b"\x72\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "it is not an ONNX file"),
        (written(name="m", version="1"), "lacks labels"),
        (written(name="m", version="1", labels="[" * 100_000), "not a JSON list of names"),
        (written(name="m", version="1", labels='["a", "a"]'), "'a' more than once"),
        (written(name="m", version="1", labels='["unknown", "a"]'), "reserved"),
        (written(name="m", version="1", labels='["a"]', families='{"b": ["c"]}', family_threshold="1"), "'c' in 'b'"),
        (written(name="m", version="1", labels="x" * 4_000_001), "4000001 bytes; the limit is 4000000"),
    ],
    ids=["empty", "text", "bytes", "length", "no labels", "deep", "twice", "reserved", "families", "long"],
)
def test_what_cannot_be_used_is_said(data: bytes, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        read_labels(data, "mine 1")
    assert str(caught.value).startswith("mine 1 cannot be used: ")


def test_damaged_files_end_in_a_sentence() -> None:
    whole = written(name="m", version="1", labels=json.dumps([f"label {n}" for n in range(50)]))
    chance = random.Random(5)
    damaged = [whole[:length] for length in range(len(whole))]
    for _ in range(3000):
        changed = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(whole))] = chance.randrange(256)
        damaged.append(bytes(changed))
    refused = 0
    for data in damaged:
        try:
            read_labels(data, "mine 1")
        except ModelError:
            refused += 1
    assert 0 < refused < len(damaged)


def test_other_metadata_leaves_all_else_as_it_is() -> None:
    data = DEFAULT.read_bytes()
    changed = with_metadata(data, {"version": "päß 9", "threshold": "0.9", "families": None, "new": "x" * 300})
    before, after = onnx.load_model_from_string(data), onnx.load_model_from_string(changed)
    told = {one.key: one.value for one in after.metadata_props}
    assert told["version"] == "päß 9"
    assert told["new"] == "x" * 300
    assert "families" not in told
    assert told["labels"] == {one.key: one.value for one in before.metadata_props}["labels"]
    assert metadata_of(changed) == told
    for model in (before, after):
        del model.metadata_props[:]
    assert before.SerializeToString() == after.SerializeToString()
    assert with_metadata(changed, {}) == with_metadata(data, metadata_of(changed) | {"families": None})


def test_what_differs_by_its_thresholds_alone_is_told_from_what_differs_otherwise() -> None:
    one = written(name="m", version="1", labels='["a", "b"]', threshold="0.5")
    other = with_metadata(one, {"version": "2", "threshold": "0.6", "backbone_sha256": "f" * 64})
    assert differ_by_thresholds_alone(one, other)
    assert differ_by_thresholds_alone(one, with_metadata(one, {"thresholds": '{"a": 0.9}'}))
    assert not differ_by_thresholds_alone(one, with_metadata(one, {"version": "2"})), "nothing differs"
    for change in ({"labels": '["b", "a"]'}, {"crop": "0.5"}, {"distance_limit": "0.4"}):
        assert not differ_by_thresholds_alone(one, with_metadata(other, change)), change
    model = onnx.load_model_from_string(other)
    model.graph.name = "another"
    assert not differ_by_thresholds_alone(one, model.SerializeToString())
    for damaged in (b"not a model", one[:-3]):
        with pytest.raises(ModelError, match="not an ONNX file"):
            with_metadata(damaged, {"version": "2"})
        with pytest.raises(ModelError, match="not an ONNX file"):
            differ_by_thresholds_alone(one, damaged)
