"""Who may begin, who waits, and who is refused: by a clock that the tests move on."""

from collections.abc import Callable

import pytest

from imagestore.web.load.gate import BURST_S, MOST_IN_A_BURST, Gate, Ticket
from imagestore.web.load.kinds import Kind
from imagestore.web.load.limit import AdaptiveLimit


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    return Gate(AdaptiveLimit(start=2, most=2), clock)


def ask(gate: Gate, kind: Kind = Kind.READ, tell: Callable[[], None] = lambda: None) -> Ticket:
    ticket = gate.ask(kind, kind.word)
    ticket.decide = tell
    return ticket


def overload(gate: Gate, clock: Clock, kind: Kind = Kind.READ) -> None:
    """Fill the gate, and let one more wait for as long as it may."""
    ask(gate, kind), ask(gate, kind)
    late = ask(gate, kind)
    clock.now += gate.patience_s(kind) + 0.001
    gate.give_up(late)


def test_as_many_as_the_limit_says_are_let_in_and_the_next_wait_in_their_order(gate: Gate) -> None:
    told: list[str] = []
    first, second = ask(gate), ask(gate)
    third, fourth = ask(gate, tell=lambda: told.append("third")), ask(gate, tell=lambda: told.append("fourth"))
    assert (first.is_in, second.is_in, third.is_in, fourth.is_in) == (True, True, None, None)
    gate.leave(first, None)
    assert (told, third.is_in, fourth.is_in) == (["third"], True, None)
    gate.leave(second, None)
    gate.leave(third, None)
    gate.leave(fourth, None)
    assert gate.at_work == 0


def test_the_pictures_of_a_page_wait_for_two_seconds_and_nothing_dearer_so_long(gate: Gate, clock: Clock) -> None:
    page = [ask(gate) for _ in range(60)]
    clock.now += 1.9
    assert gate.patience_s(Kind.READ) == 2
    assert gate.patience_s(Kind.SEARCH) < 0.01
    assert [ticket.is_in for ticket in page] == [True] * 2 + [None] * 58


def test_a_burst_may_wait_and_a_crowd_hardly(gate: Gate, clock: Clock) -> None:
    assert gate.patience_s(Kind.UPLOAD) == 0.3
    assert gate.patience_s(Kind.READ) == 2
    overload(gate, clock)
    assert gate.patience_s(Kind.READ) < 0.01


def test_in_a_crowd_the_newest_goes_first(gate: Gate, clock: Clock) -> None:
    first = ask(gate)
    overload(gate, clock)
    older, newer = ask(gate), ask(gate)
    gate.leave(first, None)
    assert (older.is_in, newer.is_in) == (None, True)


def test_a_second_after_the_last_refusal_there_is_patience_again(gate: Gate, clock: Clock) -> None:
    overload(gate, clock)
    clock.now += 1.1
    assert not gate.is_overloaded(Kind.READ)
    assert gate.patience_s(Kind.READ) == BURST_S[Kind.READ]


def test_cheaper_work_goes_before_dearer(gate: Gate) -> None:
    first, _ = ask(gate), ask(gate)
    upload, search, read = ask(gate, Kind.UPLOAD), ask(gate, Kind.SEARCH), ask(gate, Kind.READ)
    gate.leave(first, None)
    assert (upload.is_in, search.is_in, read.is_in) == (None, None, True)


def test_a_crowd_of_uploads_leaves_reads_their_patience_and_their_turn(gate: Gate, clock: Clock) -> None:
    overload(gate, clock, Kind.UPLOAD)
    assert gate.is_overloaded(Kind.UPLOAD)
    assert not gate.is_overloaded(Kind.READ)
    assert gate.patience_s(Kind.READ) == BURST_S[Kind.READ]


def test_a_crowd_of_reads_is_a_crowd_for_all_that_is_dearer(gate: Gate, clock: Clock) -> None:
    overload(gate, clock, Kind.READ)
    assert all(gate.is_overloaded(kind) for kind in Kind if kind >= Kind.READ)


def test_who_waits_for_a_client_gives_the_place_to_the_next_and_gets_the_next_that_is_free(gate: Gate) -> None:
    told: list[str] = []
    first, second = ask(gate), ask(gate)
    third, fourth = ask(gate), ask(gate)
    first.decide = lambda: told.append("first")
    gate.rest(first)
    assert third.is_in
    assert not gate.resume(first)
    assert not gate.resume(first)  # who asks again is counted once
    assert (gate.at_work, told) == (2, [])
    gate.leave(second, 0.01)
    assert (gate.at_work, told, fourth.is_in) == (2, ["first"], None)
    assert gate.resume(first)
    for ticket in (first, third, fourth):
        gate.leave(ticket, 0.01)
    assert gate.at_work == 0


def test_who_leaves_while_it_waits_to_go_on_is_forgotten(gate: Gate) -> None:
    first, second, third = ask(gate), ask(gate), ask(gate)
    gate.rest(first)
    gate.resume(first)
    gate.leave(first, None)
    gate.leave(second, None)
    gate.leave(third, None)
    assert gate.at_work == 0
    assert [ask(gate).is_in, ask(gate).is_in] == [True, True]


def test_uploads_have_half_of_the_places_also_when_they_go_on(clock: Clock) -> None:
    gate = Gate(AdaptiveLimit(start=4, most=4), clock)
    uploads = [ask(gate, Kind.UPLOAD) for _ in range(6)]
    assert [upload.is_in for upload in uploads] == [True, True, None, None, None, None]
    for upload in uploads:
        gate.rest(upload)
    assert [upload.is_in for upload in uploads] == [True] * 6
    assert [gate.resume(upload) for upload in uploads] == [True] * 2 + [False] * 4
    assert [ask(gate).is_in, ask(gate).is_in, ask(gate).is_in] == [True, True, None]
    assert gate.at_work == 4


def test_who_leaves_while_at_rest_leaves_once(gate: Gate) -> None:
    ticket = ask(gate)
    gate.rest(ticket)
    gate.leave(ticket, None)
    gate.leave(ticket, None)
    gate.resume(ticket)
    assert gate.at_work == 0


def test_who_has_left_while_waiting_is_not_let_in(gate: Gate) -> None:
    first, _ = ask(gate), ask(gate)
    gone, next_one = ask(gate), ask(gate)
    gate.withdraw(gone)
    gate.leave(first, None)
    assert (gone.is_in, next_one.is_in) == (None, True)


def test_in_a_crowd_only_the_next_few_wait_and_others_are_refused_at_once(gate: Gate, clock: Clock) -> None:
    overload(gate, clock)
    assert [ask(gate).is_in for _ in range(6)] == [None] * 4 + [False] * 2
    assert ask(gate, Kind.UPLOAD).is_in is False


def test_a_crowd_of_uploads_does_not_take_the_places_of_reads_that_wait(gate: Gate, clock: Clock) -> None:
    overload(gate, clock, Kind.UPLOAD)
    for _ in range(6):
        ask(gate, Kind.UPLOAD)
    assert ask(gate, Kind.READ).is_in
    assert ask(gate, Kind.READ).is_in is None


def test_more_than_a_burst_has_is_a_crowd_of_which_the_newest_few_are_left(gate: Gate) -> None:
    at_work, waiting = [ask(gate), ask(gate)], [ask(gate) for _ in range(MOST_IN_A_BURST)]
    upload = ask(gate, Kind.UPLOAD)
    assert {ticket.is_in for ticket in waiting} == {None}
    assert ask(gate).is_in is False
    assert gate.is_overloaded(Kind.READ)
    assert [ticket.is_in for ticket in waiting] == [False] * (len(waiting) - 4) + [None] * 4
    assert upload.is_in is False
    gate.leave(at_work[0], None)
    assert waiting[-1].is_in


def test_who_is_refused_with_the_crowd_is_told(gate: Gate) -> None:
    told: list[str] = []
    ask(gate), ask(gate)
    ask(gate, tell=lambda: told.append("refused"))
    for _ in range(MOST_IN_A_BURST):
        ask(gate)
    assert told == ["refused"]


def test_at_leisure_more_are_at_work_than_in_a_crowd(clock: Clock) -> None:
    gate = Gate(AdaptiveLimit(start=1, most=1), clock, at_leisure=3)
    first, second, third = ask(gate), ask(gate), ask(gate)
    late = ask(gate)
    assert (first.is_in, second.is_in, third.is_in, late.is_in) == (True, True, True, None)
    gate.give_up(late)
    next_one = ask(gate)
    for ticket in (first, second):
        gate.leave(ticket, None)
        assert next_one.is_in is None
    gate.leave(third, None)
    assert next_one.is_in


def test_what_would_be_refused_is_known_without_asking(gate: Gate, clock: Clock) -> None:
    for kind in (Kind.READ, Kind.UPLOAD, Kind.READ):
        for _ in range(2 * MOST_IN_A_BURST):
            expected = gate.refuses(kind)
            assert (ask(gate, kind).is_in is False) == expected
        assert gate.refuses(kind)


def test_what_was_refused_unasked_keeps_the_crowd_known(gate: Gate, clock: Clock) -> None:
    overload(gate, clock)
    for _ in range(3):
        clock.now += 0.9
        assert gate.is_overloaded(Kind.READ)
        gate.refused(Kind.READ)
    clock.now += 1.1
    assert not gate.is_overloaded(Kind.READ)


def test_a_browser_that_always_has_some_waiting_is_no_crowd(clock: Clock) -> None:
    gate = Gate(AdaptiveLimit(start=1, most=1), clock, at_leisure=4)
    asked = [ask(gate) for _ in range(6)]  # six connections, and a page of three hundred slow pictures
    for _ in range(294):
        clock.now += 0.1
        gate.leave(next(ticket for ticket in asked if ticket.is_in), 0.1)
        asked = [ticket for ticket in asked if ticket.is_in is not False] + [ask(gate)]
        assert len(asked) == 6
        assert not gate.is_overloaded(Kind.READ)


def test_after_a_crowd_one_slow_answer_does_not_keep_out_who_asks_alone(clock: Clock) -> None:
    gate = Gate(AdaptiveLimit(start=1, most=1), clock, at_leisure=4)
    slow, crowd = ask(gate), list[Ticket]()
    while not gate.is_overloaded(Kind.READ):
        crowd.append(ask(gate))
    clock.now += gate.patience_s(Kind.READ)
    for ticket in crowd:
        gate.give_up(ticket) if ticket.is_in is None else gate.leave(ticket, 0.01)
    let_in = []
    for _ in range(4):
        clock.now += 0.9
        ticket = ask(gate)
        clock.now += gate.patience_s(Kind.READ)
        gate.give_up(ticket)
        let_in.append(ticket.is_in)
        gate.leave(ticket, 0.01)
    assert slow.is_in
    assert True in let_in
    assert let_in[-1]


def test_a_search_that_is_refused_leaves_reads_that_wait(gate: Gate) -> None:
    reads = [ask(gate) for _ in range(2 + MOST_IN_A_BURST)]
    assert gate.refuses(Kind.SEARCH)
    gate.refused(Kind.SEARCH)
    assert not gate.is_overloaded(Kind.READ)
    assert False not in [read.is_in for read in reads]


def test_who_waited_to_go_on_goes_before_one_that_comes_when_it_is_calm_again(clock: Clock) -> None:
    gate = Gate(AdaptiveLimit(start=1, most=1), clock, at_leisure=2)
    first, told = ask(gate), list[str]()
    gate.rest(first)
    ask(gate)
    gate.refused(Kind.READ)
    first.decide = lambda: told.append("first")
    assert not gate.resume(first)
    clock.now += 1.1
    assert ask(gate).is_in is None
    assert told == ["first"]
