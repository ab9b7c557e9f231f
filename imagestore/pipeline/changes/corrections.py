"""Corrections of many pictures at once, each with labels of its own: what a list or a CSV file says, row by row.

A row that cannot be taken is named with its number and why; the others are made, as one change of many pictures
(bulk.py), and so can be undone exactly.
"""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from imagestore.errors import NotALabel, NotCorrections
from imagestore.pipeline.changes.documents import OnePicture, Outcome
from imagestore.pipeline.changes.status import ChangeStatus
from imagestore.pipeline.labelling.correct import MOST_LABELS, checked_label
from imagestore.record import LONGEST_BLOB_NAME, is_utf8, record_id, stored_name
from imagestore.text import visible

MOST_CORRECTIONS = 5_000
MOST_BYTES = 8 * 2**20
_QUOTED_FOR_SPREADSHEETS = tuple(f"'{first}" for first in "=+-@\t\r")
"""How a cell begins that the export wrote so that a spreadsheet runs nothing in it."""
_SHOWN = 80


@dataclass(frozen=True)
class Row:
    """What one row says: that the picture of this name or id shows these labels. `row` is the line of a CSV file, or
    the place in a list, from 1."""

    row: int
    name: str = ""
    id: str = ""
    labels: Sequence[str] = ()
    problem: str = ""


class RowStatus(StrEnum):
    """What came of a row: it was `refused`; its picture is `waiting` for its step in the change; it has the labels now
    (`done`), or was `left_alone`."""

    REFUSED = "refused"
    WAITING = "waiting"
    DONE = "done"
    LEFT_ALONE = "left_alone"


@dataclass(frozen=True)
class CorrectedRow:
    """What came of one row. `why` is a sentence where it was refused or its picture left alone; `id` is that of its
    picture, "" where none can be known."""

    row: int
    id: str
    status: RowStatus
    why: str = ""


@dataclass(frozen=True)
class BatchCorrected:
    """What came of many corrections: the change that makes those that could be tried, None if there is none, and each
    row."""

    change: ChangeStatus | None
    rows: list[CorrectedRow]


@dataclass(frozen=True)
class Corrections:
    """The corrections that can be tried, each picture with its labels, and what became of each row so far."""

    wanted: list[OnePicture] = field(default_factory=list)
    rows: list[CorrectedRow] = field(default_factory=list)

    def after(self, pictures: Iterable[OnePicture]) -> list[CorrectedRow]:
        """The rows, now that these pictures of the change are done."""
        left = {one.id: one.why for one in pictures if one.outcome is Outcome.LEFT_ALONE}
        return told(self.rows, {one.id for one in pictures if one.outcome is not None}, left)


def told(rows: Iterable[CorrectedRow], done: Collection[str], left: Mapping[str, str]) -> list[CorrectedRow]:
    """The rows, now that the pictures with the ids in `done` are done, and those in `left` left alone, with why."""

    def after(row: CorrectedRow) -> CorrectedRow:
        if row.status is RowStatus.WAITING and row.id in left:
            return replace(row, status=RowStatus.LEFT_ALONE, why=left[row.id])
        return replace(row, status=RowStatus.DONE) if row.status is RowStatus.WAITING and row.id in done else row

    return [after(row) for row in rows]


def corrections_of(rows: Iterable[Row]) -> Corrections:
    """What can be tried of these rows. Whether a picture is there is found by the change."""
    found, first = Corrections(), dict[str, int]()
    for row in rows:
        id = ""
        try:
            if row.problem:
                raise NotCorrections(row.problem)
            id = _id_of(row)
            if (before := first.setdefault(id, row.row)) != row.row:
                raise NotCorrections(f"Row {before} is of the same picture.")
            labels = tuple(dict.fromkeys(map(checked_label, row.labels)))
            if not 0 < len(labels) <= MOST_LABELS:
                said = f"it has {len(labels):,}, the limit is {MOST_LABELS}" if labels else "it has none"
                raise NotCorrections(f"It needs a label: {said}.")
        except (NotCorrections, NotALabel) as error:
            found.rows.append(CorrectedRow(row.row, id, RowStatus.REFUSED, f"{error}"))
            continue
        found.wanted.append(OnePicture(id, stored_name(row.name), wanted=labels))
        found.rows.append(CorrectedRow(row.row, id, RowStatus.WAITING))
    return found


def read_csv(data: bytes) -> Iterator[Row]:
    """The rows of a CSV file in UTF-8, whose first line names its columns: `name` or `id` (where both are there and
    filled they must agree), and `label`, several times where several labels hold. Other columns are not read.

    Cells are text, and nothing in them is run; one that the export wrote with an apostrophe, so that a spreadsheet runs
    nothing in it either, is read without. Raises NotCorrections if it is no such file.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise NotCorrections(f"The CSV file is not in UTF-8: see its line {line}. Nothing was changed.") from None
    reader, line = csv.reader(io.StringIO(text, newline=""), strict=True), 1
    try:
        columns = [one.strip().lower() for one in next(reader, [])]
        if "label" not in columns or not {"name", "id"} & set(columns):
            shown = visible(", ".join(columns))[:_SHOWN]
            raise NotCorrections(
                f"The first line of the CSV file names its columns: name (or id) and label. This one has '{shown}'. "
                "Nothing was changed."
            )
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _row(line, columns, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise NotCorrections(f"The CSV file cannot be read at line {line}: {error}. Nothing was changed.") from None


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(columns):
        return Row(line, problem=f"It has {len(cells)} cells, and the first line {len(columns)}.")
    said = [(column, _plain(cell)) for column, cell in zip(columns, cells, strict=True)]
    name, id = (next((cell for column, cell in said if column == wanted), "") for wanted in ("name", "id"))
    return Row(line, name, id.strip(), [cell for column, cell in said if column == "label" and cell.strip()])


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith(_QUOTED_FOR_SPREADSHEETS) else cell


def _id_of(row: Row) -> str:
    """The id of the picture that a row is of. Raises NotCorrections."""
    if not row.name:
        if not row.id:
            raise NotCorrections("It says neither name nor id.")
        if len(row.id) != len(record_id("")) or set(row.id) - set("0123456789abcdef"):
            raise NotCorrections(f"'{visible(row.id[:_SHOWN])}' is no id: that has 32 hex digits.")
        return row.id
    if len(row.name) > LONGEST_BLOB_NAME or not is_utf8(row.name):
        raise NotCorrections(f"No picture can have this name: {row.name[:_SHOWN]!a}.")
    id = record_id(stored_name(row.name))
    if row.id and row.id != id:
        raise NotCorrections("Its name and its id are of different pictures.")
    return id
