"""Finds pictures that look alike: other crops of a photograph, and its neighbours in a burst.

Features of the frozen backbone are compared. From which similarity two pictures count as look-alikes is chosen from the
data: some of the pictures are altered as people alter them, and these copies must be recognised.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from model.training.labels import FEWEST
from model.training.threads import one_thread

SAMPLE = 24
"""So many pictures are altered to choose the threshold."""
_LOWEST, _HIGHEST, _STEP = 0.55, 0.97, 0.01
_BLOCK, _MOST_PER_PICTURE = 1024, 200
_COMPARED = 2**25
"""So many pairs are compared at a time at most, of 5 bytes each."""
_CHAIN, _COHESION, _MOST_CHAINED = 5, 0.4, 0.05
_MOST_OF_OTHER_LABELS = 0.8


@dataclass(frozen=True)
class Similarity:
    """Two pictures count as look-alikes from `threshold` on; `recognised` is the share of altered copies that reach it.

    `centre` float [1280] is taken away from each look before two are compared: it is what all pictures have in common.
    """

    threshold: float
    recognised: float
    centre: np.ndarray

    def sentence(self) -> str:
        """What is recognised, for a person."""
        return (
            f"Pictures count as look-alikes from a similarity of {self.threshold:.2f} on; of copies that are cropped, "
            f"shifted or turned a little, {100 * self.recognised:.0f} % reach it."
        )


def looks(features: np.ndarray) -> np.ndarray:
    """Looks float32 [n, 1280], each of length 1, of features float [n, 1280]."""
    return _of_length_1(np.sqrt(np.maximum(features, 0)))


def packed(look: np.ndarray) -> bytes:
    """A look float [1280] as 1,280 bytes."""
    return np.round(look * (255 / max(float(look.max()), 1e-9))).astype(np.uint8).tobytes()


def unpacked(data: bytes) -> np.ndarray:
    """The look float32 [1280] that `packed` made into bytes, to within half a percent."""
    return np.asarray(_of_length_1(np.frombuffer(data, np.uint8)[None].astype(np.float32))[0])


def choose(found: np.ndarray, sample: list[int], copies: np.ndarray, labels: list[str]) -> Similarity:
    """Choose the threshold for pictures with looks float [n, 1280] and these labels.

    `copies` float [len(sample), copies, 1280] are the looks of altered copies of the pictures `sample`, and all of them
    must be recognised. The threshold is higher only where that cannot be: where groups would become chains, in which
    few pictures resemble each other; where nearly each picture has a look-alike of another label, so that the labels
    themselves tell apart what is more alike than a picture and its copy; and, as long as half of the copies are still
    recognised, where a label would have too few groups to learn from, as pictures of one texture have.
    """
    with one_thread():
        centre = found.mean(axis=0)
        originals, altered = _centred(found[sample], centre), _centred(copies, centre)
        similarities = np.einsum("nk,nck->nc", originals, altered).ravel()
        own = _centred(found, centre)
        i, j, similar, threshold = _pairs(own, own, max(_LOWEST, float(similarities.min())), is_same=True)
    numbers = np.unique(labels, return_inverse=True)[1]
    while threshold < _HIGHEST:
        inside = similar >= threshold
        may_part = threshold < float(np.median(similarities))
        if not _is_too_low(len(found), i[inside], j[inside], numbers, may_part=may_part):
            break
        threshold += _STEP
    return Similarity(threshold, float((similarities >= threshold).mean()), centre)


def alike(these: np.ndarray, those: np.ndarray, similarity: Similarity) -> list[tuple[int, int]]:
    """The pairs (i, j) in which look i of `these` is a look-alike of look j of `those`; both are float [n, 1280].

    If both are the same array, i < j.
    """
    if not len(these) or not len(those):
        return []
    centred = _centred(these, similarity.centre)
    others = centred if these is those else _centred(those, similarity.centre)
    with one_thread():
        i, j, _, _ = _pairs(centred, others, similarity.threshold, is_same=these is those, most=None)
    return list(zip(i.tolist(), j.tolist(), strict=True))


def _is_too_low(count: int, i: np.ndarray, j: np.ndarray, labels: np.ndarray, *, may_part: bool) -> bool:
    is_other = labels[i] != labels[j]
    with_other = np.unique(np.concatenate([i[is_other], j[is_other]]))
    if len(with_other) > _MOST_OF_OTHER_LABELS * count:
        return True
    graph = coo_array((np.ones(len(i), np.int8), (i, j)), shape=(count, count))
    groups = connected_components(graph, directed=False)[1]
    sizes, edges = np.bincount(groups), np.bincount(groups[i], minlength=int(groups.max()) + 1)
    cohesion = edges / np.maximum(sizes * (sizes - 1) / 2, 1)
    chained = sizes[(sizes >= _CHAIN) & (cohesion < _COHESION)].sum()
    if chained > _MOST_CHAINED * count:
        return True
    of_labels = np.unique(np.stack([labels, groups]), axis=1)[0]
    has_few = (np.bincount(of_labels) < FEWEST) & (np.bincount(labels) >= FEWEST)
    return may_part and bool(has_few.any())


def _pairs(
    these: np.ndarray, those: np.ndarray, lowest: float, *, is_same: bool, most: int | None = _MOST_PER_PICTURE
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """(i, j, similarity, lowest) of the pairs from this similarity on; from a higher one if there are too many."""
    rows, columns, values = [], [], []
    block = max(1, min(_BLOCK, _COMPARED // len(those)))
    for start in range(0, len(these), block):
        similar = these[start : start + block] @ those.T
        i, j = np.nonzero(similar >= lowest)
        if is_same:
            i, j = i[i + start < j], j[i + start < j]
        if most is not None and len(i) > most * block:
            lowest = max(lowest, float(np.sort(similar[i, j])[-most * block]))
        rows.append(i + start)
        columns.append(j)
        values.append(similar[i, j])
    i, j, found = np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
    inside = found >= lowest
    return i[inside], j[inside], found[inside], lowest


def _centred(found: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return _of_length_1(found - centre)


def _of_length_1(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)
