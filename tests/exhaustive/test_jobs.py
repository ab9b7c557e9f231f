"""Two runners and one job: whatever the order of calls, whoever is paused past the lease, and whatever dies in between,
the job is done once, and says so.

The children here promote as model/job_child.py does: they look whether it is done, work, look whether the job is still
theirs, and write on the ETag that they read at first. One whose runner has died goes on, as it may for a moment.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from exhaustive.explore import World, explore, sample
from exhaustive.memory import seen, step
from imagestore.errors import Conflict, LeaseLost, NotFound
from imagestore.jobs import lease
from imagestore.jobs.attempt import Attempt
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import TYPE, Job, JobKind, JobResult, JobState, Progress
from imagestore.jobs.runner import Runner, Timing
from imagestore.store import Item
from unit.memory_items import MemoryItems

LEASE_S = 30
EVERY_TURN = Timing(LEASE_S, beat_s=0)
DONE = JobResult(state=JobState.DONE, say="Well.")
ACTIVE = "active"


class SteppingItems(MemoryItems):
    """The jobs, and beside them which model is live. It stops before each call about these two, once `is_stepping`.

    A runner's sign of itself goes with the call before it.
    """

    def __init__(self) -> None:
        super().__init__(lambda: self.now)
        self.now = datetime(2026, 11, 21, 9, tzinfo=UTC)
        self.is_stepping = False
        self.create({"id": ACTIVE, "promotions": 0})
        self.job = JobBoard(self, lambda: 10**15).put(JobKind.PROMOTE, "me").id

    def read(self, id: str) -> Item | None:
        self._step("read", id)
        found = super().read(id)
        return seen(found, found and found.etag) if self._matters(id) else found

    def replace(self, document: Mapping[str, Any], etag: str) -> Item:
        self._step("replace", document["id"], etag)
        try:
            written = super().replace(document, etag)
        except Conflict:
            seen("conflict")
            raise
        return seen(written, written.etag) if self._matters(document["id"]) else written

    def find(self, type: str, equal: Mapping[str, str] | None = None, **options: Any) -> Iterator[Item]:
        if type == TYPE:
            self._step("find", type)
        found = list(super().find(type, equal, **options))
        yield from seen(found, tuple((item.id, item.etag) for item in found)) if type == TYPE else found

    def brief(self) -> object:
        """What is there, as far as it matters: all but the marks of attempts, of which one is as good as any other."""
        job, active = (self.items[id][0] for id in (self.job, ACTIVE))
        told = tuple(job.document[name] for name in ("state", "is_cancelled", "attempts", "runner"))
        there = tuple(sorted(id for id, (_, until) in self.items.items() if until is not None and until > self.now))
        return job.etag, told, active.etag, there, self.now

    def _matters(self, id: str) -> bool:
        return id in (getattr(self, "job", None), ACTIVE)

    def _step(self, *call: object) -> None:
        if self.is_stepping and (call[0] == "find" or self._matters(str(call[1]))):
            step(*call)


@dataclass
class JobsWorld(World):
    """A world of runners and their children."""

    runners: int = 0
    children: list["Child"] = field(default_factory=list)

    def fingerprint(self) -> int:
        running = tuple(sorted((name, process.learned) for name, process in self.running.items()))
        ends = tuple(child.result and child.result.state for child in self.children)
        return hash((self.stores.brief(), self.crashed, running, ends))


@dataclass
class Child:
    """A job's process, which is one of the world's."""

    world: JobsWorld
    job: Job
    progress: Progress = field(default_factory=Progress)
    result: JobResult | None = None

    def __post_init__(self) -> None:
        self.world.children.append(self)
        self.name = f"child {len(self.world.children)}"
        self.world.spawn(self.name, self.promote)

    def promote(self) -> None:
        with suppress(LeaseLost):
            self.result = promotion(self.world.stores, self.job)

    def end(self) -> None:
        self.world.running.pop(self.name, None)
        if self.name in self.world.unstarted:
            self.world.unstarted.remove(self.name)


def promotion(items: SteppingItems, job: Job) -> JobResult:
    attempt = Attempt(items, job.id, job.attempt or "")
    attempt.job()
    active = items.read(ACTIVE)
    assert active is not None
    if active.document["promotions"]:
        return DONE
    attempt.demand()
    try:
        items.replace({"id": ACTIVE, "promotions": active.document["promotions"] + 1}, active.etag)
    except Conflict:
        return DONE if job.attempts > 1 else JobResult(state=JobState.FAILED, say="Another is live meanwhile.")
    return DONE


def runs(world: JobsWorld, turns: int) -> None:
    runner = Runner(world.stores, partial(Child, world), EVERY_TURN)
    world.runners += 1
    runner._presence.runner = f"{world.runners}"
    for _ in range(turns):
        runner.turn()
    if runner.job is not None:
        runner.close()


def time_passes(items: SteppingItems) -> None:
    """Whoever gives no sign of itself from now on, has been silent for the whole lease."""
    step("time")
    items.now += timedelta(seconds=LEASE_S)


def cancels(items: SteppingItems) -> None:
    with suppress(Conflict, NotFound):
        JobBoard(items).cancel(items.job)


def world(turns: tuple[int, ...], others: Mapping[str, Callable[[SteppingItems], None]], may_die: bool) -> World:
    items = SteppingItems()
    runners = {f"runner {number}": count for number, count in enumerate(turns)}
    made = JobsWorld(items, tuple(runners) if may_die else ())
    items.is_stepping = True
    for name, count in runners.items():
        made.spawn(name, partial(runs, made, count))
    for name, does in others.items():
        made.spawn(name, partial(does, items))
    return made


def wrong(items: SteppingItems, may_be_cancelled: bool = False) -> str | None:
    """What is wrong once the next runner has done what is left."""
    items.is_stepping = False
    before = JobBoard(items).read(items.job)
    items.now += timedelta(seconds=LEASE_S)
    last = Runner(items, lambda job: Finished(promotion(items, job)), EVERY_TURN)
    for _ in range(3):
        last.turn()
    job, active = JobBoard(items).read(items.job), items.read(ACTIVE)
    assert active is not None
    promotions = active.document["promotions"]
    if not before.state.is_open and job != before:
        return f"it had ended, and became {job.state}"
    if promotions > 1:
        return f"{promotions} promotions"
    if job.state is JobState.DONE:
        return None if promotions == 1 else "it is said to be done and is not"
    return None if job.state is JobState.CANCELLED and may_be_cancelled else f"it is {job.state}"


@dataclass
class Finished:
    """A child that has done its work at once."""

    result: JobResult | None
    progress: Progress = field(default_factory=Progress)

    def end(self) -> None:
        """There is nothing to end."""


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job may be begun as often as it takes: how often is tested elsewhere."""
    monkeypatch.setattr(lease, "MOST_ATTEMPTS", 100)
    monkeypatch.setattr(logging.getLogger("imagestore.jobs"), "disabled", True)


@pytest.mark.parametrize(
    ("turns", "may_die"),
    [
        pytest.param((2, 2), False, id="paused"),
        pytest.param((3, 2), False, id="paused for longer", marks=pytest.mark.thorough),
        pytest.param((2, 1), True, id="killed", marks=pytest.mark.thorough),
    ],
)
def test_one_job_is_done_once(turns: tuple[int, ...], may_die: bool) -> None:
    ends, problems = explore(lambda: world(turns, {"time": time_passes}, may_die), wrong)
    assert ends
    assert problems == []


@pytest.mark.parametrize("may_die", [False, True])
def test_one_job_is_done_once_however_long_it_goes_on(may_die: bool) -> None:
    """Drawn at random, since there are too many: three runners, and a lease that is over twice."""
    others = {"time": time_passes, "more time": time_passes}
    assert sample(lambda: world((5, 4, 4), others, may_die), wrong, 400, seed=1) == []


@pytest.mark.parametrize("may_die", [False, True])
def test_one_that_is_cancelled_is_done_once_or_not(may_die: bool) -> None:
    others = {"time": time_passes, "somebody": cancels}
    check = partial(wrong, may_be_cancelled=True)
    assert sample(lambda: world((4, 4), others, may_die), check, 400, seed=2) == []
