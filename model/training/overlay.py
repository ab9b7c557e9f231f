"""Lays two thumbnails over each other, and says how well they agree then: as those of one photograph do, of which one
is cropped, shifted or turned a little.

The affine map that brings them together is found by Gauss-Newton steps, the inverse compositional form of Lucas and
Kanade's (Baker and Matthews 2004). A change of brightness and contrast does not count.
"""

from dataclasses import dataclass

import numpy as np

from model.training.scratch import blocks

AGREES_ABOVE = 0.97
"""The lowest correlation, where they overlap, of thumbnails of one photograph that were laid over each other."""
_STEPS, _HOPELESS_AFTER, _HOPELESS = 12, 4, 0.8
"""So many steps at most; what correlates less than this after so many of them is given up."""
_MOST_MOVED = 0.35
"""No number of a map may differ more from that of the map that moves nothing; half a side is 1."""
_LEAST_COVERED = 0.75
"""The least share of a thumbnail on which the other one must lie."""
_FINE = 1e-3
_AT_ONCE = 512
_UNMOVED = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
_STEADY = 1e-3, 1e-2
"""What keeps a step small where little changes: a share of what changes on average, and a little more."""


def agreement(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """The correlation float32 [n] of each of these thumbnails with that of those, uint8 [n, side, side] each, laid over
    each other as well as was found. It is the same whichever comes first."""
    found = np.zeros(len(these), np.float32)
    for part in blocks(len(these), _AT_ONCE):
        one, other = these[part], those[part]
        is_later = (_order(one) > _order(other))[:, None, None]
        found[part] = _agreement(_blurred(np.where(is_later, other, one)), _blurred(np.where(is_later, one, other)))
    return found


def _order(thumbs: np.ndarray) -> np.ndarray:
    """A number int64 [n] of each thumbnail, by which two can be put in order."""
    flat = thumbs.reshape(len(thumbs), -1).astype(np.int64)
    return np.asarray(flat @ np.arange(1, flat.shape[1] + 1))


def _agreement(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """The same of blurred thumbnails float32 [n, side, side], of which the upper ones are moved."""
    base, maps = _base_of(lower), np.tile(_UNMOVED, (len(upper), 1, 1))
    best, going = np.full(len(upper), -1, np.float32), np.arange(len(upper))
    for step in range(_STEPS + 1):
        part = base.only(going)
        pixels, is_covered = _moved(upper[going], maps[going])
        own, moved = _normed(part.pixels, is_covered), _normed(pixels, is_covered)
        agreed = np.where(is_covered.mean(axis=1) >= _LEAST_COVERED, np.einsum("nk,nk->n", own, moved), -1)
        best[going] = np.maximum(best[going], agreed)
        is_open = (best[going] < AGREES_ABOVE) & ((step < _HOPELESS_AFTER) | (best[going] >= _HOPELESS))
        change = part.change(own, moved, is_covered)
        maps[going] = _after(maps[going], change)
        is_open &= (np.abs(maps[going] - _UNMOVED).max(axis=(1, 2)) <= _MOST_MOVED) & (np.abs(change).max(1) > _FINE)
        going = going[is_open]
        if not len(going):
            break
    return best


@dataclass(frozen=True)
class _Base:
    """Blurred thumbnails as rows of pixels float32 [n, side²]; how these change with each number of the map, float32
    [n, 6, side²]; and the inverse of the products of these changes, float32 [n, 6, 6]."""

    pixels: np.ndarray
    slopes: np.ndarray
    inverse: np.ndarray

    def only(self, rows: np.ndarray) -> "_Base":
        """Some of them."""
        if len(rows) == len(self.pixels):
            return self
        return _Base(self.pixels[rows], self.slopes[rows], self.inverse[rows])

    def change(self, own: np.ndarray, moved: np.ndarray, is_covered: np.ndarray) -> np.ndarray:
        """The change float32 [n, 6] of their own map that would bring these pixels nearest to the moved ones; both are
        given normed, where they overlap."""
        contrast = _length(_centred(self.pixels, is_covered))
        products = np.einsum("nik,nk->ni", self.slopes, (moved - own) * contrast)
        return np.asarray(np.einsum("nij,nj->ni", self.inverse, products))


def _base_of(blurred: np.ndarray) -> _Base:
    pixels = blurred.reshape(len(blurred), -1)
    across, down = _places(blurred.shape[1])
    down_slope, across_slope = (
        slope.reshape(pixels.shape) * (blurred.shape[1] / 2) for slope in np.gradient(blurred, axis=(1, 2))
    )
    of_each = (slope * by for slope in (across_slope, down_slope) for by in (across, down, np.ones_like(across)))
    slopes = np.stack(list(of_each), axis=1)
    own = _normed(pixels, np.ones(pixels.shape, bool))
    slopes -= slopes.mean(axis=2, keepdims=True)
    slopes -= np.einsum("nik,nk->ni", slopes, own)[:, :, None] * own[:, None]
    products = slopes @ slopes.transpose(0, 2, 1)
    share, least = _STEADY
    steady = share * np.trace(products, axis1=1, axis2=2) / 6 + least
    return _Base(pixels, slopes, np.linalg.inv(products + steady[:, None, None] * np.eye(6, dtype=np.float32)))


def _places(side: int) -> np.ndarray:
    """Where the pixels of a thumbnail lie, across and down, float32 [2, side²]: from −1 to 1."""
    down, across = (np.mgrid[:side, :side].astype(np.float32) - (side - 1) / 2) / (side / 2)
    return np.stack([across.ravel(), down.ravel()])


def _moved(pictures: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What pictures float32 [n, side, side] show where maps float32 [n, 2, 3] bring each pixel, float32 [n, side²], and
    whether that lies inside them, bool."""
    side = pictures.shape[1]
    across, down = ((maps[:, :, :2] @ _places(side) + maps[:, :, 2:]) * (side / 2) + (side - 1) / 2).swapaxes(0, 1)
    is_inside = (np.minimum(across, down) >= -0.5) & (np.maximum(across, down) <= side - 0.5)
    across, down = (np.clip(at, 0, side - 1.001) for at in (across, down))
    left, top = across.astype(np.int32), down.astype(np.int32)
    across -= left
    down -= top
    first, flat = top * side + left, pictures.reshape(len(pictures), -1)
    corners = [np.take_along_axis(flat, first + step, axis=1) for step in (0, 1, side, side + 1)]
    upper = corners[0] + (corners[1] - corners[0]) * across
    lower = corners[2] + (corners[3] - corners[2]) * across
    return upper + (lower - upper) * down, is_inside


def _after(maps: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The maps after the inverse of each change, float32 [n, 2, 3]."""
    square = np.tile(np.eye(3, dtype=np.float32), (len(maps), 1, 1))
    changed = square.copy()
    changed[:, :2] += np.clip(change, -0.4, 0.4).reshape(-1, 2, 3)  # so that each can be inverted
    square[:, :2] = maps
    return np.asarray((square @ np.linalg.inv(changed))[:, :2])


def _blurred(thumbs: np.ndarray) -> np.ndarray:
    padded = np.pad(thumbs.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    return np.asarray((across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]) / 16)


def _normed(pixels: np.ndarray, is_counted: np.ndarray) -> np.ndarray:
    """Pixels [n, side²] with mean 0 and length 1 where they count, and 0 elsewhere."""
    centred = _centred(pixels, is_counted)
    return np.asarray(centred / np.maximum(_length(centred), 1e-6))


def _centred(pixels: np.ndarray, is_counted: np.ndarray) -> np.ndarray:
    count = np.maximum(is_counted.sum(axis=1, keepdims=True), 1)
    mean = (pixels * is_counted).sum(axis=1, keepdims=True, dtype=np.float32) / count
    return np.asarray((pixels - mean) * is_counted, np.float32)


def _length(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.einsum("nk,nk->n", rows, rows))[:, None])
