"""How long it takes at most until an event that could not be delivered is in the queue `work`.

Computed from what Event Grid's documentation says of its retries, and from our own settings; never seen.
https://learn.microsoft.com/azure/event-grid/delivery-and-retry
"""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from croniter import croniter

from imagestore.settings import ROOT, Settings
from unit.infra import bicep

MOST = timedelta(minutes=15)
RETRY_AFTER_S = (10, 30, 60, 300, 600, 1800, 3600)
"""The documented schedule."""
RESPONSE_S = range(31)
"""An endpoint answers within 30 seconds, or counts as silent."""
LEAST_PAUSE_S = (10, 30, 120)
"""Before the next attempt, by the kind of answer: any other, 503, 408."""
UNTIL_DEAD_LETTER = timedelta(minutes=5)
"""Between the last attempt and the dead letter."""


def given_up_after(response_s: int, pause_s: int, time_to_live_s: int, most_attempts: int) -> timedelta:
    """When Event Grid gives an event up that is answered with a failure after `response_s` each time.

    The time to live is looked at only when the next attempt is due.
    """
    now_s = 0
    for attempt, wait_s in enumerate(RETRY_AFTER_S, start=1):
        if now_s >= time_to_live_s:
            break
        now_s += response_s
        if attempt == most_attempts:
            break
        now_s += max(wait_s, pause_s)
    return timedelta(seconds=now_s)


def policy() -> tuple[int, int]:
    """Time to live in seconds and most attempts, as the subscriptions have them."""
    events = bicep.text("events.bicep")
    (minutes,) = re.findall(r"eventTimeToLiveInMinutes: (\d+)", events)
    (attempts,) = re.findall(r"maxDeliveryAttempts: (\d+)", events)
    return int(minutes) * 60, int(attempts)


def longest_pause(schedule: str) -> timedelta:
    """The longest time between two runs of a timer within an hour; its seconds come first."""
    runs = croniter(schedule, datetime(2026, 1, 1, tzinfo=UTC), second_at_beginning=True)
    times: list[datetime] = [runs.get_next(datetime) for _ in range(62)]
    return max(later - earlier for earlier, later in pairwise(times))


def worst() -> timedelta:
    """From the event until its task is taken from the queue."""
    given_up = max(given_up_after(response, pause, *policy()) for response in RESPONSE_S for pause in LEAST_PAUSE_S)
    polls = json.loads(bicep.read(ROOT / "host.json"))["extensions"]["queues"]["maxPollingInterval"]
    hours, minutes, seconds = map(int, polls.split(":"))
    poll = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return given_up + UNTIL_DEAD_LETTER + longest_pause(Settings().deadletter_schedule) + poll


def test_what_could_not_be_delivered_is_found_within_15_minutes() -> None:
    assert worst() <= MOST


def test_an_endpoint_that_refuses_or_is_silent_is_given_up_as_documented() -> None:
    assert given_up_after(0, 10, 300, 30) == timedelta(minutes=6, seconds=40)  # the fifth attempt finds it expired
    assert given_up_after(30, 10, 300, 30) == timedelta(minutes=8, seconds=40)
    assert given_up_after(30, 10, 300, 4) == timedelta(minutes=3, seconds=40)


def test_the_docs_have_the_sum() -> None:
    page = bicep.read(ROOT / "docs" / "reliability.md")
    minutes, seconds = divmod(round(worst().total_seconds()), 60)
    assert f"{minutes} minutes and {seconds} seconds" in page
    time_to_live_s, attempts = policy()
    assert f"{attempts} attempts" in page
    assert f"{time_to_live_s // 60} minutes" in page
