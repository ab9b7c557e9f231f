"""What is watched of the live models: whether pictures drift away from them, and how sure they are beside how right.

`drift.py` has the test. What is known of a picture comes as a Row, from the records or from an index of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from classify import ModelRef
from imagestore.pipeline.drift import BASELINE, Baseline, Day, Drift, Seen, drift
from imagestore.pipeline.reprocess import classified_by
from imagestore.proportion import Share, wilson
from imagestore.record import RANDOM_BELOW, Record, Status, utc
from imagestore.store import LiveModels, PromotionEntry

DAYS = 60
"""How many days are looked back."""
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
    """What is watched of a picture: when it came (UTC), its distance (None if its model tells none), its confidence,
    whether the model did not know it, and its perceptual hash."""

    at: str
    distance: float | None
    confidence: float
    is_unknown: bool
    phash: int | None


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


def watched(version: LiveVersion, baseline: Sequence[Row], since: Sequence[Row]) -> WatchedModel:
    """What became of a version: `baseline` are the first BASELINE pictures since it is live, `since` those after, of
    the last DAYS; `comparable` ones."""
    rows = [*baseline, *since]
    tells = Strangeness.DISTANCE if any(row.distance is not None for row in rows) else Strangeness.CONFIDENCE
    found: Drift = drift(_seen(baseline, tells), _seen(since, tells))
    named = version.project, version.version, version.sha256, version.since
    return WatchedModel(*named, tells if rows else None, found.baseline, found.days)


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
    came: dict[str, list[tuple[str, str, Row]]] = {sha256: [] for sha256 in versions}
    drawn: dict[str, list[tuple[str, Record]]] = {}
    for record in records:
        sha256, at = classified_by(record), record.uploaded_at or ""
        if record.status in (Status.CLASSIFIED, Status.UNKNOWN) and sha256 in came and at >= versions[sha256].since:
            came[sha256].append((at, record.id, row_of(record)))
        said = record.correction or (record.wrong if record.is_wrong else None)  # which counts as a mistake
        if said is not None and said.model is not None and record.id < RANDOM_BELOW:
            drawn.setdefault(said.model.sha256, []).append((record.id, record))
    begins = first_day()
    models = []
    for sha256, version in versions.items():
        rows = comparable([row for _, _, row in sorted(came[sha256], key=lambda one: one[:2])])
        models.append(watched(version, rows[:BASELINE], [row for row in rows[BASELINE:] if row.at >= begins]))
    return Watch(models, list(_reviewed(past_versions(live, shipped), drawn)))


def row_of(record: Record) -> Row:
    """What is watched of a classified picture."""
    found, phash = record.prediction, record.image.phash if record.image else None
    assert found is not None
    look = int.from_bytes(bytes.fromhex(phash), "big", signed=True) if phash else None
    is_unknown = record.status is Status.UNKNOWN
    return Row(record.uploaded_at or "", found.distance, found.confidence, is_unknown, look)


def _reviewed(versions: list[LiveVersion], drawn: dict[str, list[tuple[str, Record]]]) -> Iterator[ReviewedModel]:
    for version in versions:
        found = drawn.get(version.sha256, [])
        last = max((id for id, one in found if one.correction and one.correction.random_sample), default="")
        counted = [one for id, one in found if id <= last]
        right = sum(bool(one.correction and one.correction.confirms) for one in counted)
        sure = [one.prediction.confidence for one in counted if one.prediction and classified_by(one) == version.sha256]
        if counted:
            yield reviewed(version, right, len(counted), sum(sure) / len(sure) if sure else None)


def _seen(rows: Sequence[Row], tells: Strangeness) -> Seen:
    """The rows as columns."""
    unsure = np.array([1 - row.confidence for row in rows], dtype=float)
    numbers = [unsure]
    if tells is Strangeness.DISTANCE:
        numbers = [np.array([row.distance for row in rows], dtype=float), unsure]
    return Seen(
        [row.at[:10] for row in rows],
        np.stack(numbers, axis=1),
        np.array([row.is_unknown for row in rows], dtype=bool),
        np.array([row.phash or 0 for row in rows], dtype=np.int64),
        np.array([row.phash is not None for row in rows], dtype=bool),
    )
