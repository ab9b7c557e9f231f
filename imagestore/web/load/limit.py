"""How many requests are worth working on at once: measured, and not set.

Each answer's time is compared with what the same route takes when nothing else is at work. While that ratio is small,
more at once means more done; once it grows, what is admitted only waits inside, for the interpreter, a lock or a store,
and the limit shrinks. That is the gradient of Netflix's concurrency-limits (https://github.com/Netflix/concurrency-limits,
Gradient2), with a time alone for each route in place of one for all, since a page and an upload differ a hundredfold.
"""

_MOST_ROWS = 1000
_MOST_RATIO = 4.0
"""So much does one answer count at the most: of a route some answers are much larger than others."""


class AdaptiveLimit:
    """A limit between 1 and `most`, which follows what is measured."""

    def __init__(self, start: int = 8, most: int = 24, tolerance: float = 1.4, window: int = 16) -> None:
        """An answer may take `tolerance` times as long as alone, on average over `window` answers."""
        self._limit = float(start)
        self._most = float(most)
        self._tolerance = tolerance
        self._window = window
        self._alone_s: dict[str, float] = {}
        self._ratios: list[float] = []
        self._was_full = False
        self._has_shrunk = False
        self.mean_s = 0.0
        """How long an answer takes of late, over all routes."""

    @property
    def value(self) -> int:
        """How many may be at work now."""
        return int(self._limit)

    def took(self, row: str, seconds: float, *, was_alone: bool, was_full: bool) -> None:
        """Learn from one answer: how long its route worked on it, whether nothing else was at work meanwhile, and
        whether more was asked than the limit allows."""
        self.mean_s += (seconds - self.mean_s) * (0.1 if self.mean_s else 1.0)
        alone_s = self._alone_s.get(row)
        if alone_s is None:
            if len(self._alone_s) >= _MOST_ROWS:
                return
            alone_s = self._alone_s[row] = seconds
        elif was_alone or seconds < alone_s:
            self._alone_s[row] = alone_s + 0.1 * (seconds - alone_s)
        self._ratios.append(min(_MOST_RATIO, seconds / alone_s) if alone_s > 0 else 1.0)
        self._was_full |= was_full
        if len(self._ratios) >= self._window:
            self._adapt(sum(self._ratios) / len(self._ratios))

    def _adapt(self, ratio: float) -> None:
        if ratio > self._tolerance:
            self._limit *= max(0.5, self._tolerance / ratio)
            self._has_shrunk = True
        elif self._was_full:
            self._limit *= self._growth(ratio)
        self._limit = min(max(self._limit, 1.0), self._most)
        self._ratios.clear()
        self._was_full = False

    def _growth(self, ratio: float) -> float:
        """Quick until the first time that it was too much; then with care, unless several at once take no longer than
        one, as where a store is waited for. Of one at a time that cannot be said."""
        if not self._has_shrunk:
            return 1.5
        return 1.1 if ratio < 1.15 and self._limit >= 2 else 1.02
