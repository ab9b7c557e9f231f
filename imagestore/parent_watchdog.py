"""Ends a program when its parent has ended. The parent holds the writing end of the program's standard input.

`python -m imagestore.parent_watchdog MODULE …` runs any module under it.
"""

import os
import runpy
import signal
import sys
import threading


def end_with_parent(*, with_group: bool = False) -> None:
    """Watch standard input from a thread, and send this process SIGTERM when it closes.

    With `with_group`, a process that leads a process group sends it to the whole group: to what it has started, too.
    """
    threading.Thread(target=_watch, args=(with_group,), name="parent watchdog", daemon=True).start()


def _watch(with_group: bool) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if with_group and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    end_with_parent()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
