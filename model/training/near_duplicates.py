"""Finds pictures that show the same photograph: files that were re-encoded, resized, mirrored, turned or lightened.

Perceptual hashes of a picture and its altered images propose candidates, and gray thumbnails decide. So pictures that
are merely similar, as many shirts and leaves are, stay apart; look_alikes.py finds those that are very similar.
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from model.training.scratch import blocks
from preprocess.transform import perceptual_hashes

CANDIDATE_BITS = 12
"""The hashes of one photograph differ in at most this many of 64 bits."""
SAME_ABOVE = 0.985
"""The lowest correlation of a photograph's thumbnails before and after it was re-encoded, resized or turned."""
_TILE = 2**13
"""So many pictures are compared with as many others at a time."""
_ROWS = 64
"""So many of these with all others of a tile, so that what is compared stays in the processor's cache."""
_CANDIDATES = 2**12
"""The thumbnails of so many candidates are compared at a time."""
_LIGHTER = (1.15, 1.3, 1.5)
"""How much lighter one of two pictures may be: where white is reached, no correlation would tell."""
VIEWS = 8 + len(_LIGHTER)
Pairs = tuple[np.ndarray, np.ndarray]
"""The numbers i and j int [n] of pictures of two sets, for each pair."""
Matter = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Which pairs of these i and j int [n] are worth finding, bool [n]."""


def pairs(
    these: np.ndarray, those: np.ndarray, matter: Matter | None = None, progress: Callable[[], None] = lambda: None
) -> Iterator[Pairs]:
    """The pairs (i, j) in which picture i of `these` is picture j of `those`, as it is, mirrored, turned or lightened,
    some at a time, and perhaps twice. Thumbnails are uint8 [n, 32, 32].

    If both are the same array, no picture is paired with itself. `matter` is asked before candidates are compared. All
    hashes are compared with each other, in 6 s for 10⁹ pairs of pictures, but never held together. `progress` is called
    after each of VIEWS views of `these`.
    """
    is_same = these is those
    tiles = list(_tiles(those))
    for number, seen in enumerate(_views(these)):
        for one, other in product(_tiles(seen), tiles):
            if number or not is_same:
                yield from one.matches(other, matter, with_itself=not is_same)
            elif one.first <= other.first:  # each pair once, since it is the same from both sides
                yield from one.matches(other, matter, with_itself=False)
        progress()
    if not is_same:
        tiles = list(_tiles(these))
        for lighter in _lighter(those):
            for one, other in product(_tiles(lighter), tiles):
                for j, i in one.matches(other, None if matter is None else _swapped(matter), with_itself=True):
                    yield i, j


def _swapped(matter: Matter) -> Matter:
    return lambda j, i: matter(i, j)


def _views(thumbs: np.ndarray) -> Iterator[np.ndarray]:
    """Thumbnails as they are, then mirrored, turned by quarters, and lighter."""
    for turned in (thumbs, np.swapaxes(thumbs, 1, 2)):
        for down, across in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            yield turned[:, ::down, ::across]
    yield from _lighter(thumbs)


def _lighter(thumbs: np.ndarray) -> Iterator[np.ndarray]:
    for gain in _LIGHTER:
        found = np.empty_like(thumbs)
        for block in blocks(len(thumbs)):
            found[block] = np.minimum(thumbs[block].astype(np.float32) * gain, 255).astype(np.uint8)
        yield found


def _tiles(thumbs: np.ndarray) -> Iterator["_Tile"]:
    for block in blocks(len(thumbs), _TILE):
        yield _Tile(np.ascontiguousarray(thumbs[block]), block.start)


class _Tile:
    """Some pictures of many, of which the first has the number `first`. Blank ones are left out: they are like
    nothing."""

    def __init__(self, thumbs: np.ndarray, first: int) -> None:
        inside = np.flatnonzero(_normed(thumbs).any(axis=1))
        self.first = first
        self._numbers, self._thumbs = inside + first, thumbs[inside]
        self._hashes = perceptual_hashes(thumbs)[inside]

    def matches(self, other: "_Tile", matter: Matter | None, *, with_itself: bool) -> Iterator[Pairs]:
        """The numbers (i, j) of the pairs in which picture i of this tile is picture j of the other."""
        for rows, columns in self._candidates(other):
            i, j = self._numbers[rows], other._numbers[columns]
            wanted = np.ones(len(i), bool) if with_itself else i != j
            if matter is not None:
                wanted &= matter(i, j)
            rows, columns = rows[wanted], columns[wanted]
            if len(rows):
                same = _are_same(self._thumbs, other._thumbs, rows, columns)
                yield self._numbers[rows[same]], other._numbers[columns[same]]

    def _candidates(self, other: "_Tile") -> Iterator[Pairs]:
        """The places in each tile of pictures whose hashes are near each other, at least _CANDIDATES at a time."""
        waiting: list[Pairs] = []
        for block in blocks(len(self._hashes) if len(other._hashes) else 0, _ROWS):
            near = np.bitwise_count(self._hashes[block, None] ^ other._hashes[None]) <= CANDIDATE_BITS
            found = np.flatnonzero(near)
            if len(found):
                rows, columns = np.divmod(found, len(other._hashes))
                waiting.append((rows + block.start, columns))
            if sum(len(rows) for rows, _ in waiting) >= _CANDIDATES:
                yield _joined(waiting)
                waiting.clear()
        if waiting:
            yield _joined(waiting)


def _joined(found: list[Pairs]) -> Pairs:
    return np.concatenate([rows for rows, _ in found]), np.concatenate([columns for _, columns in found])


def _are_same(these: np.ndarray, those: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Whether thumbnail rows[n] of these and columns[n] of those correlate as one photograph does, bool [n]."""
    (first, i), (second, j) = (np.unique(numbers, return_inverse=True) for numbers in (rows, columns))
    one, other = _normed(these[first]), _normed(those[second])
    same = np.empty(len(rows), bool)
    for part in blocks(len(rows), _CANDIDATES):
        same[part] = np.einsum("nk,nk->n", one[i[part]], other[j[part]]) >= SAME_ABOVE
    return same


def _normed(thumbs: np.ndarray) -> np.ndarray:
    """Thumbnails as vectors float32 [n, 1024] of mean 0 and length 1, whose products are correlations.

    A thumbnail of one colour becomes zeros, which correlate with nothing.
    """
    flat = thumbs.reshape(len(thumbs), -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(length > 1, centred / np.maximum(length, 1), 0).astype(np.float32)
