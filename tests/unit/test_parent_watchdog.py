"""A program ends with its parent, which holds the writing end of its standard input."""

import signal
import subprocess
import sys
from pathlib import Path

from imagestore.settings import ROOT

PROGRAM = """
import os, signal, sys, threading
def end(number, frame):
    os.write(1, " ".join(["ended by", signal.Signals(number).name, *sys.argv[1:]]).encode())
    raise SystemExit(0)
signal.signal(signal.SIGTERM, end)
os.write(1, b"runs\\n")  # print would not bear the signal in its midst
threading.Event().wait()
"""
PATIENCE_S = 60


def test_it_runs_any_module_and_ends_it_when_standard_input_closes(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    child = subprocess.Popen(
        [sys.executable, "-m", "imagestore.parent_watchdog", "program", "--port", "7"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "runs\n"
    told, _ = child.communicate(timeout=PATIENCE_S)  # closes standard input, as the end of the parent does
    assert told == f"ended by {signal.SIGTERM.name} --port 7"
    assert child.returncode == 0
