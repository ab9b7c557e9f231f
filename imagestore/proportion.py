"""Shares of a whole, such as 83 of 100, with their confidence intervals."""

from dataclasses import dataclass
from math import sqrt

_Z = 1.959964
"""The quantile of the normal distribution for 95 %."""


@dataclass(frozen=True)
class Share:
    """`right` of `of`, with its 95 % interval from `low` to `high`; both are None if there are too few to tell."""

    right: int
    of: int
    low: float | None
    high: float | None

    @property
    def share(self) -> float:
        """right / of; 0 where `of` is 0."""
        return self.right / self.of if self.of else 0.0


def percent(share: float, digits: int = 0) -> str:
    """The share as text: 0.834 becomes 83 %. A share below 1 never becomes 100 %."""
    shown = round(share * 100, digits)
    return f"{100 - 10**-digits if shown >= 100 and share < 1 else shown:.{digits}f} %"


def wilson(right: int, of: int, fewest: int = 1) -> Share:
    """The share with Wilson's 95 % score interval (Wilson 1927); without one if there are fewer than `fewest`."""
    if of < fewest or of == 0:
        return Share(right, of, None, None)
    p, z2 = right / of, _Z * _Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * sqrt(p * (1 - p) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return Share(right, of, max(0.0, middle - half), min(1.0, middle + half))
