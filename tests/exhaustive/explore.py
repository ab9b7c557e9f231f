"""Runs every interleaving of a few processes, with at most one of them dying at any point and being started again."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlet import getcurrent, greenlet


class Process(greenlet):
    """One run of a step. `learned` sums up what it was told so far, which is all that its further course depends on."""

    learned: int


@dataclass
class World:
    """One execution: the stores, and the processes that run in it by name. `spawn` may be called by a process."""

    stores: Any
    crash: tuple[str, ...] = ()
    etag: str = ""
    makers: dict[str, Callable[[], object]] = field(default_factory=dict)
    running: dict[str, Process] = field(default_factory=dict)
    crashed: bool = False
    unstarted: list[str] = field(default_factory=list)
    scheduler: greenlet = field(default_factory=getcurrent)

    def spawn(self, name: str, run: Callable[[], object]) -> None:
        """Start a process; it stops before its first call."""
        self.makers[name] = run
        process = Process(run, self.scheduler)
        process.learned = 0
        self.running[name] = process
        self.unstarted.append(name)
        if getcurrent() is self.scheduler:
            self._start()

    def advance(self, name: str) -> None:
        """Let it make its next call, and go on up to the one after that."""
        process = self.running[name]
        process.switch()
        if process.dead:
            del self.running[name]
        self._start()

    def _start(self) -> None:
        while self.unstarted:
            self.advance(self.unstarted.pop())

    def choices(self) -> list[tuple[str, str]]:
        runs = [("run", name) for name in self.running]
        return runs if self.crashed else runs + [("die", name) for name in self.running if name in self.crash]

    def choose(self, choice: tuple[str, str]) -> None:
        kind, name = choice
        if kind == "run":
            self.advance(name)
        else:
            self.crashed = True
            self.running.pop(name)
            self.spawn(name, self.makers[name])

    def fingerprint(self) -> int:
        s = self.stores
        kept = (s.uploads.brief(), s.staging.brief(), s.results.brief(), s.records.brief(), self.crashed)
        return hash((kept, tuple(sorted((name, process.learned) for name, process in self.running.items()))))


def sample(
    start: Callable[[], World], check: Callable[[Any], str | None], count: int, seed: int
) -> list[tuple[str, list[Any]]]:
    """Of so many schedules drawn at random those that ended wrongly, with what was wrong."""
    chance, wrong = random.Random(seed), []
    for _ in range(count):
        world, schedule = start(), []
        while world.running:
            schedule.append(chance.choice(world.choices()))
            world.choose(schedule[-1])
        if problem := check(world.stores):
            wrong.append((problem, schedule))
    return wrong


def explore(start: Callable[[], World], check: Callable[[Any], str | None]) -> tuple[int, list[tuple[str, list[Any]]]]:
    """Every reachable end, and the schedules that ended wrongly with what was wrong. Equal states are visited once."""
    ends, wrong, visited = 0, [], set()
    pending: list[list[tuple[str, str]]] = [[]]
    while pending:
        schedule = pending.pop()
        world = start()
        for choice in schedule:
            world.choose(choice)
        while True:
            fingerprint = world.fingerprint()
            if fingerprint in visited:
                break
            visited.add(fingerprint)
            choices = world.choices()
            if not world.running:
                ends += 1
                if problem := check(world.stores):
                    wrong.append((problem, schedule))
                break
            pending += [[*schedule, other] for other in choices[1:]]
            schedule = [*schedule, choices[0]]
            world.choose(choices[0])
    return ends, wrong
