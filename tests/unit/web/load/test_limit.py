"""How many at once are worth it: found by what answers take beside what they take alone."""

import heapq
import random
from collections.abc import Callable

import pytest

from imagestore.web.load.gate import Gate, Ticket
from imagestore.web.load.kinds import Kind
from imagestore.web.load.limit import AdaptiveLimit

ALONE_S = 0.01


def worked(limit: AdaptiveLimit, cores: int, answers: int, *, is_full: bool = True, row: str = "GET /") -> int:
    """Have a machine with so many cores answer, as many at once as the limit says."""
    for _ in range(answers):
        at_once = limit.value
        limit.took(row, ALONE_S * max(1.0, at_once / cores), at_once=at_once, was_full=is_full)
    return limit.value


def learned(start: int = 1, most: int = 24) -> AdaptiveLimit:
    """A limit that knows what an answer takes alone."""
    limit = AdaptiveLimit(start=start, most=most)
    for _ in range(32):
        limit.took("GET /", ALONE_S, at_once=1, was_full=False)
    return limit


def test_it_shrinks_to_what_the_machine_can_do_and_stays_there() -> None:
    limit = learned(start=16)
    worked(limit, cores=2, answers=400)
    found = {worked(limit, cores=2, answers=32) for _ in range(100)}
    assert found <= {2, 3}, found


def test_one_core_comes_to_one_at_a_time() -> None:
    limit = learned(start=8)
    worked(limit, cores=1, answers=600)
    found = [worked(limit, cores=1, answers=32) for _ in range(100)]
    assert set(found) <= {1, 2}
    assert found.count(1) > 80


def test_two_at_work_most_of_the_time_do_not_count_as_one() -> None:
    limit = learned(start=2)
    found = []
    for _ in range(6400):
        at_once = limit.value
        limit.took("GET /", ALONE_S * at_once, at_once=0.9 * at_once, was_full=True)
        found.append(at_once)
    assert found[3200:].count(1) > 0.7 * 3200


def test_it_grows_while_more_at_once_takes_no_longer_as_with_a_store_elsewhere() -> None:
    assert worked(learned(start=2), cores=100, answers=1000) == 24


def test_it_does_not_grow_while_nobody_asks_for_more() -> None:
    assert worked(learned(start=2), cores=100, answers=400, is_full=False) == 2


def test_it_is_never_less_than_one_and_comes_back_when_a_slow_store_is_quick_again() -> None:
    limit = learned(start=8)
    for _ in range(320):
        limit.took("GET /", 2.0, at_once=8, was_full=True)
    assert limit.value == 1
    assert worked(limit, cores=100, answers=6000) > 8


def test_a_route_is_compared_with_itself() -> None:
    limit = AdaptiveLimit(start=4)
    for number in range(320):
        slow = number % 2 == 0
        limit.took("POST /slow" if slow else "GET /quick", 1.0 if slow else 0.001, at_once=1, was_full=True)
    assert limit.value > 4


def test_one_answer_that_takes_very_long_changes_little() -> None:
    limit = learned(start=8)
    limit.took("GET /", 60.0, at_once=8, was_full=True)
    worked(limit, cores=100, answers=31)
    assert limit.value >= 8


def test_addresses_made_up_by_strangers_are_not_remembered_for_ever() -> None:
    limit = AdaptiveLimit()
    for number in range(5000):
        limit.took(f"GET /{number}", 0.01, at_once=1, was_full=False)
    assert len(limit._rows) == 1000


def test_quick_answers_of_a_route_do_not_make_its_slow_ones_look_late() -> None:
    limit = AdaptiveLimit(start=8)
    for number in range(2000):
        limit.took("GET /thumbnail", 0.001 if number % 3 else 0.05, at_once=1 + number % 8, was_full=True)
    assert limit.value >= 8


def test_a_store_that_became_slower_for_good_is_what_is_usual_some_day() -> None:
    limit = learned(start=8)
    for _ in range(300_000):
        limit.took("GET /", 2 * ALONE_S, at_once=limit.value, was_full=True)
    assert limit.value == 24


def test_it_is_not_less_than_it_may_be() -> None:
    limit = AdaptiveLimit(start=8, least=4)
    for at_once in [1] * 100 + [8] * 1000:
        limit.took("GET /", 0.01 * at_once, at_once=at_once, was_full=True)
    assert limit.value == 4


# --- a gate before a store that is waited for


class Played:
    """A gate, and what comes to it by a clock of its own."""

    def __init__(self, quick_s: float, slow_s: float, quick: float) -> None:
        self._chance = random.Random(1)
        self._times = (quick_s, slow_s, quick)
        self.now, self.refused_late = 0.0, 0
        self.gate = Gate(AdaptiveLimit(start=8, most=24, least=4), lambda: self.now)
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def store(self, a_second: float, seconds: float) -> None:
        """So many requests a second, which take what they take whatever is at work beside them."""
        self._at(0, lambda: self._arrive(a_second))
        while self._queue and self._queue[0][0] < seconds:
            self.now, _, event = heapq.heappop(self._queue)
            event()

    def _at(self, in_s: float, event: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._queue, (self.now + in_s, self._number, event))

    def _arrive(self, a_second: float) -> None:
        patience_s, ticket = self.gate.patience_s(Kind.READ), self.gate.ask(Kind.READ, "GET /thumbnail")
        if ticket.is_in is None:
            ticket.decide = lambda: self._decided(ticket)
            self._at(patience_s, lambda: self.gate.give_up(ticket))
        else:
            self._decided(ticket)
        self._at(self._chance.expovariate(a_second), lambda: self._arrive(a_second))

    def _decided(self, ticket: Ticket) -> None:
        if not ticket.is_in:
            self.refused_late += self.now > 5
            return
        quick_s, slow_s, quick = self._times
        took_s = quick_s if self._chance.random() < quick else slow_s
        self._at(took_s, lambda: self.gate.leave(ticket, took_s))


@pytest.mark.parametrize(
    ("quick_s", "slow_s", "quick", "a_second"),
    [
        (0.03, 0.03, 0.5, 400),
        (0.004, 0.04, 0.5, 50),
        (0.004, 0.04, 0.5, 100),
        (0.004, 0.04, 0.5, 200),
        (0.004, 0.04, 0.5, 400),
        (0.002, 0.1, 0.3, 50),
        (0.002, 0.1, 0.3, 100),
        (0.002, 0.1, 0.3, 200),
        (0.001, 0.03, 0.2, 200),
    ],
)
def test_where_nothing_is_short_nothing_is_refused_once_that_is_known(
    quick_s: float, slow_s: float, quick: float, a_second: int
) -> None:
    played = Played(quick_s, slow_s, quick)
    played.store(a_second, seconds=20)
    assert played.refused_late == 0
