"""Families of classes, such as cat for tabby and tiger cat: the answer where no class is sure but a family is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classify.errors import ModelError

FAMILIES, THRESHOLD, THRESHOLDS = "families", "family_threshold", "family_thresholds"
"""The keys in a model's metadata."""
RESERVED_LABEL = "unknown"


@dataclass(frozen=True)
class Family:
    """A label for several classes, their numbers, and the sum of their probabilities from which on it is the answer."""

    label: str
    classes: tuple[int, ...]
    threshold: float


def families_in(metadata: dict[str, str], labels: Sequence[str]) -> tuple[Family, ...]:
    """The families in a model's metadata, the most specific first; a model without any has none. Raises ModelError."""
    if FAMILIES not in metadata:
        return ()
    try:
        table: Any = json.loads(metadata[FAMILIES], object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict) or not all(_is_list_of_names(members) for members in table.values()):
        raise ModelError(f'{FAMILIES} is not a JSON object of lists of labels, such as {{"cat": ["tabby", "lynx"]}}')
    threshold, own = _threshold(metadata), _own_thresholds(metadata, table)
    numbers, taken = {label: number for number, label in enumerate(labels)}, {label.casefold() for label in labels}
    found = []
    for name, members in table.items():
        if not name.strip() or name == RESERVED_LABEL or name.casefold() in taken:
            raise ModelError(f"{FAMILIES} has {name!r}, which is empty, reserved, or also the name of a label")
        if strange := [member for member in members if member not in numbers]:
            raise ModelError(f"{FAMILIES} has {strange[0]!r} in {name!r}, which is no label")
        taken.add(name.casefold())
        classes = tuple(sorted({numbers[member] for member in members}))
        found.append(Family(name, classes, own.get(name, threshold)))
    return tuple(sorted(found, key=lambda family: len(family.classes)))


def surest_family(families: Sequence[Family], probabilities: np.ndarray) -> Family | None:
    """Of the families whose probabilities, of float [classes], sum to their threshold, the one with the fewest classes;
    of several with as many, the likeliest."""
    given = probabilities.tolist()  # of so few numbers each, Python's sums take a third of NumPy's time
    sums = [sum(map(given.__getitem__, family.classes)) for family in families]
    sure = [number for number, family in enumerate(families) if sums[number] >= family.threshold]
    if not sure:
        return None
    return families[min(sure, key=lambda number: (len(families[number].classes), -sums[number]))]


def _threshold(metadata: dict[str, str]) -> float:
    if THRESHOLD not in metadata:
        raise ModelError(f"its metadata lacks {THRESHOLD}, which {FAMILIES} needs")
    try:
        threshold = float(metadata[THRESHOLD])
    except ValueError:
        threshold = -1.0
    if not 0 < threshold <= 1:
        raise ModelError(f"{THRESHOLD} is {metadata[THRESHOLD]!r}; it takes a confidence above 0 and up to 1")
    return threshold


def _own_thresholds(metadata: dict[str, str], table: dict[str, Any]) -> dict[str, float]:
    """The thresholds of the families that have one of their own."""
    try:
        own: Any = json.loads(metadata.get(THRESHOLDS, "{}"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        own = None
    if not isinstance(own, dict):
        raise ModelError(f'{THRESHOLDS} is not a JSON object of confidences, such as {{"animal": 0.5}}')
    for name, threshold in own.items():
        if name not in table:
            raise ModelError(f"{THRESHOLDS} has {name!r}, which is none of its {FAMILIES}")
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold <= 1:
            raise ModelError(f"{THRESHOLDS} has {threshold!r} for {name!r}; it takes a confidence above 0 and up to 1")
    return {name: float(threshold) for name, threshold in own.items()}


def _is_list_of_names(members: Any) -> bool:
    return isinstance(members, list) and bool(members) and all(isinstance(member, str) for member in members)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)
