"""What a large training set costs in time and memory: `python -m bench.training_set --pictures 5000`.

Needs the connections IMAGES_STORAGE and COSMOS, and uses the first alone. So many small pictures, drawn here, are
kept in a project of their own, listed, and made ready to be learned from twice: when all must be computed, and when all
was. Peak memory is that of the process up to then. docs/model.md has the figures.
"""

import argparse
import os
import resource
import tempfile
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

from imagestore.configure import open_stores
from imagestore.store.projects import Project, Projects
from imagestore.store.training import TrainingPictures, at_once
from model.training import training_set
from model.versions import gather, import_folders
from preprocess import Limits

LABELS, SIDE = 10, 48
_table = Table("", "seconds", "pictures/s", "peak memory MB", box=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=5000)
    count = parser.parse_args().pictures
    name = f"bench-{uuid4().hex[:8]}"
    project = Project(name, name)
    blobs = open_stores(os.environ).training
    nothing = SimpleNamespace(read=lambda: Projects({}))
    stores: Any = SimpleNamespace(
        training=blobs, uploads=None, records=SimpleNamespace(corrections=list), projects=nothing
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        draw(folder, count)
        try:
            with measured("before", 0):
                pass
            with measured("kept", count):
                import_folders(stores, project, [folder], quiet)
            with measured("listed", count):
                found = training_set.open_set(stores, name)
            assert len(found.labelled) == count
            del found
            for what in ("made ready, all computed", "made ready again"):
                with measured(what, count):
                    gathered = gather(stores, project, [], Limits(), quiet)
                    gathered.computed.write({example.sha256 for example in gathered.prepared.examples.good})
                del gathered
            with measured("test part read", count):
                training_set.held_out(stores, name, Limits(), quiet)
        finally:
            remove(TrainingPictures(blobs, name), stores)
    Console().print(_table)


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


@contextmanager
def measured(what: str, count: int) -> Iterator[None]:
    """A row of the table: the time that the `with` block takes, and the peak memory after it."""
    started = time.monotonic()
    yield
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _table.add_row(what, f"{seconds:.1f}", f"{count / seconds:.0f}" if count else "", f"{peak:.0f}")


def remove(pictures: TrainingPictures, stores: Any) -> None:
    """Delete all that was put."""
    names = [blob.name for page, _ in stores.training.list(prefix=f"{pictures.folder}/") for blob in page]
    at_once(stores.training.delete, names)


def quiet(name: str, steps: int) -> Callable[[], None]:
    """Progress that nobody hears of."""
    return lambda: None


if __name__ == "__main__":
    main()
