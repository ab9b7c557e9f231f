"""Groups pictures that show the same photograph: copies, and files that were re-encoded, resized or flipped.

Perceptual hashes of a picture and its mirror images propose candidates, and gray thumbnails decide. So pictures that
are merely similar, as many shirts and leaves are, stay apart.
"""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from preprocess.transform import perceptual_hashes

CANDIDATE_BITS = 12
"""The hashes of one photograph differ in at most this many of 64 bits."""
SAME_ABOVE = 0.985
"""The lowest correlation of a photograph's thumbnails before and after it was re-encoded, resized or flipped."""
_BLOCK = 2048
_VIEWS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
"""A picture as it is, and mirrored: the steps down and across."""


def group(thumbs: np.ndarray, sha256: list[str]) -> np.ndarray:
    """Group numbers int [n] of pictures with gray thumbnails uint8 [n, 32, 32].

    Pictures with one SHA-256 are always in one group.
    """
    count = len(sha256)
    first: dict[str, int] = {}
    copies = [(i, first.setdefault(digest, i)) for i, digest in enumerate(sha256)]
    edges = np.array(copies + pairs(thumbs, thumbs), int).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), np.int8), edges.T), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def pairs(these: np.ndarray, those: np.ndarray) -> list[tuple[int, int]]:
    """The pairs (i, j) in which picture i of `these` is picture j of `those`, as it is or mirrored.

    If both are the same array, no picture is paired with itself.
    """
    if not len(these) or not len(those):
        return []
    found: list[tuple[int, int]] = []
    hashes, normed = perceptual_hashes(those), _normed(those)
    for number, (down, across) in enumerate(_VIEWS):
        seen = np.ascontiguousarray(these[:, ::down, ::across])
        seen_hashes, seen_normed = perceptual_hashes(seen), _normed(seen)
        for start in range(0, len(seen), _BLOCK):
            block = seen_hashes[start : start + _BLOCK]
            rows, columns = np.nonzero(np.bitwise_count(block[:, None] ^ hashes[None]) <= CANDIDATE_BITS)
            rows = rows + start
            if these is those:
                keep = rows < columns if number == 0 else rows != columns
                rows, columns = rows[keep], columns[keep]
            for part in range(0, len(rows), 100_000):
                i, j = rows[part : part + 100_000], columns[part : part + 100_000]
                same = np.einsum("nk,nk->n", seen_normed[i], normed[j]) >= SAME_ABOVE
                found += zip(i[same].tolist(), j[same].tolist(), strict=True)
    return found


def _normed(thumbs: np.ndarray) -> np.ndarray:
    """Thumbnails as vectors float32 [n, 1024] of mean 0 and length 1, whose products are correlations.

    A thumbnail of one colour becomes zeros, which correlate with nothing.
    """
    flat = thumbs.reshape(len(thumbs), -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(length > 1, centred / np.maximum(length, 1), 0).astype(np.float32)
