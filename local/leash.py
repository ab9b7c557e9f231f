"""Ends a program when its parent, at the other end of standard input, is gone.

`python -m local.leash MODULE …` runs a module that knows nothing of it.
"""

import os
import runpy
import signal
import sys
import threading


def hold() -> None:
    """Watch standard input from a thread; at its end send this process SIGTERM."""
    threading.Thread(target=_watch, name="leash", daemon=True).start()


def _watch() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    hold()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
