"""Which pictures are the same one: copies, and what was re-encoded, resized or flipped. They form groups.

Candidates are found by perceptual hash (of the picture and its mirror images) and checked on gray thumbnails, so that
pictures that are merely alike, as many a shirt or leaf is, stay apart.
"""

import numpy as np

from model.examples import THUMB_SIDE

CANDIDATE_BITS = 12
"""Hashes of the same picture differ in at most so many of 64 bits."""
SAME_ABOVE = 0.985
"""Correlation of the thumbnails of one picture, before and after it was re-encoded, resized or flipped."""
_LOW = 8
_BLOCK = 2048
_VIEWS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
"""As it is, and mirrored: steps down and across."""


def group(thumbs: np.ndarray, sha256: list[str]) -> np.ndarray:
    """Group numbers int [n] of gray thumbnails uint8 [n, 32, 32]; equal SHA-256 is always one group."""
    count = len(sha256)
    parent = np.arange(count)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    first: dict[str, int] = {}
    for i, digest in enumerate(sha256):
        parent[root(i)] = root(first.setdefault(digest, i))
    for i, j in pairs(thumbs, thumbs):
        parent[root(i)] = root(j)
    return np.unique([root(i) for i in range(count)], return_inverse=True)[1]


def pairs(these: np.ndarray, those: np.ndarray) -> list[tuple[int, int]]:
    """(i, j) of every picture of `these` that is one of `those`, as it is or mirrored; a picture and itself left out
    where both are the same array."""
    if not len(these) or not len(those):
        return []
    found: list[tuple[int, int]] = []
    hashes, normed = _hashes(those), _normed(those)
    for number, (down, across) in enumerate(_VIEWS):
        seen = np.ascontiguousarray(these[:, ::down, ::across])
        seen_hashes, seen_normed = _hashes(seen), _normed(seen)
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


def _hashes(thumbs: np.ndarray) -> np.ndarray:
    """Perceptual hashes, uint64 [n]."""
    steps = (2 * np.arange(THUMB_SIDE) + 1) * np.pi / (2 * THUMB_SIDE)
    cosines = np.cos(np.arange(_LOW)[:, None] * steps)
    low = (cosines @ thumbs.astype(np.float64) @ cosines.T).reshape(len(thumbs), -1)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def _normed(thumbs: np.ndarray) -> np.ndarray:
    """Thumbnails as vectors of mean 0 and length 1, float32 [n, 1024]; of one colour: a vector of their brightness."""
    flat = thumbs.reshape(len(thumbs), -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(length > 1, centred / np.maximum(length, 1), 0).astype(np.float32)
