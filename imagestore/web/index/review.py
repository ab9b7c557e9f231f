"""Chooses the next picture to review, and estimates the live model's accuracy from the reviews.

Every tenth turn shows a picture of the random sample: a tenth of all pictures, chosen by their ids, which are hashes.
The accuracy is estimated from that sample alone. The other nine turns show the least certain of the rest: those teach a
model most, but would make it look worse than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from classify import Prediction
from imagestore.pipeline.watch.watched import FEWEST_REVIEWED
from imagestore.proportion import Share, percent, wilson
from imagestore.record import Record
from imagestore.web.index import counting, queries
from imagestore.web.index.index import Index

_ONE_IN = 10
_CLOSE = 0.1
_LEAST = "Of those that wait, the model is least sure of this one."


@dataclass(frozen=True)
class Next:
    """The picture to review next, why this one, and whether it is of the random sample."""

    record: Record
    why: str
    random_sample: bool


@dataclass(frozen=True)
class ReviewProgress:
    """How many pictures were reviewed and how many wait; of the random sample, how many the model had right."""

    reviewed: int
    waiting: int
    live_accuracy: Share


def next_picture(index: Index, left_out: Sequence[str] = ()) -> Next | None:
    """The picture to review next, except those in `left_out`; None if there is none."""
    turns = [False, True]
    if counting.count_reviewed(index) % _ONE_IN == _ONE_IN - 1:
        turns.reverse()
    for random_sample in turns:
        record = queries.first_to_review(index, left_out, random_sample=random_sample)
        if record is not None:
            why = "It was drawn at random." if random_sample else _why(record.prediction)
            return Next(record, why, random_sample)
    return None


def taken_back(index: Index, id: str) -> Next | None:
    """The picture with this id, if it waits to be reviewed."""
    record = index.get(id) if id else None
    if record is None or record.prediction is None or record.correction is not None:
        return None
    return Next(record, "What was said of it is taken back.", random_sample=False)


def progress(index: Index, model_sha256: str | None) -> ReviewProgress:
    """How far the review has come, and the accuracy of the model with this SHA-256.

    Counts only randomly drawn pictures, in order of id, up to the last one reviewed. One corrected before its turn
    counts once the draw reaches it; leaving it out would flatter the model, since people correct mistakes. From fewer
    than FEWEST_REVIEWED nothing is estimated.
    """
    accuracy = wilson(*counting.right_in_sample(index, model_sha256), FEWEST_REVIEWED)
    return ReviewProgress(counting.count_reviewed(index), counting.count_to_review(index), accuracy)


def _why(prediction: Prediction | None) -> str:
    if prediction is None:
        return ""
    if prediction.earlier is not None:
        other = prediction.earlier
        return f"Two models disagree: {other.model.name} {other.model.version} said {other.label}."
    if prediction.is_far:
        return "It is unlike all that the model learned from."
    if prediction.labels is not None:
        return "Whether one of the labels holds is nearly a matter of chance." if prediction.margin < _CLOSE else _LEAST
    if len(prediction.top) > 1 and prediction.margin <= abs(prediction.confidence - prediction.threshold):
        if prediction.margin < _CLOSE:
            rival = "A class outside this family" if prediction.is_family else prediction.top[1].label
            return f"{rival} is nearly as likely."
    elif abs(prediction.confidence - prediction.threshold) < _CLOSE:
        return f"The model is about as sure as it must be to answer ({percent(prediction.threshold)})."
    return _LEAST
