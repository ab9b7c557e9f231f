"""Commits what a step found, and tells those who operate the app of the outcome."""

import logging
from datetime import datetime

from imagestore import telemetry
from imagestore.pipeline.commit import Revise, commit
from imagestore.record import Record
from imagestore.store import Stores
from imagestore.telemetry import signals

log = logging.getLogger("imagestore.pictures")


def commit_outcome(stores: Stores, name: str, etag: str, revise: Revise) -> None:
    """`commit`, and if a record was written, a line in the log and the metrics. Raises what `commit` raises."""
    record = commit(stores, name, etag, revise)
    if record is not None:
        tell(record)


def tell(record: Record) -> None:
    """One line and the metrics of a finished picture. infra/modules/alerts.bicep reads the line."""
    model = record.prediction.model if record.prediction else None
    reason = record.problem.reason if record.problem else None
    total_s = _seconds(record.uploaded_at, record.finished_at)
    log.info(
        "picture id=%s status=%s reason=%s total_ms=%d preprocess_ms=%d classify_ms=%d model_version=%s",
        record.id,
        record.status,
        reason or "-",
        round(1000 * (total_s or 0)),
        record.timings_ms.get("preprocess", 0),
        record.timings_ms.get("classify", 0),
        model.version if model else "-",
    )
    status = None if record.status is None else str(record.status)
    telemetry.measure(
        signals.PICTURES,
        status=status,
        reason=reason,
        model_version=model.version if model else None,
        model_sha256=model.sha256[:12] if model else None,
    )
    if total_s is not None:
        telemetry.measure(signals.PICTURE_DURATION, total_s, status=status)


def _seconds(since: str | None, until: str | None) -> float | None:
    """From one of a record's times to another; None if one is missing."""
    if since is None or until is None:
        return None
    return max(0.0, (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds())
