"""Whether pictures of today are unlike those that came when the model was new: one number of each, day by day.

The number says how strange a picture is to the model: its distance to what the model learned from, and what its
confidence lacks to 1, joined by their ranks; of a model that tells no distance, the latter alone. A model's baseline is
the first 500 pictures after its promotion, not what it learned from, since what comes in is never quite like that.

Pictures of a day that look alike are one observation, the median of their numbers: a burst of one scene is no twenty
witnesses, nor is a fixed camera among others that take turns. A day and the baseline are ranked together, and the r-th
smallest of N observations counts 1/N + 1/(N-1) + … + 1/(N-r+1), so that the strangest count most (Savage 1956,
"Contributions to the Theory of Rank Order Statistics"). If nothing has changed, the day's are drawn from all without
replacement, whatever the numbers' own distribution is: that gives the mean, variance and skewness of their sum, and a
gamma distribution of these the p-value. It holds the chance that lies in the baseline too. How large a change is, is
told by the share of the day's pictures beyond what a tenth of the baseline lies beyond.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

BASELINE = 500
"""How many pictures after a promotion a day is compared with."""
FAR_SHARE = 0.1
"""The share of the baseline that is called far."""
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
_HARDLY_SKEWED = 1e-3


@dataclass(frozen=True)
class Seen:
    """Pictures that one model classified, in the order in which they came.

    `days` are dates such as 2026-11-29 (UTC), `strangeness` float [n, numbers], of which the first says what is far,
    `is_unknown` bool [n]; `looks` int64 [n] are perceptual hashes, of which `has_look` [n] says whether there is one.
    """

    days: Sequence[str]
    strangeness: np.ndarray
    is_unknown: np.ndarray
    looks: np.ndarray
    has_look: np.ndarray


@dataclass(frozen=True)
class Day:
    """The pictures of a day (UTC), and how many of them the model did not know.

    `observations` are what is left of them if those that look alike count once, of which the share `far_share` lies
    beyond the limit. `p` is how likely a day so strange or more is if nothing has changed; both are None where there is
    no baseline yet, or the day has too few to be judged. `has_drifted` is whether the day's pictures are unlike the
    baseline's, and enough so to tell somebody.
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

    The `far` farthest are at or beyond `limit`, which is None until then, or if too many of them look alike.
    """

    pictures: int
    observations: int
    far: int
    limit: float | None


@dataclass(frozen=True)
class Drift:
    """A model's baseline, and the days since, the first one first."""

    baseline: Baseline
    days: list[Day]


def drift(baseline: Seen, since: Seen) -> Drift:
    """Compare each day of `since` with the baseline, which is the first pictures after a promotion."""
    observed = np.concatenate([baseline.strangeness[:0], *map(_observations, _by_day(baseline))])
    far = max(1, int(len(observed) * FAR_SHARE))
    is_complete = len(baseline.days) >= BASELINE and len(observed) >= FEWEST_IN_BASELINE
    limit = float(np.sort(observed[:, 0])[-far]) if is_complete else None
    found = Baseline(len(baseline.days), len(observed), far if is_complete else 0, limit)
    return Drift(found, [_day(part.days[0], part, found, observed) for part in _by_day(since)])


def unlikely(day: np.ndarray, baseline: np.ndarray) -> float:
    """How likely observations float [k, numbers] so strange or more beside those of the baseline [m, numbers] are, if
    all are drawn alike. Of several numbers, what the odds of their ranks multiply to counts."""
    pooled = np.concatenate([baseline, day])
    of, every = len(day), len(pooled)
    shares = np.stack([_by_rank(column, (np.arange(every) + 0.5) / every) for column in pooled.T])
    strange = np.log(shares / (1 - shares)).sum(axis=0)
    scores = _by_rank(strange, np.cumsum(1 / np.arange(every, 0, -1.0)))
    if np.ptp(strange) == 0:
        return 1.0
    apart = scores - scores.mean()
    variance = of * (every - of) / (every - 1) * np.mean(apart**2)
    third = of * (every - of) * (every - 2 * of) / ((every - 1) * (every - 2)) * np.mean(apart**3)
    return _upper_tail(float(apart[len(baseline) :].sum() / math.sqrt(variance)), float(third / variance**1.5))


def _upper_tail(z: float, skewness: float) -> float:
    """How likely a gamma distribution of this skewness, mean 0 and variance 1 goes beyond `z` (Wilson and Hilferty
    1931)."""
    if abs(skewness) > _HARDLY_SKEWED:
        root = max(0.0, skewness * z / 2 + 1) ** (1 / 3)
        z = 6 / skewness * (root - 1) + skewness / 6
    return math.erfc(z / math.sqrt(2)) / 2


def _by_rank(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each number the value [n] of its rank, the smallest first; the same numbers have the mean of theirs."""
    _, which, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    ordered = np.empty(len(numbers))
    ordered[np.argsort(numbers, kind="stable")] = values
    return np.asarray((np.bincount(which, ordered) / counts)[which])


def _day(day: str, seen: Seen, baseline: Baseline, before: np.ndarray) -> Day:
    observed = _observations(seen)
    counted = Day(day, len(seen.days), int(seen.is_unknown.sum()), len(observed))
    if baseline.limit is None or len(observed) < FEWEST:
        return counted
    share, p = float((observed[:, 0] > baseline.limit).mean()), unlikely(observed, before)
    return replace(counted, far_share=share, p=p, has_drifted=p <= P_LIMIT and share >= LEAST_SHARE)


def _by_day(seen: Seen) -> list[Seen]:
    starts = [n for n, day in enumerate(seen.days) if n == 0 or day != seen.days[n - 1]]
    columns = (seen.strangeness, seen.is_unknown, seen.looks, seen.has_look)
    parts = [slice(*of_day) for of_day in pairwise([*starts, len(seen.days)])]
    return [Seen(seen.days[part], *(column[part] for column in columns)) for part in parts]


def _observations(seen: Seen) -> np.ndarray:
    """The strangeness of the pictures of a day, those that look alike as one: float [k, numbers]."""
    bursts = _bursts(seen)
    return np.stack([_medians(column, bursts) for column in seen.strangeness.T], axis=1)


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
