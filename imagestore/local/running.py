"""Which local stacks are running on this machine, and how to reach each.

A running stack locks its data folder and keeps its settings there in `environment.json`. Notes in the user's state
folder tell which data folders there are, so that a command can name the running stacks.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from imagestore.local.places import state_home

LOCK = "lock"
_ENVIRONMENT = "environment.json"


@dataclass(frozen=True)
class RunningStack:
    """A running stack: its data folder, the address of its pages, and its settings as environment variables."""

    folder: Path
    address: str
    environment: Mapping[str, str]


@contextlib.contextmanager
def announced(folder: Path, address: str, environment: Mapping[str, str]) -> Iterator[None]:
    """A `with` block during which commands find the stack with this data folder."""
    file = folder / _ENVIRONMENT
    file.write_text(json.dumps({"address": address, "environment": dict(environment)}), "utf-8")
    note = _notes() / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    with contextlib.suppress(OSError):  # without the note this stack is found by its folder alone
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_bytes(os.fsencode(folder))
    try:
        yield
    finally:
        for each in (file, note):
            with contextlib.suppress(OSError):
                each.unlink()


def stack_in(folder: Path) -> RunningStack | None:
    """The running stack with this data folder, None if there is none."""
    try:
        found = json.loads((folder / _ENVIRONMENT).read_text("utf-8"))
        if not is_locked(folder):  # it was killed, and could not take its note away
            return None
        return RunningStack(folder, found["address"], found["environment"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def running_stacks() -> list[RunningStack]:
    """This user's running stacks on this machine, in the order of their data folders."""
    found = []
    with contextlib.suppress(OSError):
        for note in _notes().iterdir():
            if stack := stack_in(Path(os.fsdecode(note.read_bytes()))):
                found.append(stack)
            else:  # it was killed
                note.unlink(missing_ok=True)
    return sorted(found, key=lambda stack: stack.folder)


def ports_in_use() -> dict[int, str]:
    """The ports of the running stacks, each with its stack's data folder."""
    ports: dict[int, str] = {}
    for stack in running_stacks():
        for text in (stack.address, *stack.environment.values()):
            ports |= {int(port): str(stack.folder) for port in re.findall(r"://[\w.]+:(\d+)", text)}
    return ports


def is_locked(folder: Path) -> bool:
    """Whether a process holds the lock in this data folder."""
    try:
        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def _notes() -> Path:
    return state_home() / "stacks"
