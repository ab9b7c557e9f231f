"""Divides pictures into groups that look alike, which never cross the parts or the folds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from model.progress import BeginStage
from model.training import bursts, look_alikes, near_duplicates
from model.training.backbones import net_of
from model.training.examples import Example
from model.training.features import Backbone, Copies, Views, extract
from model.training.kept_arrays import KeptArrays
from model.training.labels import fewer_than_enough
from model.training.look_alikes import Similarity
from model.training.recipe import Recipe
from preprocess import Limits

_FEWEST = 8
"""With fewer pictures nothing can be said of what they have in common; thumbnails alone are compared then."""
Pair = tuple[int, int]


@dataclass(frozen=True)
class Grouping:
    """Group numbers int [n] of examples, the similarity that was chosen (None for very few pictures), and pairs of
    example numbers that are alike but have different labels.

    `by_time` is None if no two pictures were taken directly after each other, else whether such pictures are together.
    """

    groups: np.ndarray
    similarity: Similarity | None
    of_two_labels: list[Pair]
    by_time: bool | None = None


def with_looks(
    examples: list[Example], limits: Limits, progress: BeginStage, kept: KeptArrays
) -> tuple[list[Example], Similarity | None]:
    """The examples with their looks, and from which similarity two of them count as look-alikes."""
    simplest = net_of(Recipe())
    net = Backbone(simplest.graph, simplest.spec)
    features = extract(net, examples, Views(), limits, 0, progress("Looking for look-alikes", len(examples)), kept)
    found = look_alikes.looks(features[:, 0])
    examples = [replace(example, look=look) for example, look in zip(examples, found, strict=True)]
    clear = [i for i, example in enumerate(examples) if not is_blank(example.thumb)]
    if len(clear) < _FEWEST:
        return examples, None
    sample = sorted(clear, key=lambda i: examples[i].sha256)[: look_alikes.SAMPLE]
    begun = progress("Altering some", len(sample))
    altered = extract(net, [examples[i] for i in sample], Copies(), limits, 0, begun, kept)[:, 1:]
    position = {number: at for at, number in enumerate(clear)}
    similarity = look_alikes.choose(
        found[clear],
        [position[i] for i in sample],
        look_alikes.looks(altered),
        [", ".join(examples[i].labels) for i in clear],
    )
    return examples, similarity


def grouped(examples: list[Example], similarity: Similarity | None, *, by_folder: bool = False) -> Grouping:
    """Group the examples by thumbnails, by looks, by the moment at which a camera took them and, if so wished, by the
    folders below their labels' folders.

    Moments do not count if a label would have too few groups to learn from, as where a camera takes a picture each
    second of what goes by.
    """
    thumbs = np.stack([example.thumb for example in examples])
    pairs = near_duplicates.pairs(thumbs, thumbs) + _alike(examples, examples, similarity)
    two = [(i, j) for i, j in pairs if examples[i].labels != examples[j].labels]
    together = _in_one_folder(examples) if by_folder else []
    digests, by_time = [example.sha256 for example in examples], None
    groups = near_duplicates.group(digests, pairs + together)
    if in_burst := bursts.pairs([example.taken for example in examples]):
        by_moment = near_duplicates.group(digests, pairs + together + in_burst)
        enough_before = fewer_than_enough(examples, groups).keys()
        by_time = fewer_than_enough(examples, by_moment).keys() <= enough_before
        groups = by_moment if by_time else groups
    return Grouping(groups, similarity, sorted({(min(pair), max(pair)) for pair in two}), by_time)


def touching(examples: list[Example], others: Sequence[Example], similarity: Similarity | None) -> set[int]:
    """The numbers of the examples that look like any of the others."""
    if not examples or not others:
        return set()
    thumbs = [np.stack([example.thumb for example in part]) for part in (examples, others)]
    pairs = near_duplicates.pairs(*thumbs) + _alike(examples, others, similarity)
    return {i for i, _ in pairs}


def is_blank(thumb: np.ndarray) -> bool:
    """Whether a gray thumbnail shows nothing: blank pictures have a look, but none that tells them apart."""
    return int(thumb.max()) - int(thumb.min()) <= 2


def _alike(these: Sequence[Example], those: Sequence[Example], similarity: Similarity | None) -> list[Pair]:
    if similarity is None:
        return []
    first = [i for i, example in enumerate(these) if example.look is not None and not is_blank(example.thumb)]
    if these is those:
        found = _stacked(these, first)
        return [(first[i], first[j]) for i, j in look_alikes.alike(found, found, similarity)]
    second = [i for i, example in enumerate(those) if example.look is not None and not is_blank(example.thumb)]
    pairs = look_alikes.alike(_stacked(these, first), _stacked(those, second), similarity)
    return [(first[i], second[j]) for i, j in pairs]


def _stacked(examples: Sequence[Example], numbers: list[int]) -> np.ndarray:
    return np.array([examples[i].look for i in numbers], np.float32)


def _in_one_folder(examples: list[Example]) -> list[Pair]:
    """Each example with the first one of its folder, if that lies below its label's folder."""
    first: dict[str, int] = {}
    pairs = []
    for i, example in enumerate(examples):
        folder = PurePosixPath(example.source.name).parent
        if len(folder.parts) > 1:
            pairs.append((first.setdefault(str(folder), i), i))
    return pairs
