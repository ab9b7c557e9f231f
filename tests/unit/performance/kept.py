"""Held-out answers for tests."""

from collections.abc import Sequence

import numpy as np

from imagestore.performance.answers import Answers, Thresholds
from imagestore.store.held_out import AnsweredPicture, LabelAnswers


def answers(
    probabilities: np.ndarray,
    truth: Sequence[tuple[str, ...]],
    labels: tuple[str, ...],
    *,
    has_several: bool = False,
    threshold: float = 0.5,
    own: dict[str, float] | None = None,
    groups: list[int] | None = None,
    far: frozenset[int] = frozenset(),
) -> Answers:
    """The answers of a version whose probabilities are float [n, labels]."""
    pictures = [
        AnsweredPicture(
            f"{n:064x}",
            truth[n],
            {label: float(found) for label, found in zip(labels, row, strict=True)},
            None if groups is None else groups[n],
            n not in far,
        )
        for n, row in enumerate(probabilities)
    ]
    known = [LabelAnswers(label, 0.5, [], [], 0.4, 0.6) for label in labels]
    return Answers(known, pictures, has_several, Thresholds(threshold, own or {}), len(pictures))


def drawn(seed: int, count: int, labels: tuple[str, ...]) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Probabilities that sum to 1 and are better than chance, and one label or none for each picture."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(labels) + 1, count)
    scores = rng.normal(size=(count, len(labels))) + 2 * (truth[:, None] == np.arange(len(labels)))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return probabilities.round(4), [(labels[n],) if n < len(labels) else () for n in truth]
