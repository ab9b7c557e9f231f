"""How many requests at once are worth working on: measured, and not set.

What a route takes is compared with what the same route takes while little else is at work. As long as that ratio is
small, more at once means more done; once it grows, what is admitted only waits inside, for the interpreter, a lock or a
store, and the limit shrinks. That is the gradient of Netflix's concurrency-limits
(https://github.com/Netflix/concurrency-limits, Gradient2), with times for each route in place of one for all, since a
page and an upload differ a hundredfold.

Answers of one route differ too: a thumbnail is at hand, or must be fetched. So means are compared and not the quickest
answer, each mean is of answers that had about as many beside them, and the limit shrinks only for what is more than
chance.
"""

import math
from dataclasses import dataclass, field

_MOST_ROWS = 1000
_MOST_RATIO = 4.0
"""So much does one answer count at the most: of a route some answers are much larger than others."""
_ENOUGH = 32
_KEPT = 64
"""A mean is of this many answers, about."""
_FORGOTTEN = 100_000
"""After this many answers with more at work, what was measured with little at work counts no longer: a store may have
become slower for good."""
_LEVELS = 5


@dataclass
class _Level:
    """What a route takes while about so many are at work."""

    answers: int = 0
    mean_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.answers += 1
        self.mean_s += (seconds - self.mean_s) / min(self.answers, _KEPT)


@dataclass
class _Row:
    """What one route takes while about one is at work, two, four, and so on."""

    levels: list[_Level] = field(default_factory=lambda: [_Level() for _ in range(_LEVELS)])

    def ratio(self, seconds: float, at_once: float) -> float | None:
        """Learn from an answer; how long it took beside what is usual with least at work, if that is known."""
        level = min(_LEVELS - 1, round(math.log2(max(1.0, at_once))))
        self.levels[level].add(seconds)
        for lower in self.levels[:level]:
            lower.mean_s += (seconds - lower.mean_s) / _FORGOTTEN
        usual_s = next((one.mean_s for one in self.levels if one.answers >= _ENOUGH), None)
        if usual_s is None:
            return None
        return min(_MOST_RATIO, seconds / usual_s) if usual_s > 0 else 1.0


class AdaptiveLimit:
    """A limit between `least` and `most`, which follows what is measured."""

    def __init__(
        self, start: int = 8, most: int = 24, least: int = 1, tolerance: float = 1.4, window: int = 32
    ) -> None:
        """An answer may take `tolerance` times as long as with little at work, on average over `window` answers."""
        self._limit = float(start)
        self._least, self._most = float(least), float(most)
        self._tolerance = tolerance
        self._window = window
        self._rows: dict[str, _Row] = {}
        self._ratios: list[float] = []
        self._was_full = False
        self._has_shrunk = False
        self.mean_s = 0.0
        """How long an answer takes of late, over all routes."""

    @property
    def value(self) -> int:
        """How many may be at work now."""
        return int(self._limit)

    def took(self, row: str, seconds: float, *, at_once: float, was_full: bool) -> None:
        """Learn from one answer: how long its route worked on it, how many were at work of late on average, and
        whether more was asked than the limit allows."""
        self.mean_s += (seconds - self.mean_s) * (0.1 if self.mean_s else 1.0)
        self._was_full |= was_full
        known = self._rows.get(row)
        if known is None:
            if len(self._rows) >= _MOST_ROWS:
                return
            known = self._rows[row] = _Row()
        ratio = known.ratio(seconds, at_once)
        if ratio is not None:
            self._ratios.append(ratio)
        if len(self._ratios) >= self._window:
            self._adapt()

    def _adapt(self) -> None:
        count = len(self._ratios)
        ratio = sum(self._ratios) / count
        spread = math.sqrt(sum((one - ratio) ** 2 for one in self._ratios) / (count - 1))
        chance = 2 * spread * math.sqrt(1 / count + 1 / _ENOUGH)  # of these, and of those before
        if ratio - chance > self._tolerance:
            self._limit *= max(0.5, self._tolerance / ratio)
            self._has_shrunk = True
        elif self._was_full:
            self._limit *= self._growth(ratio)
        self._limit = min(max(self._limit, self._least), self._most)
        self._ratios.clear()
        self._was_full = False

    def _growth(self, ratio: float) -> float:
        """Quick until the first time that it was too much; then with care, unless several at once take no longer than
        one, as where a store is waited for. Of one at a time that cannot be said, so two are tried soon."""
        if not self._has_shrunk:
            return 1.5
        if self._limit < 2:
            return 1.05
        return 1.1 if ratio < 1.15 else 1.02
