"""schemathesis (https://schemathesis.io), as its command line: requests made from the API's description."""

import subprocess
import sysconfig
from pathlib import Path

from .conftest import TIMEOUT_S

_PROGRAM = Path(sysconfig.get_path("scripts")) / "schemathesis"
_LONGEST_S = 1500
_UNHURRIED = ["--request-timeout", str(TIMEOUT_S), "--suppress-health-check", "all"]
"""A slow machine is no finding."""


def finds_nothing(folder: Path, description: str, *options: str) -> str:
    """Its report, from a run in this folder on the description at that path or address; fails if it found anything."""
    command = [str(_PROGRAM), "run", description, *options, "--exclude-path", "/api/v1/events"]  # it never ends
    command += ["--seed", "1", "--generation-deterministic", "--no-color", "--warnings", "off", *_UNHURRIED]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_LONGEST_S)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout
