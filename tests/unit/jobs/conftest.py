"""Jobs in memory, whose clock a test moves, and runners whose turns and children it plays."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Job, JobResult, JobState, Progress
from imagestore.jobs.runner import Runner, Timing
from unit.memory_items import MemoryItems

LEASE_S = 30
EVERY_TURN = Timing(LEASE_S, beat_s=0, idle_s=0.001, busy_s=0.001)
DONE = JobResult(state=JobState.DONE, say="Well.")


@dataclass
class Clock:
    """The database's clock."""

    now: datetime = datetime(2026, 11, 21, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class PlayedChild:
    """A child that is as far as a test says."""

    progress: Progress = Progress()
    result: JobResult | None = None
    has_ended: bool = False

    def end(self) -> None:
        self.has_ended = True


@dataclass
class PlayedRunner:
    """A runner with the children that it has started, and their jobs."""

    items: MemoryItems
    children: list[PlayedChild] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runner = Runner(self.items, self._start, EVERY_TURN, lambda: self.items.clock().timestamp())

    @property
    def child(self) -> PlayedChild:
        return self.children[-1]

    def turn(self) -> None:
        self.runner.turn()

    def _start(self, job: Job) -> PlayedChild:
        self.jobs.append(job)
        self.children.append(PlayedChild())
        return self.child


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def items(clock: Clock) -> MemoryItems:
    return MemoryItems(clock)


@pytest.fixture
def board(items: MemoryItems) -> JobBoard:
    return JobBoard(items)


@pytest.fixture
def here(items: MemoryItems) -> PlayedRunner:
    return PlayedRunner(items)


@pytest.fixture
def there(items: MemoryItems) -> PlayedRunner:
    return PlayedRunner(items)
