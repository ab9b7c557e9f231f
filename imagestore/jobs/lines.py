"""What a runner and the child that does the work, model/job_child.py, tell each other.

The runner names the job and its attempt in one argument; the child prints one JobLine of JSON after another, of which
the last holds the result.
"""

import msgspec

from imagestore.jobs.job import JobResult


class Asked(msgspec.Struct, frozen=True):
    """Which job to do, and the mark of the attempt that does it."""

    job: str
    attempt: str


class JobLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line that the child prints: a stage of so many steps begins, some steps are done, or the job ends."""

    stage: str | None = None
    steps: int = 0
    done: int | None = None
    result: JobResult | None = None
