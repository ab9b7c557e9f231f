"""What is watched of the live models: whether pictures drift away from them, and how sure they are beside how right.

`drift.py` has the test. What is known of a picture comes as a Row, from the records or from an index of them.
"""

import heapq
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import groupby
from typing import NamedTuple

import numpy as np

from classify import ModelRef
from imagestore.pipeline.upkeep.reprocess import classified_by
from imagestore.pipeline.watch.drift import BASELINE, Baseline, Comparison, Day, Seen
from imagestore.proportion import Share, wilson
from imagestore.record import RANDOM_BELOW, Record, RecordWithVector, Status, utc
from imagestore.store import LiveModels, PromotionEntry

DAYS = 60
"""How many days are looked back."""
MOST = 500
"""A day with more pictures is compared by so many of them, those with the smallest ids, which are as if drawn at
random: it bounds the time that a large day takes."""
FEWEST_REVIEWED = 10
"""Reviewed pictures of the random sample from which on an accuracy is told."""


class Strangeness(StrEnum):
    """Which number of a picture says how strange it is to the model."""

    DISTANCE = "distance"
    CONFIDENCE = "confidence"


@dataclass(frozen=True)
class LiveVersion:
    """A version that is live for some uploads, and since when (UTC); "" if since the beginning."""

    project: str
    version: str
    sha256: str
    since: str = ""


class Row(NamedTuple):
    """What is watched of a picture: its id, when it came (UTC), its distance (None if its model tells none), its
    confidence, whether the model did not know it, and its perceptual hash."""

    id: str
    at: str
    distance: float | None
    confidence: float
    is_unknown: bool
    phash: int | None


class Look(NamedTuple):
    """What the model called a picture, and the codes of its vector."""

    label: str
    codes: bytes


_NO_LOOK = Look("", b"")
LooksOf = Callable[[list[str]], dict[str, Look]]
"""Finds the looks of the pictures with these ids; those without a vector have none."""
CountVectors = Callable[[list[str]], int]
"""Counts those of the pictures with these ids that have a vector, without reading the vectors."""


class DayOf(NamedTuple):
    """A day of a version, and by which number it is told how strange its pictures are."""

    sha256: str
    tells: Strangeness
    day: str


class _Verdict:
    """What was found of a day, and a hash of what it was found from; None until it was compared first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.found: tuple[int, Day] | None = None


class Verdicts:
    """What was found of days, so that it is computed again only if what it was found from has changed: one verdict for
    each day of each version, until it is forgotten. Safe to use from many threads; of those that ask for the same day
    at once, one computes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._verdicts: dict[DayOf, _Verdict] = {}

    def of(self, day: DayOf, found_from: int, compare: Callable[[], Day]) -> Day:
        """What is found of this day; it is compared if nothing is known that was found from the same."""
        with self._lock:
            verdict = self._verdicts.setdefault(day, _Verdict())
        with verdict.lock:
            if verdict.found is None or verdict.found[0] != found_from:
                verdict.found = found_from, compare()
            return verdict.found[1]

    def forget(self, asked: Collection[str], begins: str) -> None:
        """Forget the versions that are not among these SHA-256s, and the days before this one."""
        with self._lock:
            for day in [one for one in self._verdicts if one.sha256 not in asked or one.day < begins]:
                del self._verdicts[day]

    def __len__(self) -> int:
        return len(self._verdicts)


@dataclass(frozen=True)
class WatchedModel:
    """A live version, the baseline since it was made live, and the days after that, the first one first.

    `strangeness` is the number by which pictures are far: the distance, beside which what the confidence lacks to 1
    counts in p, or the latter alone where the model tells no distance; null while it has classified nothing.
    """

    project: str
    version: str
    sha256: str
    since: str
    strangeness: Strangeness | None
    baseline: Baseline
    days: list[Day]

    @property
    def latest_drift(self) -> Day | None:
        """The last day whose pictures have drifted away, None if none has."""
        return next((day for day in reversed(self.days) if day.has_drifted), None)


@dataclass(frozen=True)
class ReviewedModel:
    """How often a version was right on reviewed pictures that were drawn at random, and how sure it was of those.

    `confidence` is the mean; null if another model has classified them all since. A calibrated model's lies in the
    interval of its accuracy.
    """

    project: str
    version: str
    sha256: str
    accuracy: Share
    confidence: float | None


@dataclass(frozen=True)
class Watch:
    """The live models, that of the default route first, and what reviews say of them and those before."""

    models: list[WatchedModel]
    reviewed: list[ReviewedModel]


def live_versions(live: LiveModels, shipped: ModelRef | None) -> list[LiveVersion]:
    """What is live for any uploads, each version once. `shipped` is the model that came with the app, which is the
    default one until a first promotion."""
    entries = [live.default.live] if live.default else []
    entries += [active.live for _, active in live.by_prefix()]
    found = [LiveVersion(one.name, one.version, one.sha256, one.at) for one in entries]
    if live.default is None and shipped is not None:
        found.insert(0, LiveVersion(shipped.name, shipped.version, shipped.sha256))
    return _each_once(found)


def past_versions(live: LiveModels, shipped: ModelRef | None) -> list[LiveVersion]:
    """What is live, and after that what was live before, as far as it is known."""
    actives = [one for one in (live.default, *live.routes.projects.values()) if one is not None]
    entries: list[PromotionEntry] = [entry for active in actives for entry in (active.live, *active.previous)]
    found = live_versions(live, shipped)
    return _each_once([*found, *(LiveVersion(one.name, one.version, one.sha256, one.at) for one in entries)])


def _each_once(versions: Iterable[LiveVersion]) -> list[LiveVersion]:
    found: dict[str, LiveVersion] = {}
    for version in versions:
        found.setdefault(version.sha256, version)
    return list(found.values())


def watched(
    version: LiveVersion,
    baseline: Sequence[Row],
    since: Iterable[Row],
    looks_of: LooksOf,
    count_vectors: CountVectors,
    verdicts: Verdicts,
) -> WatchedModel:
    """What became of a version: `baseline` are the first BASELINE pictures since it is live, `since` those after, of
    the last DAYS; `comparable` ones, in the order in which they came. Of `since` a day is held at a time."""
    has_distance = bool(baseline) and baseline[0].distance is not None
    tells = Strangeness.DISTANCE if has_distance else Strangeness.CONFIDENCE
    comparison = Comparison(_seen(baseline, tells, looks_of))
    days, same = [], (hash(tuple(baseline)), comparison.baseline)
    for day, rows in groupby(since, key=lambda row: row.at[:10]):
        of_day = list(rows)
        chosen = sorted(heapq.nsmallest(MOST, of_day, key=lambda row: row.id), key=lambda row: (row.at, row.id))
        compare = partial(_compared, comparison, chosen, tells, looks_of)
        found_from = hash((*same, tuple(chosen), count_vectors([row.id for row in chosen])))
        found = verdicts.of(DayOf(version.sha256, tells, day), found_from, compare)
        days.append(replace(found, pictures=len(of_day), unknown=sum(row.is_unknown for row in of_day)))
    named = version.project, version.version, version.sha256, version.since
    return WatchedModel(*named, tells if baseline else None, comparison.baseline, days)


def _compared(comparison: Comparison, rows: Sequence[Row], tells: Strangeness, looks_of: LooksOf) -> Day:
    return comparison.day(_seen(rows, tells, looks_of))


def comparable(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows without those that have no distance, if others have one: an earlier version of the app kept none."""
    told = [row for row in rows if row.distance is not None]
    return told or rows


def reviewed(version: LiveVersion, right: int, of: int, confidence: float | None) -> ReviewedModel:
    """What reviews say of a version; no accuracy is estimated from fewer than FEWEST_REVIEWED."""
    accuracy, sure = wilson(right, of, FEWEST_REVIEWED), None if confidence is None else round(confidence, 4)
    return ReviewedModel(version.project, version.version, version.sha256, accuracy, sure)


def first_day(now: datetime | None = None) -> str:
    """The beginning (UTC) of the days that are looked at."""
    return utc((now or datetime.now(UTC)) - timedelta(days=DAYS))[:10]


def of_records(records: Iterable[Record], live: LiveModels, shipped: ModelRef | None) -> Watch:
    """The same of the records themselves, which are all read."""
    versions = {one.sha256: one for one in live_versions(live, shipped)}
    came: dict[str, list[Row]] = {sha256: [] for sha256 in versions}
    kept = {sha256: _KeptLooks() for sha256 in versions}
    drawn: dict[str, list[tuple[str, Record]]] = {}
    for record in records:
        sha256, at = classified_by(record), record.uploaded_at or ""
        if record.status in (Status.CLASSIFIED, Status.UNKNOWN) and sha256 in came and at >= versions[sha256].since:
            came[sha256].append(row_of(record))
            kept[sha256].put(record)
        said = record.correction or (record.wrong if record.is_wrong else None)  # which counts as a mistake
        if said is not None and said.model is not None and record.id < RANDOM_BELOW:
            drawn.setdefault(said.model.sha256, []).append((record.id, record))
    begins, verdicts = first_day(), Verdicts()
    models = []
    for sha256, version in versions.items():
        rows = comparable(sorted(came[sha256], key=lambda row: (row.at, row.id)))
        since = [row for row in rows[BASELINE:] if row.at >= begins]
        models.append(watched(version, rows[:BASELINE], since, kept[sha256].of, _none_later, verdicts))
    return Watch(models, list(_reviewed(past_versions(live, shipped), drawn)))


def _none_later(_: list[str]) -> int:
    """Where each day is compared once, no vector can come later."""
    return 0


class _KeptLooks:
    """How the pictures of a version look of which the baseline and the days may be, out of all that come by in any
    order: those that came first, and of each day those with the smallest ids."""

    def __init__(self) -> None:
        self._first: dict[tuple[bool, str, str], Look] = {}
        self._of_day: dict[str, dict[tuple[bool, str, str], Look]] = {}
        self._begins = first_day()

    def put(self, record: Record) -> None:
        """Keep how this picture looks, as long as there are not enough that come before it."""
        vector, found = record.vector if isinstance(record, RecordWithVector) else None, record.prediction
        if vector is None or found is None:
            return
        look, at, has_none = Look(found.label, vector.codes), record.uploaded_at or "", found.distance is None
        _put(self._first, (has_none, at, record.id), look, BASELINE)
        if at >= self._begins:  # where the baseline ends in it, some of a day are of that
            _put(self._of_day.setdefault(at[:10], {}), (has_none, "", record.id), look, MOST + BASELINE)

    def of(self, ids: list[str]) -> dict[str, Look]:
        """The looks of these pictures, as far as they are kept."""
        wanted = set(ids)
        kept = (self._first, *self._of_day.values())
        return {id: look for part in kept for (*_, id), look in part.items() if id in wanted}


def _put(kept: dict[tuple[bool, str, str], Look], key: tuple[bool, str, str], look: Look, most: int) -> None:
    kept[key] = look
    if len(kept) > 2 * most:
        for one in sorted(kept)[most:]:
            del kept[one]


def row_of(record: Record) -> Row:
    """What is watched of a classified picture."""
    found, phash = record.prediction, record.image.phash if record.image else None
    assert found is not None
    look = int.from_bytes(bytes.fromhex(phash), "big", signed=True) if phash else None
    is_unknown = record.status is Status.UNKNOWN
    return Row(record.id, record.uploaded_at or "", found.distance, found.confidence, is_unknown, look)


def _reviewed(versions: list[LiveVersion], drawn: dict[str, list[tuple[str, Record]]]) -> Iterator[ReviewedModel]:
    for version in versions:
        found = drawn.get(version.sha256, [])
        last = max((id for id, one in found if one.correction and one.correction.random_sample), default="")
        counted = [one for id, one in found if id <= last]
        right = sum(bool(one.correction and one.correction.confirms) for one in counted)
        sure = [one.prediction.confidence for one in counted if one.prediction and classified_by(one) == version.sha256]
        if counted:
            yield reviewed(version, right, len(counted), sum(sure) / len(sure) if sure else None)


def _seen(rows: Sequence[Row], tells: Strangeness, looks_of: LooksOf) -> Seen:
    """The rows as columns, with how their pictures look."""
    unsure = np.array([1 - row.confidence for row in rows], dtype=float)
    numbers = [unsure]
    if tells is Strangeness.DISTANCE:
        numbers = [np.array([row.distance for row in rows], dtype=float), unsure]
    known = looks_of([row.id for row in rows])
    looks = [known.get(row.id, _NO_LOOK) for row in rows]
    return Seen(
        [row.at[:10] for row in rows],
        np.stack(numbers, axis=1),
        np.array([row.is_unknown for row in rows], dtype=bool),
        np.array([row.phash or 0 for row in rows], dtype=np.int64),
        np.array([row.phash is not None for row in rows], dtype=bool),
        [look.label for look in looks],
        [look.codes or None for look in looks],
    )
