"""Checks everything that the pipeline needs, and says how to fix what is wrong."""

import contextlib
import io
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from classify import ModelError, load_model
from imagestore.errors import Refusal, ServiceRefused, StoreError
from imagestore.pipeline import checks
from imagestore.pipeline.checks import CheckResult, Severity
from imagestore.pipeline.commit import remove_outputs
from imagestore.pipeline.names import staged_name
from imagestore.record import Record, Status, record_id
from imagestore.store import Stores
from imagestore.store.inspection import write_probe
from imagestore.store.queues import WORK_QUEUE
from imagestore.store.roles import Who, role

PROBE_FOLDER = "imagestore-doctor"
"""The names of the doctor's test pictures begin with this."""
MOST_SKEW = timedelta(minutes=5)
"""Azure refuses requests whose clock is 15 minutes off; tokens are refused sooner."""
SLOW_S = 10.0
_LOOK_EVERY_S = 0.2
_PROBE_SIDE = 64

_WHO: Who = "operator"
"""Whose roles the doctor names: it is run by whoever deployed."""


def examine(
    stores: Stores,
    model_path: Path,
    probe_s: float,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[CheckResult]:
    """Run every check in turn.

    The last uploads a test picture, waits up to `probe_s` seconds for its record, and again for its deletion; 0 leaves
    it out.
    """
    ready = True
    for finding in (
        *_storage(stores),
        *checks.queues(stores, _WHO),
        *checks.records(stores, _WHO),
        _model(stores, model_path),
    ):
        ready = ready and finding.severity is not Severity.PROBLEM
        yield finding
    if probe_s and ready:
        yield from _events(stores, probe_s, wait)
    elif probe_s:
        yield CheckResult("events", Severity.WARNING, "not tried", "Mend what stands above first.")


def _storage(stores: Stores) -> Iterator[CheckResult]:
    yield from checks.account(stores)
    clock: datetime | None = None
    for finding in checks.containers(stores, _WHO):
        clock = finding.service_time or clock
        yield finding
    if clock is not None:
        yield _clock(clock)
        yield _writing(stores)


def _clock(service: datetime) -> CheckResult:
    skew = abs(datetime.now(UTC) - service)
    if skew > MOST_SKEW:
        detail = f"this machine's differs from the storage account's by {skew.total_seconds():.0f} s"
        return CheckResult(
            "clock", Severity.PROBLEM, detail, "Set the clock (NTP): requests are refused when it is far off."
        )
    return CheckResult("clock", Severity.OK, "agrees with the storage account's")


def _writing(stores: Stores) -> CheckResult:
    subject, container = "writing and tagging", stores.names.thumbnails
    try:
        keeps_versions = write_probe(stores, container)
    except ServiceRefused as error:
        if error.refusal is Refusal.NO_TAGS:
            return replace(checks.NO_TAGS, subject=subject)
        needed = f"{role(_WHO, 'container', 'thumbnails')} on the container {container}"
        return checks.refused(subject, error, stores.storage, needed)
    if keeps_versions:
        found = checks.versions_finding(stores.names.staging)
        return replace(found, subject=subject, detail=f"works; {found.detail}")
    return CheckResult(subject, Severity.OK, "works")


def _model(stores: Stores, path: Path) -> CheckResult:
    try:
        model = load_model(path)
        active = stores.models.active()
    except ModelError as error:
        return CheckResult(
            "model", Severity.PROBLEM, str(error), "Set MODEL to a model file; docs/model-file.md says what one holds."
        )
    except StoreError as error:
        return CheckResult(
            "model", Severity.PROBLEM, f"which one is live cannot be read: {error}", "See the containers above."
        )
    live = active[0].live if active else None
    detail = (
        f"{live.name} {live.version} is live"
        if live
        else f"{model.ref.name} {model.ref.version} (the shipped one) is live"
    )
    return CheckResult("model", Severity.OK, detail)


def _events(stores: Stores, probe_s: float, wait: Callable[[float], None]) -> Iterator[CheckResult]:
    name = f"{PROBE_FOLDER}/{uuid.uuid4().hex}.png"
    try:
        etag = stores.uploads.overwrite(name, _picture(), "image/png")
        started = time.monotonic()
        record = _awaited(stores, name, lambda found: bool(found.upload and found.upload.etag == etag), probe_s, wait)
        took_s = time.monotonic() - started
        if record is None:
            yield _no_record(stores, name, probe_s)
            return  # nothing can be told of its deletion
        if record.status not in (Status.CLASSIFIED, Status.UNKNOWN):
            detail = f"a test picture ended as {record.status}: {record.problem and record.problem.detail}"
            yield CheckResult("events", Severity.PROBLEM, detail, "The function app's log says more.")
        else:
            severity = Severity.WARNING if took_s > SLOW_S else Severity.OK
            yield CheckResult("events", severity, f"a test picture had its record after {took_s:.1f} s")
        stores.uploads.delete(name)
        gone = _awaited(stores, name, lambda found: found.status is Status.DELETED, probe_s, wait)
        if gone is None:
            detail = f"the test picture was deleted, but its record is still there after {probe_s:g} s"
            remedy = f"Check the subscription of BlobDeleted to the queue {WORK_QUEUE}, and the function work."
            yield CheckResult("deletions", Severity.PROBLEM, detail, remedy)
        else:
            yield CheckResult("deletions", Severity.OK, "the test picture's record followed its deletion")
    except StoreError as error:
        yield CheckResult("events", Severity.PROBLEM, str(error), "Mend what stands above first.")
    finally:
        with contextlib.suppress(StoreError):  # what could not be removed is said above
            stores.uploads.delete(name)
            remove_outputs(stores, name)


def _no_record(stores: Stores, name: str, probe_s: float) -> CheckResult:
    detail = f"a test picture had no record after {probe_s:g} s"
    if stores.staging.stat(staged_name(name)) is None:
        container, function = stores.names.uploads, "preprocess"
        detail += ", and was not staged"
    else:
        container, function = stores.names.staging, "classify"
        detail += ", though it was staged"
    remedy = (
        f"Check the Event Grid subscription of BlobCreated under {container}/ to the function {function}, "
        "and the function app's log."
    )
    return CheckResult("events", Severity.PROBLEM, detail, remedy)


def _awaited(
    stores: Stores, name: str, is_it: Callable[[Record], bool], seconds: float, wait: Callable[[float], None]
) -> Record | None:
    """The record of an upload once `is_it` is true of it; None if that takes longer than `seconds`."""
    ends = time.monotonic() + seconds
    while True:
        stored = stores.records.read(record_id(name))
        if stored is not None and is_it(stored.record):
            return stored.record
        if time.monotonic() > ends:
            return None
        wait(_LOOK_EVERY_S)


def _picture() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((_PROBE_SIDE, _PROBE_SIDE)).save(out, "PNG")
    return out.getvalue()
