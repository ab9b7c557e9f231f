"""Records as a file, by the same filters as the gallery's."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Response

from imagestore.record import Record
from imagestore.web.answering.location import HideLocation, shown
from imagestore.web.api.common import FilterQuery, ServicesDep
from imagestore.web.api.tables import ANSWERS, Format, table
from imagestore.web.index.index import Index
from imagestore.web.index.queries import Filter, Sort, list_records

router = APIRouter(prefix="/pictures", tags=["Pictures"])
_PAGE = 500
COLUMNS = (
    "name", "id", "status", "label", "labels", "confidence", "predicted", "project", "model", "version", "correction",
    "corrected_at", "reason", "uploaded_at", "finished_at", "taken_at", "format", "width", "height", "size_bytes",
    "sha256",
)  # fmt: skip
"""The columns of a CSV file; programs that read one may rely on their names, and new ones come at the end."""


@router.get("/export", response_class=Response, responses=ANSWERS, operation_id="exportPictures")
def export(
    services: ServicesDep,
    hide_location: HideLocation,
    filter: FilterQuery,
    sort: Annotated[Sort, Query(description="The order of the rows.")] = Sort.NEWEST,
    format: Annotated[Format, Query(description="`csv` for a spreadsheet, `jsonl` for programs.")] = Format.CSV,
) -> Response:
    """All records that pass the filter, as a file: in JSON Lines each whole, in CSV what fits into columns."""
    records = (shown(record, hide_location) for record in _each(services.index, filter, sort))
    return table(records, format, "pictures", COLUMNS, row)


def _each(index: Index, filter: Filter, sort: Sort) -> Iterator[Record]:
    """All records, a page at a time, so that as many as there are take no more memory."""
    after = None
    while True:
        page = list_records(index, filter, sort, _PAGE, after)
        yield from page.items
        if (after := page.next) is None:
            return


def row(record: Record) -> list[object]:
    """The record's cells, in the order of COLUMNS. Several labels are separated by a semicolon."""
    prediction, correction, image, upload = record.prediction, record.correction, record.image, record.upload
    model = prediction.model if prediction else None
    labels = record.labels if record.labels is not None else [record.label] if record.label else []
    return [
        record.name,
        record.id,
        record.status,
        record.label,
        "; ".join(labels),
        prediction and prediction.confidence,
        prediction and prediction.label,
        record.project,
        model and model.name,
        model and model.version,
        correction and correction.label,
        correction and correction.at,
        record.problem and record.problem.reason,
        record.uploaded_at,
        record.finished_at,
        image and image.taken_at,
        image and image.format,
        image and image.width,
        image and image.height,
        upload and upload.size_bytes,
        upload and upload.sha256,
    ]
