"""Commits what a step found, and tells those who operate the app of the outcome."""

import logging
from datetime import datetime

from imagestore import telemetry
from imagestore.pipeline.commit import Revise, commit
from imagestore.record import Record, Status
from imagestore.store import Stores
from imagestore.telemetry import signals

log = logging.getLogger("imagestore.pictures")


def commit_outcome(stores: Stores, name: str, etag: str, revise: Revise) -> None:
    """`commit`, and if a record was written, a line in the log and the metrics. Raises what `commit` raises."""
    is_again = False

    def noting(stored: Record | None) -> Record | None:
        nonlocal is_again
        is_again = stored is not None and stored.upload is not None and stored.upload.etag == etag
        return revise(stored)

    record = commit(stores, name, etag, noting)
    if record is not None:
        tell(record, is_again=is_again and record.status is not Status.FAILED)  # each failure is worth an alert


def tell(record: Record, *, is_again: bool = False) -> None:
    """One line and the metrics of a finished picture. infra/modules/alerts.bicep reads the line.

    One that had a record already (`is_again`), such as in a reprocess, has another line: how long ago it was uploaded
    says nothing of how fast the app is.
    """
    model = record.prediction.model if record.prediction else None
    reason = record.problem.reason if record.problem else None
    total_s = None if is_again else _seconds(record.uploaded_at, record.finished_at)
    if is_again:
        version = model.version if model else "-"
        log.info("picture again id=%s status=%s model_version=%s", record.id, record.status, version)
    else:
        _log_first(record, total_s)
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


def _log_first(record: Record, total_s: float | None) -> None:
    model = record.prediction.model if record.prediction else None
    log.info(
        "picture id=%s status=%s reason=%s total_ms=%d preprocess_ms=%d classify_ms=%d model_version=%s",
        record.id,
        record.status,
        record.problem.reason if record.problem else "-",
        round(1000 * (total_s or 0)),
        record.timings_ms.get("preprocess", 0),
        record.timings_ms.get("classify", 0),
        model.version if model else "-",
    )


def _seconds(since: str | None, until: str | None) -> float | None:
    """From one of a record's times to another; None if one is missing."""
    if since is None or until is None:
        return None
    return max(0.0, (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds())
