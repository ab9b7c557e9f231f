"""What took long to compute outlives a service that is away for some minutes."""

import pytest

from imagestore.errors import Conflict, Unavailable
from imagestore.store.patience import MOST_TRIES, PAUSE_S, patiently


class Service:
    """Does not answer so many times."""

    def __init__(self, away: int, then: Exception | None = None) -> None:
        self.away, self.then = away, then
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.away:
            raise Unavailable("no answer")
        if self.then:
            raise self.then
        return "found"


def test_a_service_that_is_away_is_asked_again() -> None:
    waited: list[float] = []
    assert patiently(Service(3), waited.append) == "found"
    assert waited == [PAUSE_S] * 3


def test_it_is_given_up_at_last() -> None:
    service = Service(10**6)
    with pytest.raises(Unavailable):
        patiently(service, lambda seconds: None)
    assert service.calls == MOST_TRIES


def test_another_answer_than_none_is_an_answer() -> None:
    with pytest.raises(Conflict):
        patiently(Service(1, Conflict("another was first")), lambda seconds: None)
