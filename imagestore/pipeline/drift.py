"""Whether pictures of today are unlike those that came when the model was new: one number of each, day by day.

The number says how strange a picture is to the model: its distance to what the model learned from, or, of a model that
tells no distance, what its confidence lacks to 1. A model's baseline is the first 500 pictures after its promotion, not
what it learned from, since what comes in is never quite like that. The limit is what a tenth of the baseline lies
beyond; a day is compared by the share of its pictures beyond it, which strangers raise most.

Pictures that follow each other and look alike are one observation, the median of their numbers: a burst of one scene is
no twenty witnesses. If the r-th largest of m observations is the limit, and nothing has changed, the number of k others
beyond it has the beta-binomial distribution (k, r, m - r + 1), whatever the numbers' own distribution is (Balakrishnan
and Ng 2006, "Precedence-Type Tests and Applications"). So the p-value of a day is exact for independent observations,
and holds the chance that lies in the baseline too.
"""

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
_ALIKE_BITS = 8


@dataclass(frozen=True)
class Seen:
    """Pictures that one model classified, in the order in which they came.

    `days` are dates such as 2026-11-29 (UTC), `strangeness` float [n], `is_unknown` bool [n]; `looks` int64 [n] are
    perceptual hashes, of which `has_look` [n] says whether there is one.
    """

    days: Sequence[str]
    strangeness: np.ndarray
    is_unknown: np.ndarray
    looks: np.ndarray
    has_look: np.ndarray


@dataclass(frozen=True)
class Day:
    """The pictures of a day (UTC), and how many of them the model did not know.

    `observations` are what is left of them if those that follow each other and look alike count once, of which the
    share `far_share` lies beyond the limit. `p` is how likely so many or more are if nothing has changed; both are None
    where there is no baseline yet, or the day has too few to be judged. `has_drifted` is whether the day's pictures are
    unlike the baseline's, and enough so to tell somebody.
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
    observed = np.sort(_observations(baseline))
    far = max(1, int(len(observed) * FAR_SHARE))
    is_complete = len(baseline.days) >= BASELINE and len(observed) >= FEWEST_IN_BASELINE
    limit = float(observed[-far]) if is_complete else None
    found = Baseline(len(baseline.days), len(observed), far if is_complete else 0, limit)
    starts = [n for n, day in enumerate(since.days) if n == 0 or day != since.days[n - 1]]
    parts = [_part(since, slice(*of_day)) for of_day in pairwise([*starts, len(since.days)])]
    return Drift(found, [_day(part.days[0], part, found) for part in parts])


def beyond(of: int, far: int, baseline: int, baseline_far: int) -> float:
    """How likely `far` or more of `of` observations lie beyond the `baseline_far`-th largest of `baseline` others, if
    all are drawn alike: the upper tail of the beta-binomial distribution."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, of + baseline + 1)))])  # of factorials
    a, b = baseline_far, baseline - baseline_far + 1
    count = np.arange(far, of + 1)
    choose = logs[of] - logs[count] - logs[of - count]
    beta = logs[count + a - 1] + logs[of - count + b - 1] - logs[of + a + b - 1]
    whole = logs[a - 1] + logs[b - 1] - logs[a + b - 1]
    return float(min(1.0, np.exp(choose + beta - whole).sum()))


def _day(day: str, seen: Seen, baseline: Baseline) -> Day:
    observed = _observations(seen)
    counted = Day(day, len(seen.days), int(seen.is_unknown.sum()), len(observed))
    if baseline.limit is None or len(observed) < FEWEST:
        return counted
    far = int((observed > baseline.limit).sum())
    share, p = far / len(observed), beyond(len(observed), far, baseline.observations, baseline.far)
    return replace(counted, far_share=share, p=p, has_drifted=p <= P_LIMIT and share >= LEAST_SHARE)


def _part(seen: Seen, part: slice) -> Seen:
    columns = (seen.strangeness, seen.is_unknown, seen.looks, seen.has_look)
    return Seen(seen.days[part], *(column[part] for column in columns))


def _observations(seen: Seen) -> np.ndarray:
    """The strangeness of the pictures, those that look alike and follow each other as one: float [k]."""
    bursts = _bursts(seen)
    order = np.lexsort((seen.strangeness, bursts))
    ordered = seen.strangeness[order]
    starts = np.flatnonzero(np.diff(bursts[order], prepend=-1))
    counts = np.diff(np.append(starts, len(ordered)))
    low, high = ordered[starts + (counts - 1) // 2], ordered[starts + counts // 2]
    return np.asarray((low + high) / 2)


def _bursts(seen: Seen) -> np.ndarray:
    """For each picture the number of its burst, which is that of the first picture in it: int [n].

    A picture belongs to that of any of the few before it that it looks like; two bursts so joined become one.
    """
    first = np.arange(len(seen.days))
    for back in range(1, min(_LOOKS_BACK, len(first) - 1) + 1):
        apart = np.bitwise_count((seen.looks[back:] ^ seen.looks[:-back]).view(np.uint64))
        alike = (apart <= _ALIKE_BITS) & seen.has_look[back:] & seen.has_look[:-back]
        for later in np.flatnonzero(alike) + back:
            one, other = _root(first, int(later)), _root(first, int(later) - back)
            first[max(one, other)] = min(one, other)
    return np.array([_root(first, number) for number in range(len(first))], dtype=int)


def _root(first: np.ndarray, number: int) -> int:
    while first[number] != number:
        first[number] = first[first[number]]
        number = int(first[number])
    return number
