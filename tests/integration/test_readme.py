"""What the README shows works."""

import os
import re
import subprocess
import sys

import pytest

from imagestore.local.supervisor import Stack
from imagestore.settings import ROOT

from .conftest import Pipeline

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize(("block", "said"), [(0, "classified cup or mug"), (1, "uploads coffee.jpg")])
def test_python_blocks_run_as_they_stand(
    stack: Stack, pipeline: Pipeline, coffee: bytes, block: int, said: str
) -> None:
    pipeline.tags("coffee.jpg", pipeline.drop("coffee.jpg", coffee))
    program = BLOCKS[block].replace(":8081", f":{stack.options.ports.cosmos}")
    program = program.replace("UseDevelopmentStorage=true", stack.environment["IMAGES_STORAGE"])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
