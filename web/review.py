"""What a person should look at next, and what that says of the model.

Nine of ten are those that the model is least sure of; those teach most. One in ten is drawn at random, by its id, and
of those alone the live accuracy is estimated: the doubtful ones would make it look worse than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from classify.share import Share, wilson
from record import Record
from store.documents import from_json
from web.index import Index

RANDOM_BELOW = "1999999a"
"""Ids are hashes: a tenth of them is smaller."""
_ONE_IN = 10


@dataclass(frozen=True)
class Progress:
    """How many were reviewed and how many wait; of those drawn at random, how many the model had right."""

    reviewed: int
    waiting: int
    live_accuracy: Share


def next_picture(index: Index, left_out: Sequence[str] = ()) -> Record | None:
    """The picture to look at next, None where there is none; those with the ids `left_out` are not meant."""
    is_random_turn = _reviewed(index) % _ONE_IN == _ONE_IN - 1
    orders = [f"AND id < '{RANDOM_BELOW}' ORDER BY id", "ORDER BY margin, id"]
    marks = ", ".join("?" * len(left_out))
    for order in orders if is_random_turn else orders[1:]:
        query = (
            "SELECT json FROM documents JOIN (SELECT id, margin FROM pictures WHERE status != 'deleted' "
            f"AND margin IS NOT NULL AND corrected = 0 AND id NOT IN ({marks}) {order} LIMIT 1) USING (id)"
        )
        row = index.connection.execute(query, list(left_out)).fetchone()
        if row is not None:
            return from_json(row[0])
    return None


def progress(index: Index) -> Progress:
    """How far the review has come."""
    (waiting,) = index.connection.execute(
        "SELECT COUNT(*) FROM pictures WHERE status != 'deleted' AND margin IS NOT NULL AND corrected = 0"
    ).fetchone()
    (of, right) = index.connection.execute(
        "SELECT COUNT(*), coalesce(sum(predicted = label), 0) FROM pictures WHERE status != 'deleted' "
        "AND corrected = 1 AND predicted IS NOT NULL AND id < ?",
        (RANDOM_BELOW,),
    ).fetchone()
    return Progress(_reviewed(index), waiting, wilson(right, of))


def _reviewed(index: Index) -> int:
    query = "SELECT COUNT(*) FROM pictures WHERE status != 'deleted' AND corrected = 1"
    return int(index.connection.execute(query).fetchone()[0])
