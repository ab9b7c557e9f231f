"""Finds two pictures that show one photograph where one of them is turned by quarters, and besides cropped, shifted or
turned a little: near_duplicates.py and look_alikes.py each know one of both alone. (What is mirrored and cropped has
features that are similar enough.)

The thumbnails, blurred to a few fields, propose candidates in each turn, and laying them over each other decides. Where
a picture looks much the same in that turn as before, as a ball does, it says nothing: the others find what is like it.
"""

from collections.abc import Callable, Iterator

import numpy as np

from model.training import overlay
from model.training.near_duplicates import Matter, Pairs
from model.training.scratch import blocks
from model.training.threads import one_thread

_FIELDS = 8
"""A thumbnail is blurred to so many fields a side."""
_CANDIDATE_ABOVE = 0.8
"""The lowest correlation of the blurred thumbnails of one photograph before and after it was cropped and turned."""
_MOST_PER_PICTURE, _MOST = 3, 2**16
"""Of so many candidates a picture, and in all, the thumbnails are laid over each other: of the most similar ones."""
_SAME_BELOW = 0.8
"""What correlates with itself as much as this in a turn looks the same in it."""
_ROWS, _COLUMNS = 1024, 4096
_CHECKED_AT_ONCE = 2**12
_Candidates = tuple[np.ndarray, np.ndarray, np.ndarray]


def pairs(
    these: np.ndarray, those: np.ndarray, matter: Matter | None = None, progress: Callable[[], None] = lambda: None
) -> Iterator[Pairs]:
    """The pairs (i, j) in which picture i of `these` agrees with picture j of `those` once it is turned by quarters,
    some at a time. Thumbnails are uint8 [n, 32, 32].

    If both are the same array, no picture is paired with itself. `matter` is asked before thumbnails are laid over each
    other. `progress` is called `steps(len(these))` times.
    """
    with one_thread():
        i, j, similar = _candidates(_blurred(these), _blurred(those), is_same=these is those, progress=progress)
    if these is those:
        once = np.unique(np.minimum(i, j) * len(these) + np.maximum(i, j), return_index=True)[1]
        i, j, similar = i[once], j[once], similar[once]
    best = np.sort(np.argsort(-similar, kind="stable")[:_MOST])
    for part in blocks(len(best), _CHECKED_AT_ONCE):
        one, other = i[best[part]], j[best[part]]
        if matter is not None:
            wanted = matter(one, other)
            one, other = one[wanted], other[wanted]
        if len(one):
            agree = _agree(these[one], those[other])
            yield one[agree], other[agree]


def steps(count: int) -> int:
    """How often `pairs` reports progress for so many pictures."""
    return -(-count // _ROWS)


def _candidates(these: np.ndarray, those: np.ndarray, *, is_same: bool, progress: Callable[[], None]) -> _Candidates:
    """i, j and the correlation of the blurred thumbnails float32 [n, 8, 8] that are most alike in any turn."""
    flat = those.reshape(len(those), -1)
    found: list[_Candidates] = []
    for rows in blocks(len(these), _ROWS):
        turns = [turned.reshape(len(turned), -1) for turned in _turns(these[rows])]
        best, least = _joined([]), np.full(len(turns[0]), _CANDIDATE_ABOVE, np.float32)
        for columns in blocks(len(those), _COLUMNS):
            similar = turns[0] @ flat[columns].T
            for turned in turns[1:]:
                np.maximum(similar, turned @ flat[columns].T, out=similar)
            if is_same:
                own = np.arange(max(rows.start, columns.start), min(rows.stop, columns.stop))
                similar[own - rows.start, own - columns.start] = 0
            i, j, values = _highest(similar, least)
            best = _best_of_each(*_joined([best, (i + rows.start, j + columns.start, values)]))
            # Another candidate of a picture that has enough must be more alike than the last of these.
            last = np.flatnonzero(_places(best[0]) == _MOST_PER_PICTURE - 1)
            least[best[0][last] - rows.start] = best[2][last]
        found.append(best)
        progress()
    return _joined(found)


def _highest(similar: np.ndarray, least: np.ndarray) -> _Candidates:
    """Of each row the highest correlations that are no lower than its `least`: their rows, columns and values."""
    inside = np.flatnonzero(similar.max(axis=1) >= least)
    some, count = similar[inside], min(_MOST_PER_PICTURE, similar.shape[1])
    j = np.argpartition(-some, count - 1, axis=1)[:, :count]
    i, values = np.repeat(inside, count), np.take_along_axis(some, j, axis=1).ravel()
    enough = values >= least[i]
    return i[enough], j.ravel()[enough], values[enough]


def _best_of_each(i: np.ndarray, j: np.ndarray, similar: np.ndarray) -> _Candidates:
    """Of each picture i the most similar ones."""
    order = np.lexsort((j, -similar, i))
    i, j, similar = i[order], j[order], similar[order]
    first = _places(i) < _MOST_PER_PICTURE
    return i[first], j[first], similar[first]


def _places(i: np.ndarray) -> np.ndarray:
    """Of numbers in order, int [n], which place each has among those that are the same: 0, 1, …"""
    return np.asarray(np.arange(len(i)) - np.searchsorted(i, i))


def _joined(parts: list[_Candidates]) -> _Candidates:
    if not parts:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0, np.float32)
    i, j, similar = (np.concatenate(one) for one in zip(*parts, strict=True))
    return i, j, similar


def _agree(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Whether each of these thumbnails agrees with that of those in the turn in which they are most alike, bool [n]."""
    with one_thread():
        fields, every = _blurred(these), np.arange(len(these))
        turns = np.stack(list(_turns(fields)))
        best = np.einsum("tnab,nab->tn", turns, _blurred(those)).argmax(axis=0)
        agree = np.einsum("nab,nab->n", turns[best, every], fields) < _SAME_BELOW
        turned = np.stack(list(_turns(these[agree])))[best[agree], np.arange(int(agree.sum()))]
        agree[agree] = overlay.agreement(turned, those[agree]) >= overlay.AGREES_ABOVE
        return np.asarray(agree, bool)


def _turns(pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Pictures [n, side, side] turned by one, two and three quarters."""
    for quarters in (1, 2, 3):
        yield np.rot90(pictures, quarters, axes=(1, 2))


def _blurred(thumbs: np.ndarray) -> np.ndarray:
    """Thumbnails uint8 [n, 32, 32] as fields float32 [n, 8, 8] of mean 0 and length 1, whose products are correlations;
    zeros if all fields are the same."""
    side = thumbs.shape[1] // _FIELDS
    fields = thumbs.reshape(len(thumbs), _FIELDS, side, _FIELDS, side).mean(axis=(2, 4), dtype=np.float32)
    fields -= fields.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((fields**2).sum(axis=(1, 2), keepdims=True))
    return np.where(length > 1, fields / np.maximum(length, 1), 0).astype(np.float32)
