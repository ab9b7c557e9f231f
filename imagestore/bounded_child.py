"""What a child process does first that is to bound what it runs: its own output, memory and time."""

import os
import resource
import signal
from typing import BinaryIO


def begin(memory_bytes: int) -> BinaryIO:
    """Bound this process's memory, and leave Ctrl-C to the parent. Returns where it answers its parent.

    What a library prints goes to standard error from now on, since it is no answer.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    return answers


def end_in(seconds: float) -> None:
    """End this process in so many seconds, also in C code: its parent, which kills it before, may be dead itself. With
    0, do not."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
