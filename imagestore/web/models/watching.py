"""What is watched of the live models, from the index; and a thread that logs it, for the alert."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec

from imagestore import telemetry
from imagestore.errors import StoreError
from imagestore.pipeline.watch.drift import BASELINE
from imagestore.pipeline.watch.watched import (
    LiveVersion,
    Look,
    ReviewedModel,
    Row,
    Verdicts,
    Watch,
    WatchedModel,
    first_day,
    live_versions,
    past_versions,
    reviewed,
    watched,
)
from imagestore.record import RANDOM_BELOW, utc
from imagestore.store import Stores
from imagestore.telemetry import signals
from imagestore.web.index import counting
from imagestore.web.index.index import Index
from imagestore.web.models.live_model import LiveModel

log = logging.getLogger("imagestore.watch")
_EVERY_S = 15 * 60.0
_FIRST_S = 30.0
"""Soon after the start days are compared for the first time, which takes seconds that nobody who opens the page shall
wait for."""


def watch(index: Index, stores: Stores, live_model: LiveModel, verdicts: Verdicts) -> Watch:
    """What is watched now; `verdicts` are those of days that were computed before.

    Raises StoreError if storage does not say what is live.
    """
    live, found = stores.routes.read(), live_model.get()
    shipped = found.ref if found else None
    versions = live_versions(live, shipped)
    verdicts.forget([version.sha256 for version in versions], first_day())
    models = [_watched(index, version, verdicts) for version in versions]
    past = [one for version in past_versions(live, shipped) if (one := _reviewed(index, version)) is not None]
    return Watch(models, past)


def _watched(index: Index, version: LiveVersion, verdicts: Verdicts) -> WatchedModel:
    begins = version.since, ""
    has_distance = bool(list(classified_after(index, version.sha256, begins, 1, with_distance=True)))
    since = partial(classified_after, index, version.sha256, with_distance=has_distance)
    baseline = list(since(begins, BASELINE))
    rest: Iterable[Row] = ()
    if len(baseline) == BASELINE:
        rest = since(max((baseline[-1].at, baseline[-1].id), (first_day(), "")))
    return watched(version, baseline, rest, partial(looks_of, index), partial(count_vectors, index), verdicts)


def _reviewed(index: Index, version: LiveVersion) -> ReviewedModel | None:
    right, of = counting.right_in_sample(index, version.sha256)
    return reviewed(version, right, of, sure_in_sample(index, version.sha256)) if of else None


def sure_in_sample(index: Index, model_sha256: str) -> float | None:
    """How sure this model was on average of those pictures of `right_in_sample` that it is still the last to have
    classified; None if there are none."""
    mine = "FROM pictures WHERE status != 'deleted' AND corrected_model = ?"
    ((mean,),) = index.query(
        f"SELECT avg(confidence) {mine} AND id < ? AND model = ? "
        f"AND id <= (SELECT max(id) {mine} AND random_sample = 1 AND id < ?)",
        [model_sha256, RANDOM_BELOW, model_sha256, model_sha256, RANDOM_BELOW],
    )
    return None if mean is None else float(mean)


def classified_after(
    index: Index, model_sha256: str, after: tuple[str, str], limit: int = -1, *, with_distance: bool = False
) -> Iterator[Row]:
    """What is watched of the pictures that this model classified, in the order in which they came, from the one after
    this time and id; with a distance only those that have one, of a version that tells it: an earlier version of the
    app kept none."""
    told = "AND from_learned IS NOT NULL " if with_distance else ""
    found = index.each(
        "SELECT id, at, from_learned, confidence, status = 'unknown', phash FROM pictures INDEXED BY by_model "
        "WHERE status != 'deleted' AND model IS NOT NULL AND model = ? AND (at, id) > (?, ?) "
        f"AND status IN ('classified', 'unknown') {told}ORDER BY at, id LIMIT ?",
        [model_sha256, *after, limit],
    )
    return (Row(*values) for values in found)


def looks_of(index: Index, ids: list[str]) -> dict[str, Look]:
    """What the model called these pictures, and the codes of their vectors, of those that have one."""
    found = index.query(
        "SELECT pictures.id, coalesce(json_extract(CAST(documents.json AS TEXT), '$.prediction.label'), ''), codes "
        "FROM json_each(?) AS asked CROSS JOIN pictures ON pictures.id = asked.value "
        "JOIN documents ON documents.id = asked.value JOIN vectors ON picture = pictures.row",
        [msgspec.json.encode(ids).decode()],
    )
    return {id: Look(label, codes) for id, label, codes in found}


def count_vectors(index: Index, ids: list[str]) -> int:
    """How many of these pictures have a vector."""
    ((count,),) = index.query(
        "SELECT count(*) FROM json_each(?) AS asked CROSS JOIN pictures ON pictures.id = asked.value "
        "JOIN vectors ON picture = pictures.row",
        [msgspec.json.encode(ids).decode()],
    )
    return int(count)


class DriftLog:
    """Logs every quarter of an hour how today's pictures compare with the baseline of each live model.

    infra/modules/alerts.bicep has the alert that reads these lines.
    """

    def __init__(
        self,
        index: Index,
        stores: Stores,
        live_model: LiveModel,
        verdicts: Verdicts,
        is_whole: Callable[[], bool] = lambda: True,
        every_s: float = _EVERY_S,
    ) -> None:
        """`is_whole` tells whether the index holds all records, as it does not while it is made again."""
        self._asked = index, stores, live_model, verdicts
        self._is_whole = is_whole
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drift", daemon=True)

    def start(self) -> None:
        """Begin; the first lines come after a short pause, once the index has caught up."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for what is being computed."""
        self._stopping.set()

    def tell(self) -> None:
        """Log one line, and measure one share, for each model that has a verdict for today. Raises StoreError."""
        today = utc()[:10]
        for model in watch(*self._asked).models:
            for day in model.days:
                if day.day == today and day.p is not None:
                    log.log(
                        logging.WARNING if day.has_drifted else logging.INFO,
                        "drift=%s version=%s day=%s drifted=%d observations=%d far=%.3f p=%.2g",
                        model.project,
                        model.version,
                        day.day,
                        day.has_drifted,
                        day.observations,
                        day.far_share,
                        day.p,
                    )
                    told = {signals.MODEL_VERSION: model.version, signals.MODEL_SHA256: model.sha256}
                    telemetry.measure(signals.DRIFT, day.far_share or 0.0, **told)

    def _run(self) -> None:
        pause_s = min(_FIRST_S, self._every_s)
        while not self._stopping.wait(pause_s):
            try:
                if self._is_whole():
                    pause_s = self._every_s
                    self.tell()
            except StoreError as error:
                log.warning("what is watched is not known now: %s", error)
            except Exception:  # whatever it is, it shall be looked at again
                log.exception("what is watched could not be computed")
