"""Stop and start: everything is still there."""

import os
import signal
from functools import partial
from pathlib import Path

from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import record_id

from .conftest import Pipeline, eventually


def test_data_outlives_a_restart_and_what_was_missed_is_made_up_for(tmp_path: Path, coffee: bytes) -> None:
    options = Options(ports=Ports.from_base(23100), folder=tmp_path, workers=1)
    with Stack(options) as stack:
        stack.start(lambda what: None)
        first = Pipeline(stack)
        etag = first.drop("kept.jpg", coffee)
        record = first.record("kept.jpg", etag)
        first.tags("kept.jpg", etag)
        stack.processes["relay"].stop()
        missed = first.drop("missed.jpg", coffee)
        assert first.stores.records.read(record_id("missed.jpg")) is None
    with Stack(options) as stack:
        stack.start(lambda what: None)
        second = Pipeline(stack)
        assert second.record("kept.jpg", etag) == record
        assert second.record("missed.jpg", missed).label == "cup or mug"


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys; from pathlib import Path; from imagestore.local.ports import Ports;"
        "from imagestore.local.supervisor import Options, Stack;"
        f"s = Stack(Options(ports=Ports.from_base(23200), folder=Path({str(tmp_path)!r}), workers=1));"
        "s.start(lambda what: None); print(*(p.pid for p in s.processes.values()), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(pid) for pid in supervisor.stdout.readline().split()]
        assert len(pids) == 4
        os.kill(supervisor.pid, signal.SIGKILL)
    for pid in pids:
        eventually(partial(has_ended, pid), f"process {pid} to end")


def has_ended(pid: int) -> bool:
    """Whether the process works no more; one that ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
