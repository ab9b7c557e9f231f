"""Computes a frozen backbone's features of each picture as production sees it, and of altered views of it; with them,
as the last columns, what its middle layers give, if they are read."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import onnx
from PIL import Image, ImageEnhance

from classify.session import open_session
from imagestore.store.patience import patiently
from model.decoder_pool import DecoderPool
from model.training import scratch
from model.training.examples import Example, thumbnail
from model.training.kept_arrays import KeptArrays, Table
from preprocess import Decoder, ImageSpec, Limits
from preprocess.transform import fit

_SOURCE_SIDE = 384
_TURN_DEGREES = 10.0
_CROP = (0.75, 1.0)
_LIGHT = (0.8, 1.25)
WHITE = 255


@dataclass(frozen=True)
class Views:
    """How many altered views of each picture are made besides the true one, and whether half of them are mirrored."""

    count: int = 0
    flip: bool = False

    def made(self, picture: Image.Image, random: np.random.Generator) -> list[Image.Image]:
        """The altered views of a picture."""
        return [_altered(picture, random, self.flip) for _ in range(self.count)]


@dataclass(frozen=True)
class Copies:
    """Altered copies such as people make, by which the search for look-alikes is set: cropped by 4 % on each side,
    shifted and turned a little to either side."""

    count: int = 3

    def made(self, picture: Image.Image, random: np.random.Generator) -> list[Image.Image]:
        """The altered copies of a picture, which depend on nothing else."""
        turned = [picture, *(picture.rotate(by, Image.Resampling.BICUBIC) for by in (3, -3))]
        boxes = ((0.04, 0.04, 0.96, 0.96), (0.03, 0.04, 0.96, 0.97), (0.04, 0.03, 0.97, 0.96))  # without the corners
        return [_cut(one, box) for one, box in zip(turned, boxes, strict=True)]


class Backbone:
    """The part of a model that computes features, and those of middle layers if it gives any: uint8 [batch, height,
    width, channels] → float [batch, width]."""

    def __init__(self, model: onnx.ModelProto, spec: ImageSpec) -> None:
        data = model.SerializeToString(deterministic=True)
        self.spec, self.sha256 = spec, hashlib.sha256(data).hexdigest()
        self._session = open_session(data, "the backbone")
        has_middle = any(output.name == "middle" for output in model.graph.output)
        self._outputs = ["features", "middle"] if has_middle else ["features"]

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Features float32 [n, width] of pixels uint8 [n, height, width, channels]."""
        return np.concatenate(self._session.run(self._outputs, {"image": pixels}), axis=1, dtype=np.float32)


def extract(
    backbone: Backbone,
    examples: list[Example],
    views: Views | Copies,
    limits: Limits,
    seed: int,
    progress: Callable[[], None],
    kept: KeptArrays | None = None,
) -> np.ndarray:
    """Features float32 [examples, 1 + views, width]; the first view is the picture as production preprocesses it.

    What is kept is not computed again, and what is computed is kept. A large result is on disk (scratch.py). Raises
    NoRoom.
    """
    kept = kept or KeptArrays()
    basis = {"backbone": backbone.sha256, "spec": asdict(backbone.spec), "limits": asdict(limits)}
    found, plain, altered = _Found(examples, views.count), kept.table("features", **basis), None
    found.fill(plain, slice(0, 1))
    if views.count:
        altered = kept.table(type(views).__name__.lower(), **basis, views=asdict(views), seed=seed)
        found.fill(altered, slice(1, None))

    def one(decoder: Decoder, example: Example) -> tuple[np.ndarray | None, np.ndarray | None]:
        batch: list[np.ndarray] = []
        is_new, is_newly_altered = found.lacks(example, 0), altered is not None and found.lacks(example, 1)
        data = patiently(example.source.read)
        if is_new:
            batch.append(decoder.preprocess(data, backbone.spec, limits)[1])
        if is_newly_altered:
            picture = Image.fromarray(decoder.rendition(data, _SOURCE_SIDE, limits))
            picture = picture.convert("L") if backbone.spec.channels == 1 else picture
            random = _random(example, seed)
            batch += [fit(view, backbone.spec) for view in views.made(picture, random)]
        computed = backbone.features(np.stack(batch))
        return computed[0] if is_new else None, computed[int(is_new) :] if is_newly_altered else None

    missing = found.missing()
    for _ in range(len(examples) - len(missing)):
        progress()
    with DecoderPool() as decoders:
        for example, (of_picture, of_views) in zip(missing, decoders.map(one, missing), strict=True):
            if of_picture is not None:
                found.put(example, slice(0, 1), of_picture[None])
                plain.add(example.sha256, of_picture)
            if of_views is not None and altered is not None:
                found.put(example, slice(1, None), of_views)
                altered.add(example.sha256, of_views)
            progress()
    return found.values


def thumbs_of_copies(examples: list[Example], copies: Copies, limits: Limits, kept: KeptArrays) -> np.ndarray:
    """Gray thumbnails uint8 [examples, copies, 32, 32] of altered copies. What is kept is not made again."""
    table = kept.table("copied", limits=asdict(limits), copies=asdict(copies))
    found = table.take({example.sha256 for example in examples})

    def one(decoder: Decoder, example: Example) -> np.ndarray:
        picture = Image.fromarray(decoder.rendition(patiently(example.source.read), _SOURCE_SIDE, limits)).convert("L")
        return np.stack([thumbnail(copy) for copy in copies.made(picture, _random(example, 0))])

    missing = list({example.sha256: example for example in examples if example.sha256 not in found}.values())
    with DecoderPool() as decoders:
        for example, thumbs in zip(missing, decoders.map(one, missing), strict=True):
            found[example.sha256] = thumbs
            table.add(example.sha256, thumbs)
    return np.stack([found[example.sha256] for example in examples])


class _Found:
    """Features [examples, 1 + views, width] of examples, of which some are there: two that are one content have the
    same."""

    def __init__(self, examples: list[Example], views: int) -> None:
        self._examples = examples
        self._at: dict[str, list[int]] = {}
        for i, example in enumerate(examples):
            self._at.setdefault(example.sha256, []).append(i)
        self._views = 1 + views
        self._is_there = np.zeros((len(examples), self._views), bool)
        self.values = np.empty((len(examples), self._views, 0), np.float32)

    def fill(self, table: Table, columns: slice) -> None:
        """Take what is kept of them."""
        for pictures, rows in table.rows(self._at):
            pairs = [(i, row) for row, sha256 in enumerate(pictures) for i in self._at.get(sha256, ())]
            if pairs:
                at, taken = np.array(pairs).T
                self._put(at, columns, rows[taken].reshape(len(pairs), -1, rows.shape[-1]))

    def put(self, example: Example, columns: slice, computed: np.ndarray) -> None:
        """Take what was computed of one, float [columns, width]."""
        self._put(np.array(self._at[example.sha256]), columns, computed)

    def lacks(self, example: Example, column: int) -> bool:
        """Whether this column of an example is not there."""
        return not self._is_there[self._at[example.sha256][0], column]

    def missing(self) -> list[Example]:
        """The examples of which a column is not there, each content once."""
        return [self._examples[at[0]] for at in self._at.values() if not self._is_there[at[0]].all()]

    def _put(self, at: np.ndarray, columns: slice, values: np.ndarray) -> None:
        if not self.values.shape[2]:
            self.values = scratch.empty((*self.values.shape[:2], values.shape[-1]), values.dtype)
        self.values[at, columns] = values
        self._is_there[at, columns] = True


def _random(example: Example, seed: int) -> np.random.Generator:
    """A generator of random numbers seeded by the picture alone, so that the order of the pictures does not matter."""
    return np.random.default_rng([seed, int(hashlib.sha256(example.sha256.encode()).hexdigest()[:8], 16)])


def _altered(picture: Image.Image, random: np.random.Generator, flip: bool) -> Image.Image:
    """A view of the picture: rotated a little, cropped, lighter or darker, with more or less contrast."""
    fill: int | tuple[int, ...] = WHITE if picture.mode == "L" else (WHITE,) * 3
    turned = picture.rotate(random.uniform(-_TURN_DEGREES, _TURN_DEGREES), Image.Resampling.BICUBIC, fillcolor=fill)
    share = random.uniform(*_CROP)
    left, top = random.uniform(0, 1 - share), random.uniform(0, 1 - share)
    view = _cut(turned, (left, top, left + share, top + share))
    if flip and random.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    view = ImageEnhance.Brightness(view).enhance(random.uniform(*_LIGHT))
    return ImageEnhance.Contrast(view).enhance(random.uniform(*_LIGHT))


def _cut(picture: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    """The part of a picture within (left, top, right, bottom), as shares of its sides; a pixel at least."""
    left, top = int(box[0] * picture.width), int(box[1] * picture.height)
    right, bottom = int(box[2] * picture.width), int(box[3] * picture.height)
    return picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
