"""So many of so many, and how sure that is."""

from dataclasses import dataclass
from math import sqrt

_Z = 1.959964
"""Of 95 %."""


@dataclass(frozen=True)
class Share:
    """So many of so many, and the Wilson interval (None where there are too few to say)."""

    right: int
    of: int
    low: float | None
    high: float | None

    @property
    def share(self) -> float:
        """right / of, 0 of nothing."""
        return self.right / self.of if self.of else 0.0


def percent(share: float, digits: int = 0) -> str:
    """0.834 becomes 83 %; what is not quite everything never reads 100 %."""
    shown = round(share * 100, digits)
    return f"{100 - 10**-digits if shown >= 100 and share < 1 else shown:.{digits}f} %"


def wilson(right: int, of: int, fewest: int = 1) -> Share:
    """Wilson's score interval for a proportion (Wilson 1927)."""
    if of < fewest or of == 0:
        return Share(right, of, None, None)
    p, z2 = right / of, _Z * _Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * sqrt(p * (1 - p) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return Share(right, of, max(0.0, middle - half), min(1.0, middle + half))
