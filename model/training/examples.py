"""Finds labelled pictures in folders, reads them as uploads are read, and checks that a model can learn from them."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from imagestore.errors import BadTrainingData, NotFound
from imagestore.record import is_utf8, stored_name
from imagestore.store.patience import patiently
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
    pictures. Pictures of one `group` belong together, as parts of one picture do.
    """

    labels: tuple[str, ...]
    name: str
    read: Callable[[], bytes]
    is_correction: bool = False
    sha256: str | None = None
    group: str | None = None

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
    examples, kept, sources = Examples(), kept or KeptArrays(), list(sources)
    basis = {"side": _LOOK_SIDE, "limits": asdict(limits)}
    of_looks, of_moments = kept.table("looks", **basis), kept.table("moments", **basis)
    # Those that are not known by their content may have any.
    wanted = {source.sha256 or "" for source in sources} if all(source.sha256 for source in sources) else None
    looks, moments = of_looks.take(wanted), of_moments.take(wanted)

    def one(decoder: Decoder, source: Labelled) -> _Read | str:
        known = source.sha256
        if known is not None and known in looks and known in moments:
            return _Read(known, "", looks[known], moments[known])
        try:
            data = patiently(source.read)
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 != (known or sha256):
                return "its content is not what its name says; remove it, and import it again"
            md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
            if sha256 in looks and sha256 in moments:
                return _Read(sha256, md5, looks[sha256], moments[sha256])
            info, pixels = decoder.described_rendition(data, _LOOK_SIDE, limits)
            return _Read(sha256, md5, _look(pixels), bursts.packed(info), is_new=True)
        except PictureError as error:
            return f"{error.reason}: {error.detail}"
        except NotFound:
            return "it was deleted just now"

    with DecoderPool() as decoders:
        for source, found in zip(sources, decoders.map(one, sources), strict=True):
            progress()
            if isinstance(found, str):
                examples.bad[source.name] = found
                continue
            examples.good.append(found.example(source))
            if found.is_new:
                of_looks.add(found.sha256, found.look)
                of_moments.add(found.sha256, found.moment)
    return examples


@dataclass(frozen=True, slots=True)
class _Read:
    """What is known of a picture: `look` uint8 [33, 32] and `moment` int64 [3], as they are kept."""

    sha256: str
    md5: str
    look: np.ndarray
    moment: np.ndarray
    is_new: bool = False

    def example(self, source: Labelled) -> Example:
        taken, is_gray = bursts.unpacked(self.moment), bool(self.look[-1, 0])
        return Example(source, self.sha256, self.md5, self.look[:-1], is_gray, taken=taken)


def _look(pixels: np.ndarray) -> np.ndarray:
    """The gray thumbnail of pixels uint8 [height, width, 3] and, in one more row, whether they are gray."""
    is_gray = np.full((1, THUMB_SIDE), _is_gray(pixels), np.uint8)
    return np.concatenate([thumbnail(Image.fromarray(pixels)), is_gray])


def thumbnail(picture: Image.Image) -> np.ndarray:
    """The gray thumbnail uint8 [32, 32] of a picture, by which it is recognised."""
    small = picture.convert("L").resize((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX)
    return np.asarray(small, np.uint8)


def _is_gray(pixels: np.ndarray) -> bool:
    """Whether pixels uint8 [height, width] or [height, width, 3] have no colour, apart from what JPEG adds to gray."""
    return pixels.ndim == 2 or int((pixels.max(axis=2) - pixels.min(axis=2)).max()) <= _GRAY_WITHIN
