"""A picture's features in short form, by which pictures are compared: what looks alike lies close."""

from dataclasses import dataclass
from typing import Self

import numpy as np

MOST_NUMBERS = 4096
"""Features of more numbers are not kept: a record would become too large."""
LEVELS = 127


@dataclass(frozen=True)
class Vector:
    """The square roots of a picture's features, of which only the proportions count: int8, one byte a number.

    Square roots, because features are means of a rectified layer and have long tails. A negative one's root is that of
    its amount, and negative. `backbone` is the SHA-256 of the network that gave them: vectors of two networks say
    nothing about each other. In JSON the bytes are base64.
    """

    backbone: str
    codes: bytes

    @classmethod
    def of(cls, features: np.ndarray, backbone: str) -> Self | None:
        """The vector of features float [n]; None of what is no list of at most MOST_NUMBERS finite numbers, or of zeros
        alone."""
        if features.ndim != 1 or features.size > MOST_NUMBERS or not np.isfinite(features).all():
            return None
        roots = np.sign(features) * np.sqrt(np.abs(features.astype(np.float64)))
        largest = np.abs(roots).max(initial=0.0)
        if largest == 0:
            return None
        return cls(backbone, np.round(roots / largest * LEVELS).astype(np.int8).tobytes())

    @property
    def numbers(self) -> np.ndarray:
        """The numbers, int8 [n]."""
        return np.frombuffer(self.codes, np.int8)
