"""The labels of examples: whether a model can learn from them, one spelling of each, and what contradicts itself."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from classify.families import RESERVED_LABEL
from imagestore.errors import BadTrainingData
from imagestore.pipeline.labelling.learnable import FEWEST
from model.training.examples import NONE, Example, Labelled

NONE_CALLED = "none of the labels"
KEEP_UNDER_ONE = (
    "Keep each under one: --relabel takes the folder's label, imagestore training remove takes away what was kept, and "
    "what is moved to training in the gallery gets the upload's label."
)
"""What to do about a content that is there under several labels."""


def check(examples: list[Example], groups: np.ndarray, *, has_several: bool = False) -> None:
    """Check that there are enough pictures to learn from and to test with. `has_several` says that a picture may have
    several labels.

    Raises BadTrainingData, which names every label with too few.
    """
    labels = sorted({label for example in examples for label in example.labels})
    if RESERVED_LABEL in labels:
        raise BadTrainingData(
            f"'{RESERVED_LABEL}' cannot be a label: it is what a picture is called under the model's threshold."
        )
    fewest = 1 if has_several else 2
    if len(labels) < fewest:
        there = f"There is only the label '{labels[0]}'" if labels else "No picture with a label can be read"
        raise BadTrainingData(f"{there}; at least {'one is' if has_several else 'two labels are'} needed.")
    few = fewer_than_enough(examples, groups)
    if few:
        said = ", ".join(f"'{label}' has {count}" for label, count in sorted(few.items()))
        raise BadTrainingData(
            f"Each label needs at least {FEWEST} different pictures, to learn from and to test with: {said}. Add some; "
            "imagestore training remove --label LABEL takes away a label that was kept before."
        )
    if has_several:
        return _check_without(examples, groups, labels)
    none = len({int(group) for example, group in zip(examples, groups, strict=True) if not example.labels})
    if 0 < none < FEWEST:
        raise BadTrainingData(
            f"Pictures that show none of the labels are learned from if there are at least {FEWEST} different ones; "
            f"there {'is' if none == 1 else 'are'} {none}. Add some; imagestore training remove --negative takes them "
            "away."
        )
    return None


def _check_without(examples: list[Example], groups: np.ndarray, labels: list[str]) -> None:
    """Check that enough pictures do not have each label. Raises BadTrainingData."""
    everywhere = {
        label: len({int(group) for example, group in zip(examples, groups, strict=True) if label not in example.labels})
        for label in labels
    }
    few = [f"{count} are without '{label}'" for label, count in everywhere.items() if count < FEWEST]
    if few:
        raise BadTrainingData(
            f"A label is learned from pictures with it and without it, at least {FEWEST} different ones of each: "
            f"{', '.join(few)}. Add pictures that do not show it, with other labels or with none."
        )


def rare_corrections(examples: list[Example], groups: np.ndarray) -> dict[str, int]:
    """Labels that only corrections gave and that have too few pictures, each with the number of its different pictures.

    They are left out, so that one correction to a new label does not make training impossible.
    """
    given = {label for example in examples if not example.source.is_correction for label in example.labels}
    return {label: count for label, count in fewer_than_enough(examples, groups).items() if label not in given}


def without(examples: list[Example], labels: Collection[str]) -> list[Example]:
    """The examples without these labels, and without the examples that had no other."""
    left = [(example, tuple(label for label in example.labels if label not in labels)) for example in examples]
    return [example.with_labels(others) for example, others in left if others or not example.labels]


def fewer_than_enough(examples: list[Example], groups: np.ndarray) -> dict[str, int]:
    """Labels with fewer different pictures than FEWEST, each with their number."""
    distinct: dict[str, set[int]] = defaultdict(set)
    for example, group in zip(examples, groups, strict=True):
        for label in example.labels:
            distinct[label].add(int(group))
    return {label: len(found) for label, found in distinct.items() if len(found) < FEWEST}


def agreed(examples: list[Example]) -> list[Example]:
    """The examples of a project that knows several labels a picture, where each content has the same labels everywhere:
    those that its last correction gave it, or else all that it was given."""
    given: dict[str, set[str]] = defaultdict(set)
    corrected: dict[str, tuple[str, ...]] = {}
    for example in examples:
        given[example.sha256].update(example.labels)
        if example.source.is_correction:
            corrected[example.sha256] = tuple(sorted(example.labels))
    return [e.with_labels(corrected.get(e.sha256, tuple(sorted(given[e.sha256])))) for e in examples]


def one_spelling(sources: list[Labelled], are_one: Callable[[list[str]], bool | None]) -> list[Labelled]:
    """The pictures, with one label in place of those that differ only by upper and lower case, where they are one.

    `are_one` is asked for each such set of labels whether they are; None means that nobody can say. The commonest
    spelling is kept. Raises BadTrainingData if nobody can say.
    """
    counts = Counter(label for source in sources for label in source.labels)
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts):
        spellings[label.casefold()].append(label)
    kept: dict[str, str] = {}
    for labels in (found for found in spellings.values() if len(found) > 1):
        said = are_one(labels)
        if said is None:
            raise BadTrainingData(
                f"The labels {' and '.join(repr(label) for label in labels)} differ only by upper and lower case. Say "
                "--same-case if they are one label, or --different-case if they are not."
            )
        if said:
            kept |= dict.fromkeys(labels, max(labels, key=lambda label: counts[label]))
    spelled = ([kept.get(label, label) for label in source.labels] for source in sources)
    return [
        replace(source, labels=tuple(dict.fromkeys(labels))) for source, labels in zip(sources, spelled, strict=True)
    ]


def contradictions(examples: list[Example], *, has_several: bool = False) -> list[tuple[str, list[str]]]:
    """The files that were given more than one label: (SHA-256, labels). Where a picture may have several labels, those
    that were given both labels and none."""
    labels: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        labels[example.sha256].update(example.labels or (NONE,))
    return [
        (sha256, sorted(label or NONE_CALLED for label in found))
        for sha256, found in labels.items()
        if len(found) > 1 and (NONE in found or not has_several)
    ]
