"""Finds pictures that show the same photograph: files that were re-encoded, resized, mirrored, turned or lightened.

Perceptual hashes of a picture and its altered images propose candidates, and gray thumbnails decide. So pictures that
are merely similar, as many shirts and leaves are, stay apart; look_alikes.py finds those that are very similar.
"""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from preprocess.transform import perceptual_hashes

CANDIDATE_BITS = 12
"""The hashes of one photograph differ in at most this many of 64 bits."""
SAME_ABOVE = 0.985
"""The lowest correlation of a photograph's thumbnails before and after it was re-encoded, resized or turned."""
_COMPARED = 2**24
"""So many pairs of hashes are compared at a time, of 20 bytes each."""
_LIGHTER = (1.15, 1.3, 1.5)
"""How much lighter one of two pictures may be: where white is reached, no correlation would tell."""


def group(sha256: list[str], alike: list[tuple[int, int]]) -> np.ndarray:
    """Group numbers int [n]: pictures that are alike, through others too, and those of one SHA-256 are in one group."""
    count = len(sha256)
    first: dict[str, int] = {}
    copies = [(i, first.setdefault(digest, i)) for i, digest in enumerate(sha256)]
    edges = np.array(copies + alike, int).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), np.int8), edges.T), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def pairs(these: np.ndarray, those: np.ndarray) -> list[tuple[int, int]]:
    """The pairs (i, j) in which picture i of `these` is picture j of `those`, as it is, mirrored, turned or lightened.

    If both are the same array, no picture is paired with itself.
    """
    if not len(these) or not len(those):
        return []
    is_same = these is those
    found = [
        pair
        for number, seen in enumerate(_views(these))
        for pair in _matches(seen, those, is_same=is_same, is_first=number == 0)
    ]
    if not is_same:
        for lighter in _lighter(those):
            found += [(i, j) for j, i in _matches(lighter, these, is_same=False, is_first=False)]
    return found


def _views(thumbs: np.ndarray) -> Iterator[np.ndarray]:
    """Thumbnails as they are, then mirrored, turned by quarters, and lighter."""
    for turned in (thumbs, np.swapaxes(thumbs, 1, 2)):
        for down, across in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            yield np.ascontiguousarray(turned[:, ::down, ::across])
    yield from _lighter(thumbs)


def _lighter(thumbs: np.ndarray) -> Iterator[np.ndarray]:
    for gain in _LIGHTER:
        yield np.minimum(thumbs.astype(np.float32) * gain, 255).astype(np.uint8)


def _matches(these: np.ndarray, those: np.ndarray, *, is_same: bool, is_first: bool) -> Iterator[tuple[int, int]]:
    hashes, normed = perceptual_hashes(those), _normed(those)
    seen_hashes, seen_normed = perceptual_hashes(these), _normed(these)
    rows_at_once = max(1, _COMPARED // len(those))
    for start in range(0, len(these), rows_at_once):
        block = seen_hashes[start : start + rows_at_once]
        rows, columns = np.nonzero(np.bitwise_count(block[:, None] ^ hashes[None]) <= CANDIDATE_BITS)
        rows = rows + start
        if is_same:
            keep = rows < columns if is_first else rows != columns
            rows, columns = rows[keep], columns[keep]
        for part in range(0, len(rows), 100_000):
            i, j = rows[part : part + 100_000], columns[part : part + 100_000]
            same = np.einsum("nk,nk->n", seen_normed[i], normed[j]) >= SAME_ABOVE
            yield from zip(i[same].tolist(), j[same].tolist(), strict=True)


def _normed(thumbs: np.ndarray) -> np.ndarray:
    """Thumbnails as vectors float32 [n, 1024] of mean 0 and length 1, whose products are correlations.

    A thumbnail of one colour becomes zeros, which correlate with nothing.
    """
    flat = thumbs.reshape(len(thumbs), -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(length > 1, centred / np.maximum(length, 1), 0).astype(np.float32)
