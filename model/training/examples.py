"""Finds labelled pictures in folders, reads them as uploads are read, and checks that a model can learn from them."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from imagestore.errors import BadTrainingData, NotFound
from imagestore.record import is_utf8, stored_name
from model.decoder_pool import DecoderPool
from model.training import bursts
from model.training.bursts import Taken
from model.training.kept_arrays import KeptArrays
from preprocess import Decoder, Limits, PictureError
from preprocess.transform import HASH_SOURCE

NONE = ""
"""In place of a label, of a picture that shows none of the labels."""
THUMB_SIDE = HASH_SOURCE
_LOOK_SIDE = 320
_GRAY_WITHIN = 8


@dataclass(frozen=True)
class Labelled:
    """A file with its labels, not read yet: one, or where a project knows several labels a picture, all that hold. A
    picture that shows none of the labels has none.

    `read` returns the file's bytes, and `sha256` is that of these, where it is known. Corrections never become test
    pictures.
    """

    labels: tuple[str, ...]
    name: str
    read: Callable[[], bytes]
    is_correction: bool = False
    sha256: str | None = None

    @property
    def label(self) -> str:
        """Its label, or the first of them; NONE if it has none."""
        return self.labels[0] if self.labels else NONE


@dataclass(frozen=True)
class Example:
    """A labelled picture that could be read.

    `sha256` and `md5` are those of the file (`md5` is empty if it was not read), `thumb` is a gray thumbnail uint8
    [32, 32], and `is_gray` says whether the picture itself has no colour. `look` float32 [1280] is by what
    look_alikes.py compares pictures, where it is known, and `taken` is when and by which camera the picture was taken,
    if the file says so.
    """

    source: Labelled
    sha256: str
    md5: str
    thumb: np.ndarray
    is_gray: bool = False
    look: np.ndarray | None = None
    taken: Taken | None = None

    @property
    def label(self) -> str:
        """The label that it was given, or the first of them; NONE if it shows none of the labels."""
        return self.source.label

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels that it was given."""
        return self.source.labels

    def with_labels(self, labels: tuple[str, ...]) -> "Example":
        """The same picture with other labels."""
        return self if labels == self.labels else replace(self, source=replace(self.source, labels=labels))


@dataclass
class Examples:
    """The pictures that could be read, and for each of the others, by name, why not."""

    good: list[Example] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)


@dataclass
class FoundInFolder:
    """The labelled pictures of a folder, and how many files were left out since their names are not UTF-8."""

    pictures: list[Labelled] = field(default_factory=list)
    not_utf8: int = 0


def in_folder(folder: Path) -> FoundInFolder:
    """Find the pictures in `folder/<label>/…`, except hidden files. Raises BadTrainingData if there are none."""
    if not folder.is_dir():
        raise BadTrainingData(f"'{folder}' is not a folder. It takes one with a subfolder for each label.")
    found = FoundInFolder()
    for sub in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        files = (path for path in sorted(sub.rglob("*")) if path.is_file())
        seen = (path for path in files if not any(part.startswith(".") for part in path.relative_to(sub).parts))
        for path in seen:
            name = str(path.relative_to(folder))
            if is_utf8(name):
                found.pictures.append(Labelled((sub.name,), stored_name(name), path.read_bytes))
            else:
                found.not_utf8 += 1
    if not found.pictures:
        raise BadTrainingData(f"'{folder}' has no pictures in subfolders; each label is a subfolder: {folder}/rose/….")
    return found


def negatives_in(folder: Path) -> FoundInFolder:
    """Find the pictures that show none of the labels: all below this folder, except hidden files, with names that begin
    with the folder's. Raises BadTrainingData if there are none."""
    if not folder.is_dir():
        raise BadTrainingData(f"'{folder}' is not a folder. It takes one of pictures that show none of the labels.")
    found, above = FoundInFolder(), folder.resolve().parent
    for path in (path for path in sorted(folder.resolve().rglob("*")) if path.is_file()):
        name = path.relative_to(above)
        if any(part.startswith(".") for part in name.parts[1:]):
            continue
        if is_utf8(str(name)):
            found.pictures.append(Labelled((), stored_name(str(name)), path.read_bytes))
        else:
            found.not_utf8 += 1
    if not found.pictures:
        raise BadTrainingData(f"'{folder}' has no pictures.")
    return found


def read(
    sources: Iterable[Labelled], limits: Limits, progress: Callable[[], None], kept: KeptArrays | None = None
) -> Examples:
    """Read every picture once, no larger than the search for duplicates needs. `progress` is called after each.

    A picture of which the thumbnail is kept is not decoded again, nor read, if its SHA-256 is known.
    """
    examples, kept = Examples(), kept or KeptArrays()
    basis = {"side": _LOOK_SIDE, "limits": asdict(limits)}
    looks, moments = kept.get("looks", **basis), kept.get("moments", **basis)
    new_looks, new_moments = {}, {}

    def one(decoder: Decoder, source: Labelled) -> tuple[Labelled, Example | None, str]:
        known = source.sha256
        if known is not None and known in looks and known in moments:
            return source, _example(source, known, "", looks[known], moments[known]), ""
        try:
            data = source.read()
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 != (known or sha256):
                return source, None, "its content is not what its name says; remove it, and import it again"
            look, moment = looks.get(sha256), moments.get(sha256)
            if look is None or moment is None:
                info, pixels = decoder.described_rendition(data, _LOOK_SIDE, limits)
                look, moment = new_looks[sha256], new_moments[sha256] = _look(pixels), bursts.packed(info)
        except PictureError as error:
            return source, None, f"{error.reason}: {error.detail}"
        except NotFound:
            return source, None, "it was deleted just now"
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return source, _example(source, sha256, md5, look, moment), ""

    with DecoderPool() as decoders:
        for source, example, why in decoders.map(one, sources):
            progress()
            if example is None:
                examples.bad[source.name] = why
            else:
                examples.good.append(example)
    kept.add(new_looks, "looks", **basis)
    kept.add(new_moments, "moments", **basis)
    return examples


def _example(source: Labelled, sha256: str, md5: str, look: np.ndarray, moment: np.ndarray) -> Example:
    return Example(source, sha256, md5, look[:-1], bool(look[-1, 0]), taken=bursts.unpacked(moment))


def _look(pixels: np.ndarray) -> np.ndarray:
    """The gray thumbnail of pixels uint8 [height, width, 3] and, in one more row, whether they are gray."""
    thumb = Image.fromarray(pixels).convert("L").resize((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX)
    return np.concatenate([np.asarray(thumb, np.uint8), np.full((1, THUMB_SIDE), _is_gray(pixels), np.uint8)])


def _is_gray(pixels: np.ndarray) -> bool:
    """Whether pixels uint8 [height, width] or [height, width, 3] have no colour, apart from what JPEG adds to gray."""
    return pixels.ndim == 2 or int((pixels.max(axis=2) - pixels.min(axis=2)).max()) <= _GRAY_WITHIN
