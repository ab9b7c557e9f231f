"""Labelled pictures: found in folders, read through the same limits and decode child as uploads, and checked."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from classify.model import RESERVED_LABEL
from errors import ImageStoreError, Missing, PictureError
from model.reading import Readers
from preprocess import Decoder, Limits

FEWEST = 5
"""Pictures a class needs, duplicates counted once: four to learn from and one to test with."""
THUMB_SIDE = 32
_LOOK_SIDE = 320
_GRAY_WITHIN = 8


class BadTrainingData(ImageStoreError):
    """The labelled pictures cannot be learned from; the message says what is missing."""


@dataclass(frozen=True)
class Labelled:
    """A picture with its label. `read` gives the file's bytes, `md5` is their MD5 where it is known without reading;
    a correction is never used for testing."""

    label: str
    name: str
    read: Callable[[], bytes]
    is_correction: bool = False
    md5: str | None = None


@dataclass(frozen=True)
class Example:
    """A labelled picture that could be read: its SHA-256 and MD5, its gray thumbnail uint8 [32, 32], and whether it is
    gray itself."""

    source: Labelled
    sha256: str
    md5: str
    thumb: np.ndarray
    is_gray: bool = False

    @property
    def label(self) -> str:
        """Its class."""
        return self.source.label


@dataclass
class Examples:
    """What could be read, and by name why others could not."""

    good: list[Example] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)


def in_folder(folder: Path) -> list[Labelled]:
    """The pictures in `folder/<label>/…`, hidden ones left out. BadTrainingData."""
    if not folder.is_dir():
        raise BadTrainingData(f"'{folder}' is not a folder. It takes one with a subfolder for each label.")
    found: list[Labelled] = []
    for sub in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        files = (path for path in sorted(sub.rglob("*")) if path.is_file())
        seen = (path for path in files if not any(part.startswith(".") for part in path.relative_to(sub).parts))
        found += [Labelled(sub.name, str(path.relative_to(folder)), path.read_bytes) for path in seen]
    if not found:
        raise BadTrainingData(f"'{folder}' has no pictures in subfolders; each label is a subfolder: {folder}/rose/….")
    return found


def read(sources: Iterable[Labelled], limits: Limits, progress: Callable[[], None]) -> Examples:
    """Read every picture once, as small as the search for duplicates needs it; `progress` hears of each."""
    examples = Examples()

    def one(decoder: Decoder, source: Labelled) -> tuple[Labelled, Example | None, str]:
        try:
            data = source.read()
            pixels = decoder.rendition(data, _LOOK_SIDE, limits)
        except PictureError as error:
            return source, None, f"{error.reason}: {error.detail}"
        except Missing:
            return source, None, "it was deleted just now"
        thumb = Image.fromarray(pixels).convert("L").resize((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX)
        sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
        return source, Example(source, sha256, md5, np.asarray(thumb, np.uint8), _is_gray(pixels)), ""

    with Readers() as readers:
        for source, example, why in readers.map(one, sources):
            progress()
            if example is None:
                examples.bad[source.name] = why
            else:
                examples.good.append(example)
    return examples


def _is_gray(pixels: np.ndarray) -> bool:
    """Of uint8 [height, width] or [height, width, 3]; what a JPEG adds to the colour of a gray picture is none."""
    return pixels.ndim == 2 or int((pixels.max(axis=2) - pixels.min(axis=2)).max()) <= _GRAY_WITHIN


def check(examples: list[Example], groups: np.ndarray) -> None:
    """Whether there is something to learn, and to test. BadTrainingData names every class that is too small."""
    labels = sorted({example.label for example in examples})
    if RESERVED_LABEL in labels:
        raise BadTrainingData(
            f"'{RESERVED_LABEL}' cannot be a label: it is what a picture is called under the model's threshold."
        )
    if len(labels) < 2:
        there = f"There is only the label '{labels[0]}'" if labels else "No picture can be read"
        raise BadTrainingData(f"{there}; at least two labels are needed.")
    few = _few(examples, groups)
    if few:
        said = ", ".join(f"'{label}' has {count}" for label, count in sorted(few.items()))
        raise BadTrainingData(
            f"Each label needs at least {FEWEST} different pictures, to learn from and to test with: {said}. Add some; "
            "a label that was kept before goes when its blobs in the container 'training' are deleted."
        )


def rare_corrections(examples: list[Example], groups: np.ndarray) -> dict[str, int]:
    """Labels that nobody but corrections gave, and too few: how many different pictures each has. One who corrects a
    picture to something new must not keep everybody from training."""
    given = {example.label for example in examples if not example.source.is_correction}
    return {label: count for label, count in _few(examples, groups).items() if label not in given}


def _few(examples: list[Example], groups: np.ndarray) -> dict[str, int]:
    """Labels with fewer different pictures than FEWEST, and how many those are."""
    distinct: dict[str, set[int]] = defaultdict(set)
    for example, group in zip(examples, groups, strict=True):
        distinct[example.label].add(int(group))
    return {label: len(found) for label, found in distinct.items() if len(found) < FEWEST}


def contradictions(examples: list[Example]) -> list[tuple[str, list[str]]]:
    """Files that are there under more than one label: (SHA-256, labels)."""
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        labels[example.sha256][example.label] += 1
    return [(sha256, sorted(found)) for sha256, found in labels.items() if len(found) > 1]
