"""When a delivery that failed is tried again, and when it is given up."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from imagestore.record import utc
from imagestore.webhooks.delivery import Attempt, Delivery, DeliveryState

PAUSES_S = (5, 60, 300, 1800, 7200, 21_600)
"""After the first failure, the second, and so on; after the last of them the last one again."""
JITTER = 0.2
"""By which share a pause is made longer or shorter, so that what failed together is not tried together."""
LONGEST_ASKED_S = 86_400
_GONE = 410


@dataclass(frozen=True)
class Answered:
    """What came of a try, and after how many seconds the receiver wants to be asked again, if it says so."""

    attempt: Attempt
    retry_after_s: float | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has taken the event: any status from 200 to 299."""
        return self.attempt.status is not None and 200 <= self.attempt.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no more events, ever."""
        return self.attempt.status == _GONE


def after(
    delivery: Delivery, answered: Answered, limit: timedelta, chance: Callable[[], float] = random.random
) -> Delivery:
    """The delivery after a try. One that failed is given up if its next try would come later than `limit` after its
    begin, or if the receiver is gone. `chance` gives numbers from 0 to 1."""
    tried = replace(delivery, attempts=delivery.attempts + 1, last=answered.attempt, by=None, at=answered.attempt.at)
    if answered.is_taken:
        return replace(tried, state=DeliveryState.DELIVERED)
    pause_s = PAUSES_S[min(tried.attempts, len(PAUSES_S)) - 1] * (1 + JITTER * (2 * chance() - 1))
    next_at = moment(tried.at) + timedelta(seconds=max(pause_s, answered.retry_after_s or 0))
    if answered.is_gone or next_at > moment(delivery.begun_at) + limit:
        return replace(tried, state=DeliveryState.GIVEN_UP)
    return replace(tried, state=DeliveryState.WAITING, at=utc(next_at))


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """How many seconds a header Retry-After asks to wait, at most a day; None if there is none that can be read."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(min(int(value.strip()[:9]), LONGEST_ASKED_S))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    left = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(left, 0.0), float(LONGEST_ASKED_S))


def moment(text: str) -> datetime:
    """A time as records have it."""
    return datetime.fromisoformat(text)
