"""What a person should look at next, and what that says of the model.

A tenth of all pictures, drawn by their ids, which are hashes, waits for every tenth turn; live accuracy is estimated
from it alone. The other nine turns take the most doubtful of the rest: those teach most, but would make the model look
worse than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from classify.share import Share, percent, wilson
from record import Prediction, Record
from store.documents import from_json
from web.index import Index

RANDOM_BELOW = "1999999a"
"""Ids are hex digits: a tenth of them is smaller."""
_ONE_IN = 10
_DOUBTFUL = f"AND id >= '{RANDOM_BELOW}' ORDER BY doubt, id"
_DRAWN = f"AND id < '{RANDOM_BELOW}' ORDER BY id"
_WAITING = "FROM pictures WHERE status != 'deleted' AND doubt IS NOT NULL AND corrected = 0"
_CLOSE = 0.1


@dataclass(frozen=True)
class Next:
    """The picture to look at, why, and whether it was drawn at random."""

    record: Record
    why: str
    drawn: bool


@dataclass(frozen=True)
class Progress:
    """How many were reviewed and how many wait; of those drawn at random, how many the model had right."""

    reviewed: int
    waiting: int
    live_accuracy: Share


def next_picture(index: Index, left_out: Sequence[str] = ()) -> Next | None:
    """The picture to look at next, None where there is none; those with the ids `left_out` are not meant."""
    orders = [_DOUBTFUL, _DRAWN]
    if _reviewed(index) % _ONE_IN == _ONE_IN - 1:
        orders.reverse()
    marks = ", ".join("?" * len(left_out))
    for order in orders:
        query = (
            f"SELECT json FROM documents JOIN (SELECT id, doubt {_WAITING} AND id NOT IN ({marks}) {order} LIMIT 1) "
            "USING (id)"
        )
        row = index.connection.execute(query, list(left_out)).fetchone()
        if row is not None:
            record, drawn = from_json(row[0]), order is _DRAWN
            return Next(record, "It was drawn at random." if drawn else _why(record.prediction), drawn)
    return None


def progress(index: Index, model_sha256: str | None) -> Progress:
    """How far the review has come, and how good the model with this SHA-256 is.

    Counted are the drawn ones in their order. One that somebody corrected before its turn counts once the draw has come
    to it: left out, it would make the model look better, since people correct what is wrong.
    """
    (waiting,) = index.connection.execute(f"SELECT COUNT(*) {_WAITING}").fetchone()
    mine = "FROM pictures WHERE status != 'deleted' AND judged = ?"
    (of, right) = index.connection.execute(
        f"SELECT COUNT(*), coalesce(sum(was_right), 0) {mine} AND id < ? "
        f"AND id <= (SELECT max(id) {mine} AND drawn = 1 AND id < ?)",
        (model_sha256, RANDOM_BELOW, model_sha256, RANDOM_BELOW),
    ).fetchone()
    return Progress(_reviewed(index), waiting, wilson(right, of))


def _reviewed(index: Index) -> int:
    query = "SELECT COUNT(*) FROM pictures WHERE status != 'deleted' AND corrected = 1"
    return int(index.connection.execute(query).fetchone()[0])


def _why(prediction: Prediction | None) -> str:
    if prediction is None:
        return ""
    if prediction.earlier is not None:
        other = prediction.earlier
        return f"Two models disagree: {other.model.name} {other.model.version} said {other.label}."
    if len(prediction.top) > 1 and prediction.margin <= abs(prediction.confidence - prediction.threshold):
        if prediction.margin < _CLOSE:
            return f"{prediction.top[1].label} is nearly as likely."
    elif abs(prediction.confidence - prediction.threshold) < _CLOSE:
        return f"The model is about as sure as it must be to answer ({percent(prediction.threshold)})."
    return "Of those that wait, the model is least sure of this one."
