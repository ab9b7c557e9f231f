"""How much processor time a worker takes until it can classify: the function app's imports, and the model."""

import os
import statistics
import subprocess
import sys

from imagestore.local.supervisor import OF_WORKERS
from imagestore.settings import AZURITE, COSMOS_EMULATOR, ROOT, Settings

_READY = (
    "import time, function_app, imagestore.configure as c; function_app.app.get_functions(); "
    "from classify import read_model; from pathlib import Path; "
    "read_model(Path('model/default/model.onnx').read_bytes(), 'the shipped model'); "
    "print(time.process_time(), flush=True); import os; os._exit(0)"
)


def cpu_s(runs: int = 7) -> float:
    """The median of so many fresh processes, in seconds; a first one, which reads from the disk, does not count."""
    environment = {
        **Settings().environment(), **OF_WORKERS, "PATH": os.environ["PATH"], "IMAGES_STORAGE": AZURITE,
        "COSMOS": COSMOS_EMULATOR,
    }  # fmt: skip
    found = []
    for _ in range(runs + 1):
        done = subprocess.run(
            [sys.executable, "-c", _READY], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        found.append(float(done.stdout.splitlines()[-1]))
    return statistics.median(found[1:])
