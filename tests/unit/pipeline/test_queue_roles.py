"""What waits in the queues, as sweep, doctor, command line and dashboard see it."""

from typing import Any

from imagestore.errors import Unavailable
from imagestore.pipeline.queue_roles import QUEUES, queue_lengths, queues_of
from unit.web.memory import memory_stores


class FakeQueue:
    def __init__(self, length: int | None) -> None:
        self._length = length

    def length(self) -> int:
        if self._length is None:
            raise Unavailable("the queue does not answer")
        return self._length

    def oldest(self) -> None:
        return None


def stores_with(work: int | None, work_poison: int | None, poison: int | None) -> Any:
    stores: Any = memory_stores()
    stores.work, stores.work_poison, stores.poison = FakeQueue(work), FakeQueue(work_poison), FakeQueue(poison)
    return stores


def test_each_queue_has_its_role() -> None:
    lengths = {role.name: queue.length() for role, queue in queues_of(stores_with(1, 2, 3))}
    assert lengths == {"work": 1, "work-poison": 2, "webjobs-blobtrigger-poison": 3}


def test_a_queue_that_does_not_answer_hides_no_other() -> None:
    lengths = {role.name: length for role, length in queue_lengths(stores_with(3, None, 1)).items()}
    assert lengths == {"work": 3, "work-poison": None, "webjobs-blobtrigger-poison": 1}


def test_two_queues_hold_what_was_given_up() -> None:
    assert [role.name for role in QUEUES if role.is_poison] == ["work-poison", "webjobs-blobtrigger-poison"]
