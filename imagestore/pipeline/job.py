"""What the web app and the child process that does long work for it, model/job_child.py, tell each other.

The parent gives the child a WantedJob in one argument, so that no name or label can be mistaken for an option. The
child prints one JobLine of JSON after another; the last holds the result.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import msgspec

from imagestore.errors import GateOverride

JobKind = Literal["promote", "rollback", "reprocess"]


class JobState(StrEnum):
    """The state of a job. `refused`: the gate does not let the model through."""

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How a job ended, if it has. `say` and `details` are for a person.

    If a promotion was refused, `override` and `drop` would let it pass.
    """

    state: JobState = JobState.RUNNING
    say: str = ""
    details: list[str] = field(default_factory=list)
    override: GateOverride | None = None
    drop: list[str] = field(default_factory=list)


class WantedJob(msgspec.Struct, frozen=True):
    """What to do.

    `by` is the account that the history names. `name` to `drop` are for a promotion, which may drop the labels in
    `drop`.
    """

    kind: JobKind
    by: str
    name: str | None = None
    version: str | None = None
    override: GateOverride = GateOverride.NOTHING
    drop: list[str] = []


class JobLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line that the child prints: a stage of so many steps begins, some steps are done, or the job ends."""

    stage: str | None = None
    steps: int = 0
    done: int | None = None
    result: JobResult | None = None
