"""Corrections of many pictures at once, each with labels of its own: a list, or a CSV file."""

import logging
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from imagestore.accounts.callers import Caller
from imagestore.decoding import decode
from imagestore.errors import NotCorrections, StoreError
from imagestore.pipeline.changes.corrections import (
    MOST_BYTES,
    MOST_CORRECTIONS,
    BatchCorrected,
    Corrections,
    Row,
    corrections_of,
    read_csv,
)
from imagestore.pipeline.changes.status import ChangeStatus
from imagestore.pipeline.labelling.correct import LABEL, LONGEST_LABEL, MOST_LABELS
from imagestore.record import LONGEST_NAME
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards.access import AuditNote, CallerDep, NoteDep
from imagestore.web.intake.bodies import whole_picture
from imagestore.web.intake.multipart import FORM
from imagestore.web.intake.names import PATTERN
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/pictures", tags=["Pictures"])
log = logging.getLogger("imagestore.web")
_JSON, _CSV = "application/json", "text/csv"
_LABEL = {"type": "string", "minLength": 1, "maxLength": LONGEST_LABEL, "pattern": LABEL}
_LABELS = {"type": "array", "items": _LABEL, "minItems": 1, "maxItems": MOST_LABELS}
_ONE: dict[str, Any] = {
    "type": "object",
    "required": ["label"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": PATTERN},
        "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "label": {"oneOf": [_LABEL, _LABELS]},
    },
}
_LIST = {"type": "array", "items": _ONE, "minItems": 1, "maxItems": MOST_CORRECTIONS}
_SCHEMA = {
    "type": "object",
    "required": ["corrections"],
    "additionalProperties": False,
    "properties": {"corrections": _LIST},
}
BODY = {
    "requestBody": {
        "required": True,
        "description": "A list; or a CSV file whose first line names its columns: `name` or `id`, and `label` (several "
        "times, where several labels hold). Also as the one file of a form.",
        "content": {
            _JSON: {"schema": _SCHEMA},
            _CSV: {"schema": {"type": "string"}},
            FORM: {"schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}},
        },
    }
}


class _One(msgspec.Struct, forbid_unknown_fields=True):
    """Which picture, by its name or id, shows what."""

    label: str | list[str]
    name: str = ""
    id: str = ""


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    corrections: Annotated[list[_One], msgspec.Meta(min_length=1)]


@router.post(
    "/corrections", status_code=202, response_model=BatchCorrected, openapi_extra=BODY, operation_id="correctMany"
)
async def correct_many(
    request: Request, response: Response, services: ServicesDep, caller: CallerDep, note: NoteDep
) -> BatchCorrected:
    """Correct many pictures, each to labels of its own, as one change that can be undone. A row that cannot be taken is
    refused, with why, and the others are made: the first fifty now, the rest by `continueChange`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_JSON, _CSV, FORM):
        raise ApiProblem(415, "unknown_kind", f"Corrections come as {_JSON}, {_CSV}, or a form with one CSV file.")
    data = await whole_picture(request, MOST_BYTES, "file")
    return await run_in_threadpool(_corrected, services, caller, note, response, data, kind == _JSON)


def _corrected(
    services: Services, caller: Caller, note: AuditNote, response: Response, data: bytes, is_json: bool
) -> BatchCorrected:
    found = _read(data, is_json)
    if not found.wanted:
        return BatchCorrected(None, found.rows)
    change = services.bulk.begin_corrections(found.wanted, caller.account)
    note.target = change.id
    note.after = {"action": str(change.action), "pictures": change.pictures}
    response.headers["Location"] = f"/api/v1/changes/{change.id}"
    try:
        change = services.bulk.step(change.id)
        rows = found.after(services.bulk.pictures(change))
    except StoreError as error:  # it is written down, and goes on when asked to
        log.warning("change=%s its first step was not done: %s", change.id, error)
        rows = found.rows
    return BatchCorrected(ChangeStatus.of(change), rows)


def _read(data: bytes, is_json: bool) -> Corrections:
    """Raises NotCorrections, or ApiProblem 413 if there are too many."""
    rows = list(islice(_rows(data) if is_json else read_csv(data), MOST_CORRECTIONS + 1))
    if len(rows) > MOST_CORRECTIONS:
        detail = f"There are more than {MOST_CORRECTIONS:,} corrections, which is the limit. Nothing was changed."
        raise ApiProblem(413, "too_many_corrections", detail)
    if not rows:
        raise NotCorrections("There are no corrections in it. Nothing was changed.")
    return corrections_of(rows)


def _rows(data: bytes) -> Iterator[Row]:
    try:
        asked = decode(data, _Asked)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotCorrections(f"The corrections cannot be read: {error}. Nothing was changed.") from None
    for number, one in enumerate(asked.corrections, 1):
        yield Row(number, one.name, one.id, [one.label] if isinstance(one.label, str) else one.label)
