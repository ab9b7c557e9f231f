"""Whether pictures of today are unlike those that came when the model was new, day by day.

The numbers say how strange a picture is to the model: its distance to what the model learned from, and what its
confidence lacks to 1; of a model that tells no distance, the latter alone. A model's baseline is the first 500 pictures
after its promotion, not what it learned from, since what comes in is never quite like that.

Pictures of a day that look alike, by hash or vector, are one observation, the median of their numbers: a burst of one
scene is no twenty witnesses, nor is a fixed camera among others that take turns. `unlike.py` compares a day's
observations with the baseline's, by their vectors too where enough have one. How large a change is, is told by the
share of the day's pictures beyond what a tenth of the baseline lies beyond.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from imagestore.pipeline.watch.unlike import FAR_SHARE, far_of, unlike, unlikely

__all__ = ["BASELINE", "FAR_SHARE", "Baseline", "Comparison", "Day", "Drift", "Seen", "drift"]

BASELINE = 500
"""How many pictures after a promotion a day is compared with."""
FEWEST = 20
"""Observations that a day must have to be judged."""
FEWEST_IN_BASELINE = 100
"""Observations that the baseline must have."""
P_LIMIT = 0.0005
LEAST_SHARE = 0.15
"""A day with fewer pictures beyond the limit has not changed enough to tell anybody, however small its p-value is."""
_LOOKS_BACK = 8
_SCENES = 1024
"""A picture is compared with so many scenes before it, which bounds the time that a large day takes."""
_AT_ONCE = 64
_ALIKE_BITS = 8
_ALIKE_COSINE = 0.95
"""Two pictures whose vectors' cosine is as high are taken to show one scene, which a few do not: the two most alike of
a day of 200 pictures of Fashion-MNIST have 0.925 on half of the days and 0.956 at most, of shapes drawn by code 0.932
and 0.950 (160 days each: `python -m bench.drift fashion --repeats 2 --days 20`, and `drawn`)."""


@dataclass(frozen=True)
class Seen:
    """Pictures that one model classified, in the order in which they came.

    `days` are dates such as 2026-11-29 (UTC), `strangeness` float [n, numbers], of which the first says what is far,
    `is_unknown` bool [n]; `looks` int64 [n] are perceptual hashes, of which `has_look` [n] says whether there
    is one. `vectors` are int8 [width] as bytes, None of a picture that has none, and `labels` what the model called
    each; both may be left out.
    """

    days: Sequence[str]
    strangeness: np.ndarray
    is_unknown: np.ndarray
    looks: np.ndarray
    has_look: np.ndarray
    labels: Sequence[str] = ()
    vectors: Sequence[bytes | None] = ()


@dataclass(frozen=True)
class Day:
    """The pictures of a day (UTC), and how many of them the model did not know.

    `observations` are what is left of them if those that look alike count once; of a large day, of a part of it. The
    share `far_share` of them is farther out than nine tenths of the baseline: on the way on which the day differs from
    it where vectors are compared, else beyond the limit. `p` is how likely a day so strange or more is if nothing has
    changed; both are None where there is no baseline yet, or the day has too few to be judged. `has_drifted` is whether
    the day's pictures are unlike the baseline's, and enough so to tell somebody.
    """

    day: str
    pictures: int
    unknown: int
    observations: int
    far_share: float | None = None
    p: float | None = None
    has_drifted: bool = False


@dataclass(frozen=True)
class Baseline:
    """What days are compared with: `observations` of `pictures`, of which there are BASELINE when it is complete.

    The `far` farthest are at or beyond `limit`, which is None until then, or if too many of them look alike. `vectors`
    of them have a vector; from FEWEST_IN_BASELINE on, days are compared by vectors too.
    """

    pictures: int
    observations: int
    far: int
    limit: float | None
    vectors: int = 0

    @property
    def has_vectors(self) -> bool:
        """Whether days are compared by vectors too."""
        return self.vectors >= FEWEST_IN_BASELINE


@dataclass(frozen=True)
class Drift:
    """A model's baseline, and the days since, the first one first."""

    baseline: Baseline
    days: list[Day]


@dataclass(frozen=True)
class _Observed:
    """Observations: their strangeness float [k, numbers], labels, and vectors int8 [width], of which those that are
    none have the width 0."""

    strangeness: np.ndarray
    labels: np.ndarray
    vectors: Sequence[np.ndarray]

    def with_vectors(self, width: int) -> "_Observed":
        """Those that have a vector of this width."""
        rows = [number for number, vector in enumerate(self.vectors) if len(vector) == width]
        return _Observed(self.strangeness[rows], self.labels[rows], [self.vectors[row] for row in rows])


class Comparison:
    """Compares days with a baseline, which is the first pictures after a promotion."""

    def __init__(self, seen: Seen) -> None:
        parts = [_observed(part) for part in _by_day(seen)]
        strangeness = np.concatenate([seen.strangeness[:0], *(part.strangeness for part in parts)])
        labels = np.concatenate([np.empty(0, dtype=str), *(part.labels for part in parts)])
        self._observed = _Observed(strangeness, labels, [vector for part in parts for vector in part.vectors])
        widths = np.array([len(vector) for vector in self._observed.vectors], dtype=int)
        self._width = int(np.bincount(widths[widths > 0]).argmax()) if widths.any() else 0
        self._with_vectors = self._observed.with_vectors(self._width or -1)
        far, limit = 0, None
        if len(seen.days) >= BASELINE and len(strangeness) >= FEWEST_IN_BASELINE:
            far = far_of(len(strangeness))
            limit = float(np.sort(strangeness[:, 0])[-far])
        self.baseline = Baseline(len(seen.days), len(strangeness), far, limit, len(self._with_vectors.labels))

    def day(self, seen: Seen) -> Day:
        """Compare the pictures of a day."""
        observed = _observed(seen)
        counted = Day(seen.days[0], len(seen.days), int(seen.is_unknown.sum()), len(observed.strangeness))
        if self.baseline.limit is None or counted.observations < FEWEST:
            return counted
        of_day = observed.with_vectors(self._width or -1)
        if self.baseline.has_vectors and len(of_day.labels) >= FEWEST:
            before = self._with_vectors
            p, share = unlike(
                np.concatenate([before.strangeness, of_day.strangeness]),
                np.stack([*before.vectors, *of_day.vectors]),
                [*before.labels.tolist(), *of_day.labels.tolist()],
                len(before.labels),
            )
        else:
            share = float((observed.strangeness[:, 0] > self.baseline.limit).mean())
            p = unlikely(observed.strangeness, self._observed.strangeness)
        return replace(counted, far_share=share, p=p, has_drifted=p <= P_LIMIT and share >= LEAST_SHARE)


def drift(baseline: Seen, since: Seen) -> Drift:
    """Compare each day of `since` with the baseline."""
    comparison = Comparison(baseline)
    return Drift(comparison.baseline, [comparison.day(part) for part in _by_day(since)])


def _by_day(seen: Seen) -> list[Seen]:
    starts = [n for n, day in enumerate(seen.days) if n == 0 or day != seen.days[n - 1]]
    return [_part(seen, slice(*of_day)) for of_day in pairwise([*starts, len(seen.days)])]


def _part(seen: Seen, part: slice) -> Seen:
    numbers, is_unknown = seen.strangeness[part], seen.is_unknown[part]
    looks, has_look = seen.looks[part], seen.has_look[part]
    return Seen(seen.days[part], numbers, is_unknown, looks, has_look, seen.labels[part], seen.vectors[part])


def _observed(seen: Seen) -> _Observed:
    """The pictures of a day, those that look alike as one: with the median of each number, and the vector and label of
    the first of them that has a vector."""
    vectors = [np.frombuffer(vector or b"", np.int8) for vector in seen.vectors or [None] * len(seen.days)]
    bursts = _joined(_bursts(seen), vectors)
    strangeness = np.stack([_medians(column, bursts) for column in seen.strangeness.T], axis=1)
    has_none = np.array([len(vector) == 0 for vector in vectors], dtype=bool)
    order = np.lexsort((has_none, bursts))
    firsts = order[np.flatnonzero(np.diff(bursts[order], prepend=-1))]
    labels = np.array(seen.labels or [""] * len(seen.days), dtype=str)
    return _Observed(strangeness, labels[firsts], [vectors[first] for first in firsts])


def _joined(bursts: np.ndarray, vectors: Sequence[np.ndarray]) -> np.ndarray:
    """The bursts, of which one whose first picture has nearly the vector of an earlier one's belongs to that, if that
    belongs to none itself: int [n]. A hash may waver where a camera stands still."""
    widths = np.array([len(vector) for vector in vectors])
    firsts = np.array([row for row in np.flatnonzero(bursts == np.arange(len(bursts))) if widths[row]], dtype=int)
    firsts = firsts[widths[firsts] == widths[firsts[0]]] if len(firsts) else firsts
    if not len(firsts):
        return bursts
    units = np.stack([vectors[row] for row in firsts]).astype(np.float32)
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1e-9)
    alike = np.tril(units @ units.T >= _ALIKE_COSINE, -1)
    of = np.arange(len(bursts))
    for number in np.flatnonzero(alike.any(axis=1)):
        earlier = firsts[np.flatnonzero(alike[number])]
        if len(scenes := earlier[of[earlier] == earlier]):
            of[firsts[number]] = scenes[0]
    return np.asarray(of[bursts])


def _medians(numbers: np.ndarray, bursts: np.ndarray) -> np.ndarray:
    """The median of the numbers of each burst: float [k]."""
    order = np.lexsort((numbers, bursts))
    ordered = numbers[order]
    starts = np.flatnonzero(np.diff(bursts[order], prepend=-1))
    counts = np.diff(np.append(starts, len(ordered)))
    low, high = ordered[starts + (counts - 1) // 2], ordered[starts + counts // 2]
    return np.asarray((low + high) / 2)


def _bursts(seen: Seen) -> np.ndarray:
    """For each picture the number of its burst, which is that of the first picture in it: int [n].

    A picture belongs to that of any of the few before it that it looks like; two bursts so joined become one. Whatever
    lies between, a burst belongs to another whose first picture its own looks like, but not by way of a third: of a day
    of shirts, each of which resembles some other, half would be one.
    """
    first = np.arange(len(seen.days))
    for back in range(1, min(_LOOKS_BACK, len(first) - 1) + 1):
        alike = _alike(seen.looks[back:], seen.looks[:-back]) & seen.has_look[back:] & seen.has_look[:-back]
        for later in np.flatnonzero(alike) + back:
            one, other = _root(first, int(later)), _root(first, int(later) - back)
            first[max(one, other)] = min(one, other)
    bursts = np.array([_root(first, number) for number in range(len(first))], dtype=int)
    firsts = np.flatnonzero((bursts == np.arange(len(bursts))) & seen.has_look)
    first[firsts] = firsts[_scenes(seen.looks[firsts])]
    return np.asarray(first[bursts])


def _scenes(looks: np.ndarray) -> np.ndarray:
    """For each hash int64 [n] the number of the first one before it that it is like and that is like none itself, of
    the last _SCENES of those; its own number if there is none: int [n]."""
    found, scenes = np.arange(len(looks)), np.empty(0, dtype=int)
    for start in range(0, len(looks), _AT_ONCE):
        part, known = np.arange(start, min(start + _AT_ONCE, len(looks))), scenes[-_SCENES:]
        among = np.concatenate([known, part])
        alike = _alike(looks[part, None], looks[among])
        for row in np.flatnonzero(alike.sum(axis=1) > 1):  # each is like itself
            found[part[row]] = among[np.argmax(alike[row] & (found[among] == among))]
        scenes = np.append(scenes, part[found[part] == part])
    return found


def _alike(looks: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.asarray(np.bitwise_count((looks ^ others).view(np.uint64)) <= _ALIKE_BITS)


def _root(first: np.ndarray, number: int) -> int:
    while first[number] != number:
        first[number] = first[first[number]]
        number = int(first[number])
    return number
