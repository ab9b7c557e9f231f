"""In what form a head takes the numbers of a picture: the square roots of its features, and those of middle
layers as they are.

Features are means of a rectified layer's output and have long tails, which square roots shorten.
"""

from dataclasses import dataclass

import numpy as np

from model.training import scratch
from model.training.scratch import blocks


@dataclass(frozen=True)
class Form:
    """The last `middle` columns are taken as they are; so are the others without `takes_roots`, since a network of the
    user's own may have negative features."""

    takes_roots: bool
    middle: int = 0

    def taken(self, features: np.ndarray) -> np.ndarray:
        """What a head is fitted to, of features float [..., width]."""
        if not self.takes_roots:
            return features
        found, end = scratch.empty(features.shape, features.dtype), features.shape[-1] - self.middle
        for part in blocks(len(features)) if features.ndim > 1 else (...,):
            found[part][..., :end] = np.sqrt(np.maximum(features[part][..., :end], 0))
            found[part][..., end:] = features[part][..., end:]
        return found

    def without_middle(self, taken: np.ndarray) -> np.ndarray:
        """The first columns alone, which the distance is computed from, of what is taken, float [..., width]."""
        return taken[..., : taken.shape[-1] - self.middle]


def form_of(features: np.ndarray, middle: int = 0) -> Form:
    """The form for features float [..., width] of which the last `middle` columns come from middle layers."""
    plain = features[..., : features.shape[-1] - middle]
    return Form(not any(bool((plain[block] < 0).any()) for block in blocks(len(plain))), middle)
