"""In what form a head takes the numbers of a picture: the square roots of its features, and its details as they are.

Features are means of a rectified layer's output and have long tails, which square roots shorten.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Form:
    """The last `details` columns are taken as they are; so are the others without `takes_roots`, since a network of the
    user's own may have negative features."""

    takes_roots: bool
    details: int = 0

    def taken(self, features: np.ndarray) -> np.ndarray:
        """What a head is fitted to, of features float [..., width]."""
        if not self.takes_roots:
            return features
        end = features.shape[-1] - self.details
        roots = np.sqrt(np.maximum(features[..., :end], 0))
        return np.concatenate([roots, features[..., end:]], axis=-1) if self.details else np.asarray(roots)

    def without_details(self, taken: np.ndarray) -> np.ndarray:
        """The first columns alone, which the distance is computed from, of what is taken, float [..., width]."""
        return taken[..., : taken.shape[-1] - self.details]


def form_of(features: np.ndarray, details: int = 0) -> Form:
    """The form for features float [..., width] of which the last `details` columns are details."""
    return Form(not bool((features[..., : features.shape[-1] - details] < 0).any()), details)
