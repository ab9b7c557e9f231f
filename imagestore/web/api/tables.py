"""Files of rows that routes answer with: CSV for a spreadsheet, or JSON Lines for programs, sent as they are read."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain
from typing import Any, TypeVar

import msgspec
from fastapi import Response
from starlette.responses import StreamingResponse

from imagestore.text import visible

Row = TypeVar("Row")
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}, "application/jsonl": {}}}
}
"""The answers of such a route, for the description."""
_PIECE_BYTES = 65_536
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a cell for something to run."""


class Format(StrEnum):
    """How rows are exported: for a spreadsheet, or an object of JSON a line."""

    CSV = "csv"
    JSONL = "jsonl"


def table(
    rows: Iterable[Row], format: Format, name: str, columns: Sequence[str], cells: Callable[[Row], Sequence[object]]
) -> Response:
    """The rows as a file to be downloaded. `cells` are those of a row, for CSV; JSON Lines have the whole row.

    The first row is read before anything is answered, so that a store that does not answer is an error, and not half a
    file.
    """
    every = iter(rows)
    rest = chain([first] if (first := next(every, None)) is not None else [], every)
    body = _together(_csv(rest, columns, cells) if format is Format.CSV else _jsonl(rest))
    headers = {"Content-Disposition": f'attachment; filename="{name}.{format}"'}
    kind = "text/csv; charset=utf-8" if format is Format.CSV else "application/jsonl"
    return StreamingResponse(body, 200, headers, kind)


def _jsonl(rows: Iterable[object]) -> Iterator[bytes]:
    for row in rows:
        yield msgspec.json.encode(row) + b"\n"


def _together(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Many lines at a time: each piece that is sent costs a change of threads."""
    piece = bytearray()
    for line in lines:
        piece += line
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _csv(rows: Iterable[Row], columns: Sequence[str], cells: Callable[[Row], Sequence[object]]) -> Iterator[bytes]:
    yield _line(columns)
    for row in rows:
        yield _line([cell(value) for value in cells(row)])


def _line(cells: Sequence[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue().encode()


def cell(value: object) -> str:
    """The value as the text of a cell, in which a spreadsheet finds nothing to run."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode() if value else ""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
