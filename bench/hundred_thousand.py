"""What a large training set costs in time and memory: `python -m bench.hundred_thousand --pictures 100000`.

So many small pictures, drawn here, are kept in a project of their own, listed, made ready, trained from and made ready
again. Each stage is a row: seconds, the highest memory of the process during it (VmHWM, which counts the pages of files
that the operating system may take back), and the highest that is not of files (RssAnon, looked at ten times a second).
docs/model.md has the figures.

Without options the pictures lie in one SQLite file (sqlite_blobs.py). With `--store` they lie in the account that
IMAGES_STORAGE names. `--data FILE` keeps the SQLite file, and goes on with what is in it. With `--held`, nothing of how
pictures are shown to the model is chosen, so that no other network is tried.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from bench.sqlite_blobs import SqliteBlobs
from imagestore.configure import open_stores
from imagestore.store.custom_vision import CustomVisionTable
from imagestore.store.models import Models
from imagestore.store.projects import Project, Projects
from imagestore.store.training import TrainingPictures, at_once
from model.training import training_set
from model.training.recipe import Held
from model.training.train import TrainingOptions
from model.versions import gather, import_folders, train_version
from preprocess import Fit, Limits

LABELS, SIDE = 10, 48
HELD = Held(colour=False, fit=Fit.CROP, middle=False, level=False, backbone="lite0", views=0)
_PROC = Path("/proc/self")


class Rows:
    """The table of stages; a stage ends where the next begins."""

    def __init__(self) -> None:
        self.table = Table("", "pictures", "seconds", "peak MB", "of which not files", box=None)
        self._name, self._steps, self._started, self._anonymous = "", 0, 0.0, 0
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self, name: str, steps: int) -> Callable[[], None]:
        """Begin a stage, as model/progress.py has it."""
        self.end()
        self._name, self._steps, self._started, self._anonymous = name, steps, time.monotonic(), 0
        (_PROC / "clear_refs").write_text("5")  # VmHWM begins again
        return lambda: None

    def end(self) -> None:
        """End the stage that was begun."""
        if self._name:
            seconds, peak = time.monotonic() - self._started, _kb("VmHWM") / 1024
            row = (self._name, str(self._steps), f"{seconds:.1f}", f"{peak:.0f}", f"{self._anonymous / 1024:.0f}")
            self.table.add_row(*row)
            print(*row, sep="\t", flush=True)
        self._name = ""

    def _watch(self) -> None:
        while not self._stopped.wait(0.1):
            self._anonymous = max(self._anonymous, _kb("RssAnon"))


@contextmanager
def stage(rows: Rows, name: str, steps: int) -> Iterator[None]:
    """A stage that is the `with` block."""
    rows.begin(name, steps)
    yield
    rows.end()


def measure(stores: Any, project: Project, count: int, held: Held, rows: Rows) -> None:
    """Bring the pictures in if they are not there, and go through all that a training does."""
    limits = Limits()
    if not any(TrainingPictures(stores.training, project.name).list()):
        with tempfile.TemporaryDirectory() as made:
            draw(Path(made), count)
            import_folders(stores, project, [Path(made)], rows.begin)
    with stage(rows, "Listing", count):
        assert len(training_set.open_set(stores, project.name).labelled) == count
    rows.begin("Listing to learn from", count)
    gathered = gather(stores, project, [], limits, rows.begin)
    rows.begin("Training begins", count)
    made_version = train_version(
        stores,
        gathered,
        project.name,
        lambda version: TrainingOptions(project.name, version, held),
        limits,
        rows.begin,
    )
    rows.end()
    groups = len(set(gathered.prepared.grouping.groups.tolist()))
    print(f"{groups} groups. {made_version.provenance.choice.sentence()}\n{made_version.report.sentence()}")
    del gathered, made_version
    with stage(rows, "All made ready again", count):
        gather(stores, project, [], limits, lambda name, steps: lambda: None)
    with stage(rows, "Test part read", count // 5):
        training_set.held_out(stores, project.name, limits, lambda name, steps: lambda: None)


def draw(folder: Path, count: int) -> None:
    """Pictures that differ, and are brighter with each label."""
    for label in range(LABELS):
        (folder / f"label {label}").mkdir()
    chance = np.random.default_rng(1)
    for number in range(count):
        label = number % LABELS
        coarse = chance.integers(0, 128 + 12 * label, (6, 6, 3)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        picture.save(folder / f"label {label}" / f"{number}.png")


def stores_of(training: Any, models: Any) -> Any:
    """Stores with no uploads, as far as training asks for them."""
    return SimpleNamespace(
        training=training,
        models=Models(models),
        custom_vision=CustomVisionTable(models),
        uploads=None,
        records=SimpleNamespace(corrections=list),
        jobs=SimpleNamespace(find=lambda *_, **__: iter(())),
        projects=SimpleNamespace(read=lambda: Projects({})),
    )


def remove(folder: str, *containers: Any) -> None:
    """Delete all that was put."""
    for blobs in containers:
        at_once(blobs.delete, [blob.name for page, _ in blobs.list(prefix=f"{folder}/") for blob in page])


def _kb(key: str) -> int:
    lines = (_PROC / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.hundred_thousand", description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--store", action="store_true", help="in the account of IMAGES_STORAGE")
    parser.add_argument("--data", type=Path, help="the SQLite file to keep them in")
    parser.add_argument("--held", action="store_true", help="gray, cropped, Lite0")
    arguments = parser.parse_args()
    rows, held = Rows(), HELD if arguments.held else Held()
    if arguments.store:
        name = f"bench-{uuid4().hex[:8]}"
        found = open_stores(os.environ)
        stores = stores_of(found.training, found.models._blobs)
        try:
            measure(stores, Project(name, name), arguments.pictures, held, rows)
        finally:
            remove(name, found.training, found.models._blobs)
    else:
        with tempfile.TemporaryDirectory() as made:
            path = arguments.data or Path(made) / "blobs.sqlite"
            stores = stores_of(SqliteBlobs(path), SqliteBlobs(path.with_suffix(".models"), "models"))
            measure(stores, Project("big", "big"), arguments.pictures, held, rows)
    Console(width=120).print(rows.table)


if __name__ == "__main__":
    main()
