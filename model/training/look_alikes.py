"""Finds pictures that look alike: other crops of a photograph, and its neighbours in a burst.

Features of the frozen backbone are compared. From which similarity two pictures count as look-alikes is chosen from the
data: some of the pictures are altered as people alter them, and these copies must be recognised. What is a little less
similar counts too if the thumbnails agree once they are laid over each other (overlay.py).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from imagestore.pipeline.labelling.learnable import FEWEST
from imagestore.proportion import percent
from model.training import scratch
from model.training.scratch import blocks
from model.training.threads import one_thread

SAMPLE = 24
"""So many pictures are altered to choose the threshold."""
_LOWEST, _HIGHEST, _STEP = 0.55, 0.97, 0.01
_ROWS, _COLUMNS = 1024, 4096
"""So many looks are compared with so many others at a time."""
_MOST_PER_PICTURE, _MOST_PAIRS = 200, 2**23
"""If more are alike from a similarity on, it says nothing. Pairs are held to choose it, of 12 bytes each."""
_LOWEST_AGREEING = 0.45
_MOST_CHECKED_PER_PICTURE, _MOST_CHECKED = 3, 2**16
"""Of so many pairs at most the thumbnails are laid over each other: those that are most similar. A pair takes 1 ms."""
_CHAIN, _COHESION, _MOST_CHAINED = 5, 0.4, 0.05
_MOST_OF_OTHER_LABELS = 0.8
_MOSTLY = 0.9
"""If fewer copies are recognised, a person is warned."""
Looks = np.ndarray | Sequence[np.ndarray]
"""Looks float [n, 1280], or n of them."""
Agree = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""In which of the pairs i, j int [n] the thumbnails of two pictures agree, bool [n]."""
_Alike = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Similarity:
    """Two pictures count as look-alikes from `threshold` on, and from `lowest` on if their thumbnails agree; None is
    the same as `threshold`. `recognised` is the share of altered copies that do.

    `centre` float [1280] is taken away from each look before two are compared: it is what all pictures have in common.
    With `turned` two also count whose thumbnails agree once one is turned by quarters (turned.py).
    """

    threshold: float
    recognised: float
    centre: np.ndarray
    lowest: float | None = None
    turned: bool = False

    def sentence(self) -> str:
        """What is recognised, for a person."""
        return recognised(self.threshold, self.recognised, self.lowest, turned=self.turned)


def recognised(similarity: float, share: float, lowest: float | None = None, *, turned: bool = False) -> str:
    """From which similarity on pictures count as look-alikes, and which share of altered copies is recognised so."""
    is_lower = lowest is not None and lowest < similarity
    also = f", and from {lowest:.2f} on if they agree when laid over each other" if is_lower else ""
    said = (
        f"Pictures count as look-alikes from a similarity of {similarity:.2f} on{also}; of copies that are cropped, "
        f"shifted or turned a little, {percent(share)} are recognised."
    )
    said += " Those that agree once one is turned by quarters count, too." * turned
    warning = " The others may be learned from and tested on: keep bursts in folders of their own, and use --by-folder."
    return said + warning * (share < _MOSTLY)


def looks(features: np.ndarray) -> np.ndarray:
    """Looks float32 [n, 1280], each of length 1, of features float [n, 1280]."""
    found = scratch.empty(features.shape, np.float32)
    for block in blocks(len(features)):
        found[block] = _of_length_1(np.sqrt(np.maximum(features[block], 0)))
    return found


def packed(look: np.ndarray) -> bytes:
    """A look float [1280] as 1,280 bytes."""
    return np.round(look * (255 / max(float(look.max()), 1e-9))).astype(np.uint8).tobytes()


def unpacked(data: bytes) -> np.ndarray:
    """The look float32 [1280] that `packed` made into bytes, to within half a percent."""
    return np.asarray(_of_length_1(np.frombuffer(data, np.uint8)[None].astype(np.float32))[0])


def steps(count: int) -> int:
    """How often `choose` and `alike` report progress for so many looks."""
    return -(-count // _ROWS)


def choose(
    found: np.ndarray,
    sample: list[int],
    copies: np.ndarray,
    labels: list[str],
    progress: Callable[[], None] = lambda: None,
    *,
    agree: Agree | None = None,
    agreeing: np.ndarray | bool = False,
) -> Similarity:
    """Choose the thresholds for pictures with looks float [n, 1280] and these labels.

    `copies` float [len(sample), copies, 1280] are the looks of altered copies of the pictures `sample`, and all of them
    must be recognised; `agreeing` bool [len(sample), copies] says whose thumbnails agree. The threshold is higher only
    where that cannot be: where groups would become chains, in which few pictures resemble each other; where nearly each
    picture has a look-alike of another label, so that the labels themselves tell apart what is more alike than a
    picture and its copy; and, as long as half of the copies are still recognised, where a label would have too few
    groups to learn from, as pictures of one texture have. The threshold for pictures whose thumbnails `agree` lies
    below it, as far as that, and how many pairs can be checked, allows.
    """
    with one_thread():
        centre = found.mean(axis=0)
        own = _centred(found, centre)
        originals, altered = own[sample], _of_length_1(copies - centre)
        similarities = np.einsum("nk,nck->nc", originals, altered)
        enough = max(_LOWEST, float(similarities.min()))
        i, j, similar, least = _above(own, enough if agree is None else min(enough, _LOWEST_AGREEING), progress)
    threshold = max(enough, least)
    numbers = np.unique(labels, return_inverse=True)[1]
    while threshold < _HIGHEST:
        inside = similar >= threshold
        may_part = threshold < float(np.median(similarities))
        if not joins_too_many(len(found), i[inside], j[inside], numbers, may_part=may_part):
            break
        threshold += _STEP
    lowest = threshold if agree is None else _lowest((i, j, similar), threshold, least, numbers, agree)
    is_recognised = (similarities >= threshold) | ((similarities >= lowest) & agreeing)
    return Similarity(threshold, float(is_recognised.mean()), centre, lowest)


def _lowest(pairs: _Alike, threshold: float, lowest: float, labels: np.ndarray, agree: Agree) -> float:
    """From which similarity on pictures that agree count as look-alikes, `lowest` at least, of these pairs i < j."""
    i, j, similar = pairs
    below = np.sort(similar[similar < threshold])
    most = min(_MOST_CHECKED_PER_PICTURE * len(labels), _MOST_CHECKED)
    if len(below) > most:
        lowest = float(below[-most])
    counts = similar >= threshold
    checked = np.flatnonzero((similar >= lowest) & ~counts)
    counts[checked] = agree(i[checked], j[checked])
    while lowest < threshold:
        inside = counts & (similar >= lowest)
        if not joins_too_many(len(labels), i[inside], j[inside], labels, may_part=True):
            break
        lowest += _STEP
    return min(lowest, threshold)


def alike(
    these: Looks,
    those: Looks,
    similarity: Similarity,
    progress: Callable[[], None] = lambda: None,
    agree: Agree | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pairs i, j int [n], some at a time, in which look i of `these` is a look-alike of look j of `those`. Where
    they are not similar enough, `agree` is asked.

    If both are the same object, i < j. All are compared, in 25 s for 10⁹ pairs, but never held together.
    """
    if not len(these) or not len(those):
        return
    with one_thread():
        centred = _centred(these, similarity.centre)
        others = centred if these is those else _centred(those, similarity.centre)
    sure, lowest = similarity.threshold, similarity.lowest
    for i, j, similar in _pairs(centred, others, sure if agree is None or lowest is None else lowest, progress):
        counts = similar >= sure
        if agree is not None and not counts.all():
            counts[~counts] = agree(i[~counts], j[~counts])
        yield i[counts], j[counts]


def joins_too_many(count: int, i: np.ndarray, j: np.ndarray, labels: np.ndarray, *, may_part: bool = True) -> bool:
    """Whether these pairs i, j int [n] of `count` pictures would make chains, or join most pictures with those of other
    labels (numbers int [count]), or, if that counts (`may_part`), leave a label with too few groups."""
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


def _above(
    found: np.ndarray, lowest: float, progress: Callable[[], None] = lambda: None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """(i, j, similarity, lowest) of the pairs i < j of centred looks from this similarity on; from a higher one if
    there are too many."""
    most = max(1, min(_MOST_PER_PICTURE, _MOST_PAIRS // len(found))) * _ROWS
    before: list[_Alike] = []
    of_rows: list[_Alike] = []
    begun = 0
    for pairs in _pairs(found, found, lowest, progress):
        if len(pairs[0]) and pairs[0][0] // _ROWS != begun:
            before, of_rows, begun = before + of_rows, [], int(pairs[0][0]) // _ROWS
        of_rows.append(_from(lowest, [pairs]))
        if sum(len(similar) for _, _, similar in of_rows) > most:
            lowest = max(lowest, float(np.sort(np.concatenate([similar for _, _, similar in of_rows]))[-most]))
            of_rows = [_from(lowest, of_rows)]
    return *_from(lowest, before + of_rows), lowest


def _from(lowest: float, parts: list[_Alike]) -> _Alike:
    i, j, similar = (np.concatenate(one) for one in zip(*parts, strict=True))
    inside = similar >= lowest
    return i[inside], j[inside], similar[inside]


def _pairs(these: np.ndarray, those: np.ndarray, lowest: float, progress: Callable[[], None]) -> Iterator[_Alike]:
    """i, j int32 and similarity float32 [n] of the pairs of centred looks from this similarity on, some at a time, by
    rows of `these`. If both are the same array, i < j."""
    is_same = these is those
    for rows in blocks(len(these), _ROWS):
        for columns in blocks(len(those), _COLUMNS):
            if is_same and columns.stop <= rows.start:
                continue
            with one_thread():
                similar = these[rows] @ those[columns].T
            i, j = np.nonzero(similar >= lowest)
            found = similar[i, j]
            i, j = (i + rows.start).astype(np.int32), (j + columns.start).astype(np.int32)
            yield (i[i < j], j[i < j], found[i < j]) if is_same else (i, j, found)
        progress()


def _centred(found: Looks, centre: np.ndarray) -> np.ndarray:
    """Looks less what all have in common, brought to length 1 again: float32 [n, 1280]."""
    centred = scratch.empty((len(found), len(centre)), np.float32)
    for block in blocks(len(found)):
        centred[block] = _of_length_1(np.asarray(found[block], np.float32) - centre)
    return centred


def _of_length_1(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)
