"""What a version said of the latest pictures, as far as the index tells that cheaply."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from classify import Prediction
from imagestore.decoding import decode
from imagestore.performance.answers import Answers, Thresholds
from imagestore.record import utc
from imagestore.store.held_out import AnsweredPicture
from imagestore.web.index.index import Index
from imagestore.web.index.queries import latest_of_model

DAYS = 7
MOST = 5000
"""So many pictures of those days are looked at, whichever model has classified them."""


@dataclass(frozen=True)
class RecentAnswers:
    """What a version said of those of the latest `looked_at` pictures that it classified: `answers` as of held-out
    pictures, but that nobody has said what they show."""

    answers: Answers
    looked_at: int


class _Classified(msgspec.Struct):
    """The part of a record that is needed."""

    id: str
    prediction: Prediction


def recent_answers(
    index: Index, sha256: str, thresholds: Thresholds, *, has_several: bool, now: datetime | None = None
) -> RecentAnswers:
    """What the model file with this SHA-256 said of the latest pictures of DAYS, MOST at most."""
    since = utc((now or datetime.now(UTC)) - timedelta(days=DAYS))
    looked_at, documents = latest_of_model(index, sha256, since, MOST)
    pictures = []
    for data in documents:
        found = decode(data, _Classified)
        told = {score.label: score.probability for score in (*found.prediction.top, *(found.prediction.labels or ()))}
        pictures.append(AnsweredPicture(found.id, (), told, is_near=not found.prediction.is_far))
    return RecentAnswers(Answers([], pictures, has_several, thresholds, len(pictures)), looked_at)
