"""Which pictures are worth labelling next."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from classify import Score, Vector
from imagestore.record import Record
from imagestore.web.index.index import Index
from imagestore.web.index.next_to_label import next_to_label
from imagestore.web.index.queries import Filter
from unit.web.records import picture, take_in


def with_prediction(name: str, phash: str, confidence: float, margin: float, label: str = "tabby") -> Record:
    record = picture(name, label, confidence, phash=phash)
    assert record.prediction is not None
    prediction = replace(
        record.prediction, margin=margin, top=(Score(label, confidence), Score("rose", 1 - confidence))
    )
    return replace(record, prediction=prediction)


def nothing(record: Record) -> Mapping[str, float]:
    return {}


def names(index: Index, lacks: Mapping[str, float] | None = None, labels: list[str] | None = None) -> list[str]:
    found = next_to_label(index, Filter(), lambda record: lacks or {}, labels or [])
    return [record.name for record in found]


def test_what_the_model_is_unsure_of_comes_first_and_of_a_burst_one(index: Index) -> None:
    burst = [with_prediction(f"burst {n}.jpg", f"ffffffff0000000{n}", 0.5, 0.01) for n in range(3)]
    sure = with_prediction("sure.jpg", "00000000ffffffff", 0.99, 0.98)
    doubtful = with_prediction("doubtful.jpg", "0f0f0f0f0f0f0f0f", 0.6, 0.2)
    take_in(index, [sure, *burst, doubtful])
    found = names(index)
    assert found[0].startswith("burst")
    assert found[1:3] == ["doubtful.jpg", "sure.jpg"]
    assert all(name.startswith("burst") for name in found[3:]), "the others of the burst come last"


def test_what_has_nearly_the_vector_of_one_before_it_comes_late(index: Index) -> None:
    chance = np.random.default_rng(2)
    first, other = chance.random(16), chance.random(16) * np.array([1.0, 0.0] * 8)
    like = [
        ("a.jpg", first, "00000000ffffffff"),
        ("b.jpg", first + 0.01, "0f0f0f0f0f0f0f0f"),
        ("c.jpg", other, "f" * 16),
    ]
    records = []
    for number, (name, features, phash) in enumerate(like):
        record = with_prediction(name, phash, 0.5, 0.01 * (number + 1))
        records.append(record.with_vector(Vector.of(features, "b" * 64)))
    take_in(index, records)
    assert names(index) == ["a.jpg", "c.jpg", "b.jpg"]


def test_labels_that_lack_pictures_come_before_those_that_do_not(index: Index) -> None:
    many = with_prediction("many.jpg", "00000000ffffffff", 0.9, 0.5)
    few = with_prediction("few.jpg", "0f0f0f0f0f0f0f0f", 0.9, 0.5, "lynx")
    take_in(index, [many, few])
    assert names(index, {"lynx": 1.0}, ["lynx"]) == ["few.jpg", "many.jpg"]
    assert names(index, {"tabby": 1.0}, ["tabby"]) == ["many.jpg", "few.jpg"]


def test_there_may_be_nothing_to_label(index: Index) -> None:
    assert names(index) == []
    assert next_to_label(index, Filter(), nothing, ["lynx"]) == []
