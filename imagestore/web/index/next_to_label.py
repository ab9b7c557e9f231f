"""Which pictures are worth labelling next: those of which the model is unsure, of labels that lack pictures, and each
unlike those before it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from classify import Vector
from imagestore.record import Record
from imagestore.web.index.index import Index
from imagestore.web.index.labelling import ALIKE_BITS, MOST
from imagestore.web.index.queries import Filter
from imagestore.web.index.training_queries import unlabelled, vectors

CANDIDATES = 400
"""Among so many of the least certain pictures, and so many of each label that lacks some, is chosen."""
MOST_LACKING = 5
"""Of at most so many labels that lack pictures."""
Lacking = Callable[[Record], Mapping[str, float]]
"""What the labels of a picture's project lack: from 0 (nothing) to 1 (all)."""


def next_to_label(index: Index, filter: Filter, lacking: Lacking, labels: Sequence[str]) -> list[Record]:
    """Up to MOST pictures that pass the filter and that nobody has labelled, the most helpful first. `labels` are those
    that lack pictures, the most lacking first.

    A picture's worth is how unsure the model is (0 to 1), plus how much its likely labels lack. It counts as far as the
    picture is unlike all that were chosen before: of a burst one is worth much, the next one nothing.
    """
    found = unlabelled(index, filter, labels[:MOST_LACKING], CANDIDATES)
    worth = np.array([_worth(record, lacking(record)) for record in found])
    is_like = _likeness(found, vectors(index, [record.id for record in found]))
    novelty, chosen = np.ones(len(found)), list[int]()
    for _ in range(min(MOST, len(found))):
        value = worth * novelty
        value[chosen] = -1.0
        best = int(value.argmax())
        chosen.append(best)
        novelty = np.minimum(novelty, 1 - is_like(best))
    return [found[number] for number in chosen]


def _worth(record: Record, lacks: Mapping[str, float]) -> float:
    assert record.prediction is not None, "what has no prediction has no uncertainty"
    likely = sum(score.probability * lacks.get(score.label, 0.0) for score in record.prediction.top)
    return min(1.0, record.prediction.uncertainty) + likely


def _likeness(records: Sequence[Record], known: Mapping[str, Vector]) -> Callable[[int], np.ndarray]:
    """How like each picture is to one of them, float [n] from 0 to 1: the cosine of their vectors, where both have one
    of the same network, and 1 where their perceptual hashes hardly differ."""
    networks = np.array([known[one.id].backbone if one.id in known else "" for one in records], object)
    hashes = [int(one.image.phash, 16) if one.image and one.image.phash else None for one in records]
    units = dict[int, np.ndarray]()
    for number, one in enumerate(records):
        if one.id in known:
            vector = known[one.id].numbers
            units[number] = vector / max(float(np.linalg.norm(vector)), 1e-9)

    def like(number: int) -> np.ndarray:
        found = np.zeros(len(records))
        if number in units:
            same = [other for other in units if networks[other] == networks[number]]
            found[same] = np.clip(np.stack([units[other] for other in same]) @ units[number], 0, 1)
        own = hashes[number]
        if own is not None:
            for other, phash in enumerate(hashes):
                if phash is not None and (phash ^ own).bit_count() <= ALIKE_BITS:
                    found[other] = 1.0
        return found

    return like
