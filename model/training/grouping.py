"""Divides pictures into groups that look alike, which never cross the parts or the folds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from model.progress import BeginStage, unheard
from model.training import bursts, look_alikes, near_duplicates, overlay, scratch, turned
from model.training.backbones import net_of
from model.training.examples import Example, Labelled
from model.training.features import Backbone, Copies, Views, extract, thumbs_of_copies
from model.training.groups import Groups
from model.training.kept_arrays import KeptArrays
from model.training.labels import fewer_than_enough
from model.training.look_alikes import Similarity
from model.training.near_duplicates import Matter
from model.training.recipe import Recipe
from model.training.scratch import blocks
from model.training.threads import one_thread
from preprocess import Limits

_FEWEST = 8
"""With fewer pictures nothing can be said of what they have in common; thumbnails alone are compared then."""
_MANY = 5000
"""With so many pictures it takes seconds to compare them, and that is told."""
_TURNED_TO_CHOOSE = 2000
"""So many thumbnails at most are turned to see whether that joins too many."""
MOST_OF_TWO_LABELS = 10_000
"""So many pairs of two labels are told at most."""
Pair = tuple[int, int]


@dataclass(frozen=True)
class Grouping:
    """Group numbers int [n] of examples, the similarity that was chosen (None for very few pictures), and pairs of
    example numbers that are alike but have different labels, at most MOST_OF_TWO_LABELS.

    `by_time` is None if no two pictures were taken directly after each other, else whether such pictures are together.
    """

    groups: np.ndarray
    similarity: Similarity | None
    of_two_labels: list[Pair]
    by_time: bool | None = None


def looked_at(examples: list[Example], limits: Limits, progress: BeginStage) -> list[Example]:
    """The examples with their looks."""
    return _seen(examples, limits, progress, KeptArrays())[0]


def with_looks(
    examples: list[Example], limits: Limits, progress: BeginStage, kept: KeptArrays
) -> tuple[list[Example], Similarity | None]:
    """The examples with their looks, and from which similarity two of them count as look-alikes."""
    examples, found, net = _seen(examples, limits, progress, kept)
    clear = [i for i, example in enumerate(examples) if not is_blank(example.thumb)]
    if len(clear) < _FEWEST:
        return examples, None
    sample = sorted(clear, key=lambda i: examples[i].sha256)[: look_alikes.SAMPLE]
    some, begun = [examples[i] for i in sample], progress("Altering some", len(sample))
    altered = extract(net, some, Copies(), limits, 0, begun, kept)[:, 1:]
    copies = thumbs_of_copies(some, Copies(), limits, kept)
    thumbs = np.stack([examples[i].thumb for i in clear])
    begin = progress if len(examples) > _MANY else unheard
    position = {number: at for at, number in enumerate(clear)}
    at = [position[i] for i in sample]
    agreeing = [_agree(np.repeat(thumbs[[i]], len(own), axis=0), own) for i, own in zip(at, copies, strict=True)]
    similarity = look_alikes.choose(
        found if len(clear) == len(found) else _only(found, clear),
        at,
        look_alikes.looks(altered),
        [", ".join(examples[i].labels) for i in clear],
        begin("Comparing looks", look_alikes.steps(len(clear))),
        agree=lambda i, j: _agree(thumbs[i], thumbs[j]),
        agreeing=np.stack(agreeing),
    )
    return examples, replace(similarity, turned=_may_be_turned([examples[i] for i in clear]))


def _may_be_turned(examples: list[Example]) -> bool:
    """Whether look-alikes can be told by turning thumbnails, and not only where pictures are of one shape."""
    some = sorted(examples, key=lambda example: example.sha256)[:_TURNED_TO_CHOOSE]
    thumbs = np.stack([example.thumb for example in some])
    parts = [(np.zeros(0, int), np.zeros(0, int)), *turned.pairs(thumbs, thumbs)]
    i, j = (np.concatenate(one) for one in zip(*parts, strict=True))
    return not look_alikes.joins_too_many(len(some), i, j, _label_numbers(some))


def _label_numbers(examples: list[Example]) -> np.ndarray:
    """A number for all labels of each, int [n]."""
    numbers: dict[tuple[str, ...], int] = {}
    return np.array([numbers.setdefault(example.labels, len(numbers)) for example in examples])


def _seen(
    examples: list[Example], limits: Limits, progress: BeginStage, kept: KeptArrays
) -> tuple[list[Example], np.ndarray, Backbone]:
    """The examples with their looks, these looks float32 [n, 1280], and what they were computed with."""
    simplest = net_of(Recipe())
    net = Backbone(simplest.graph, simplest.spec)
    features = extract(net, examples, Views(), limits, 0, progress("Looking for look-alikes", len(examples)), kept)
    found = look_alikes.looks(features[:, 0])
    return [replace(example, look=look) for example, look in zip(examples, found, strict=True)], found, net


def grouped(
    examples: list[Example],
    similarity: Similarity | None,
    progress: BeginStage = unheard,
) -> Grouping:
    """Group the examples by thumbnails, by looks, by the moment at which a camera took them, and by what is known to
    belong together.

    Moments do not count if a label would have too few groups to learn from, as where a camera takes a picture each
    second of what goes by.
    """
    labels = _label_numbers(examples)
    groups, of_two_labels = Groups(len(examples)), set[Pair]()

    def matter(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        is_told = len(of_two_labels) < MOST_OF_TWO_LABELS
        return groups.are_apart(i, j) | (labels[i] != labels[j]) if is_told else groups.are_apart(i, j)

    begin = progress if len(examples) > _MANY else unheard
    for i, j in _alike(examples, examples, similarity, matter, begin):
        groups.join(i, j)
        two = np.flatnonzero(labels[i] != labels[j])[: MOST_OF_TWO_LABELS - len(of_two_labels)]
        of_two_labels.update(zip(np.minimum(i, j)[two].tolist(), np.maximum(i, j)[two].tolist(), strict=True))
    _join(groups, _of_one_content(examples))
    _join(groups, _in_one_group(examples))
    by_time = None
    if in_burst := bursts.pairs([example.taken for example in examples]):
        by_moment = groups.copy()
        _join(by_moment, in_burst)
        enough_before = fewer_than_enough(examples, groups.of).keys()
        by_time = fewer_than_enough(examples, by_moment.of).keys() <= enough_before
        groups = by_moment if by_time else groups
    return Grouping(groups.of, similarity, sorted(of_two_labels), by_time)


def touching(examples: list[Example], others: Sequence[Example], similarity: Similarity | None) -> set[int]:
    """The numbers of the examples that look like any of the others."""
    if not examples or not others:
        return set()
    is_touching = np.zeros(len(examples), bool)
    for i, _ in _alike(examples, others, similarity, lambda i, j: ~is_touching[i]):
        is_touching[i] = True
    return set(np.flatnonzero(is_touching).tolist())


def alike(
    examples: Sequence[Example], others: Sequence[Example], similarity: Similarity | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pairs i, j int [n], some at a time and perhaps twice, in which example i looks like example j of others."""
    return _alike(examples, others, similarity, lambda i, j: np.ones(len(i), bool))


def is_blank(thumb: np.ndarray) -> bool:
    """Whether a gray thumbnail shows nothing: blank pictures have a look, but none that tells them apart."""
    return int(thumb.max()) - int(thumb.min()) <= 2


def _alike(
    these: Sequence[Example],
    those: Sequence[Example],
    similarity: Similarity | None,
    matter: Matter,
    progress: BeginStage = unheard,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same; `matter` says which pairs are worth finding."""
    thumbs = np.stack([example.thumb for example in these])
    of_others = thumbs if these is those else np.stack([example.thumb for example in those])
    begun = progress("Comparing pictures", near_duplicates.VIEWS)
    yield from near_duplicates.pairs(thumbs, of_others, matter, begun)
    if similarity is None:
        return
    if similarity.turned:
        begun = progress("Turning pictures", turned.steps(len(thumbs)))
        yield from turned.pairs(thumbs, of_others, matter, begun)
    first, found = _looks(these)
    second, others = (first, found) if these is those else _looks(those)

    def agree(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        wanted = matter(first[i], second[j])
        wanted[wanted] = _agree(thumbs[first[i[wanted]]], of_others[second[j[wanted]]])
        return wanted

    begun = progress("Grouping", look_alikes.steps(len(found)))
    for i, j in look_alikes.alike(found, others, similarity, begun, agree):
        yield first[i], second[j]


def _agree(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Which of these thumbnails agree with that of those, uint8 [n, 32, 32] each, laid over each other: bool [n]."""
    with one_thread():
        return np.asarray(overlay.agreement(these, those) >= overlay.AGREES_ABOVE)


def _looks(examples: Sequence[Example]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The numbers int [n] of those that have a look and are not blank, and their looks."""
    found = [(i, e.look) for i, e in enumerate(examples) if e.look is not None and not is_blank(e.thumb)]
    return np.array([i for i, _ in found], int), [look for _, look in found]


def _only(found: np.ndarray, numbers: list[int]) -> np.ndarray:
    """These rows of an array, which may be large."""
    some = scratch.empty((len(numbers), *found.shape[1:]), found.dtype)
    for block in blocks(len(numbers)):
        some[block] = found[numbers[block]]
    return some


def _join(groups: Groups, pairs: list[Pair]) -> None:
    i, j = np.array(pairs, int).reshape(-1, 2).T
    groups.join(i, j)


def _of_one_content(examples: list[Example]) -> list[Pair]:
    first: dict[str, int] = {}
    return [(i, first.setdefault(example.sha256, i)) for i, example in enumerate(examples)]


def _in_one_group(examples: list[Example]) -> list[Pair]:
    """Each example with the first one of its group, if it has one."""
    first: dict[str, int] = {}
    groups = ((i, example.source.group) for i, example in enumerate(examples))
    return [(first.setdefault(group, i), i) for i, group in groups if group is not None]


def of_folder(source: Labelled) -> Labelled:
    """The file as one of the group that its folder is, if that lies below its label's folder and the file has no group
    yet."""
    folder = PurePosixPath(source.name).parent
    is_below = len(folder.parts) > 1 and source.group is None and not source.is_correction
    return replace(source, group=f"folder {folder}") if is_below else source
