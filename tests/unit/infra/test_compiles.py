"""Where this machine has Bicep's compiler, it takes infra/."""

import shutil
import subprocess

import pytest

from unit.infra import bicep

COMPILER = shutil.which("bicep")


@pytest.mark.skipif(COMPILER is None, reason="Bicep's compiler is not on this machine: nothing here compiled infra/.")
@pytest.mark.parametrize("file", ["main.bicep", "events.bicep"])
def test_infra_compiles(file: str) -> None:
    assert COMPILER is not None
    done = subprocess.run(
        [COMPILER, "build", "--stdout", bicep.INFRA / file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
