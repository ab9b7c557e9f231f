"""`imagestore` as a shell runs it, a process each; only that the processes are forks of one that has its imports done.

A command spends more than a second on its imports, and the tests run a hundred of them.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from imagestore.settings import ROOT

TIMEOUT_S = 1500
"""No assertion on speed: a machine may be five times slower than another."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["imagestore.cli.main", "model.promote", "model.versions"])


def run(*arguments: object, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder, with these variables beside those of the tests; nobody answers it."""
    command = [str(argument) for argument in arguments]
    variables = {**os.environ, "COLUMNS": "200", **(environment or {})}
    with TemporaryDirectory() as folder:
        process = _FORKS.Process(target=_main, args=(command, variables, folder))
        with mock.patch.dict(os.environ, TERM="dumb"):  # so that the first one finds no terminal, as the others
            process.start()
        process.join(TIMEOUT_S)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(command, TIMEOUT_S)
        said, complaints = (Path(folder, name).read_text("utf-8") for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(command, process.exitcode, said, complaints)


def _main(command: list[str], variables: dict[str, str], folder: str) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(ROOT)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(folder, name), os.O_WRONLY | os.O_CREAT), number)
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
    sys.argv = ["imagestore", *command]
    from imagestore.cli.main import main

    main()
