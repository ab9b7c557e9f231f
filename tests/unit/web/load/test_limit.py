"""How many at once are worth it: found by what answers take beside what they take alone."""

from imagestore.web.load.limit import AdaptiveLimit

ALONE_S = 0.01


def worked(limit: AdaptiveLimit, cores: int, answers: int, *, is_full: bool = True, row: str = "GET /") -> int:
    """Have a machine with so many cores answer, as many at once as the limit says."""
    for _ in range(answers):
        at_once = limit.value
        limit.took(row, ALONE_S * max(1.0, at_once / cores), was_alone=at_once == 1, was_full=is_full)
    return limit.value


def learned(start: int = 1, most: int = 24) -> AdaptiveLimit:
    """A limit that knows what an answer takes alone."""
    limit = AdaptiveLimit(start=start, most=most)
    for _ in range(16):
        limit.took("GET /", ALONE_S, was_alone=True, was_full=False)
    return limit


def test_it_shrinks_to_what_the_machine_can_do_and_stays_there() -> None:
    limit = learned(start=16)
    worked(limit, cores=2, answers=200)
    found = {worked(limit, cores=2, answers=16) for _ in range(100)}
    assert found <= {2, 3}, found


def test_one_core_comes_to_one_at_a_time() -> None:
    limit = learned(start=8)
    worked(limit, cores=1, answers=300)
    found = [worked(limit, cores=1, answers=16) for _ in range(100)]
    assert set(found) <= {1, 2}
    assert found.count(1) > 80


def test_it_grows_while_more_at_once_takes_no_longer_as_with_a_store_elsewhere() -> None:
    assert worked(learned(start=2), cores=100, answers=400) == 24


def test_it_does_not_grow_while_nobody_asks_for_more() -> None:
    assert worked(learned(start=2), cores=100, answers=400, is_full=False) == 2


def test_it_is_never_less_than_one_and_comes_back_when_a_slow_store_is_quick_again() -> None:
    limit = learned(start=8)
    for _ in range(160):
        limit.took("GET /", 2.0, was_alone=False, was_full=True)
    assert limit.value == 1
    assert worked(limit, cores=100, answers=3000) > 8


def test_a_route_is_compared_with_itself() -> None:
    limit = AdaptiveLimit(start=4)
    for number in range(160):
        slow = number % 2 == 0
        limit.took("POST /slow" if slow else "GET /quick", 1.0 if slow else 0.001, was_alone=True, was_full=True)
    assert limit.value > 4


def test_one_answer_that_takes_very_long_changes_little() -> None:
    limit = learned(start=8)
    limit.took("GET /", 60.0, was_alone=False, was_full=True)
    worked(limit, cores=100, answers=15)
    assert limit.value >= 8


def test_addresses_made_up_by_strangers_are_not_remembered_for_ever() -> None:
    limit = AdaptiveLimit()
    for number in range(5000):
        limit.took(f"GET /{number}", 0.01, was_alone=True, was_full=False)
    assert len(limit._alone_s) == 1000
