"""What a training finds out about its labels: which look wrong, and whether more pictures would help."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imagestore.store.held_out import MOST_LABELS, MOST_PICTURES, AnsweredPicture
from imagestore.store.labelling import MOST_DOUBTS, Doubt, Labelling, OutOfFold
from model.progress import BeginStage
from model.training import doubts, in_blocks, learning_curve, several, stratify
from model.training.corrected import CORRECTED
from model.training.examples import Example
from model.training.head import (
    STRENGTHS,
    TEMPERATURES,
    Head,
    LinearHead,
    fitted,
    fold_count,
    folds,
    mean_loss,
    numbered,
)  # fmt: skip
from model.training.learning_curve import Fitting
from model.training.several import LIKELY, SeveralHead
from model.training.threads import one_thread


@dataclass(frozen=True)
class FoundOut:
    """What is kept of it."""

    labelling: Labelling
    out_of_fold: OutOfFold


def find_out(
    head: LinearHead,
    features: np.ndarray,
    learning: Sequence[Example],
    groups: np.ndarray,
    seed: int,
    progress: BeginStage,
) -> FoundOut:
    """Find it out for a head that was fitted to features float [n, 1 + views, width] of these pictures, whose group
    numbers are int [n]."""
    if isinstance(head, SeveralHead):
        holds = stratify.holding([e.labels for e in learning], head.labels)
        doubted = doubts.of_several(head.out_of_fold, holds)
        divided = stratify.folds(holds, groups, fold_count(len(holds)), seed)
        whole, fitting = _several(head, features, holds)
    else:
        assert isinstance(head, Head)
        _, truth = numbered([e.label for e in learning])
        holds = truth[:, None] == np.arange(len(head.labels))
        doubted = doubts.of_one_label(head.out_of_fold, truth)
        divided = folds(truth, groups, seed)
        whole, fitting = _one_label(head, features, truth)
    steps = learning_curve.steps(holds, groups, divided, len(fitting.strengths))
    begun = progress("Learning curve", steps) if steps else _nothing
    curve = learning_curve.measure(
        holds,
        groups,
        divided,
        list(head.labels),
        whole,
        fitting,
        seed,
        begun,
        has_several=isinstance(head, SeveralHead),
    )
    found = Labelling(len(learning), len(doubted.numbers), _told(doubted, head, learning), curve)
    return FoundOut(found, _kept(head, learning, holds))


def _one_label(head: Head, features: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, Fitting]:
    """What is recognised out of fold, and how heads of one label a picture are fitted."""
    taken, labels = head.taken(features), np.arange(len(head.labels))

    def logits(rows: np.ndarray, held: np.ndarray, strength: float) -> np.ndarray:
        with one_thread():
            weights, bias = fitted(taken, truth, strength, len(head.weights), rows)
        return np.asarray(in_blocks.predicted(taken, held, weights, bias) - head.shift)

    def found(said: np.ndarray) -> np.ndarray:
        answers = said[:, : len(labels)].argmax(axis=1)
        hits = (answers[:, None] == labels) & (truth[:, None] == labels)
        return np.concatenate([hits, hits.any(axis=1, keepdims=True)], axis=1)

    def loss(said: np.ndarray) -> float:
        return min(mean_loss(said / t, truth) for t in TEMPERATURES)

    return found(head.out_of_fold), Fitting(_strengths(head, len(truth)), logits, found, loss)


def _several(head: SeveralHead, features: np.ndarray, holds: np.ndarray) -> tuple[np.ndarray, Fitting]:
    """The same where several labels may hold."""
    taken = head.taken(features)

    def logits(rows: np.ndarray, held: np.ndarray, strength: float) -> np.ndarray:
        weights, bias = several.fitted(taken, holds, strength, rows)
        return in_blocks.predicted(taken, held, weights, bias)

    def found(said: np.ndarray) -> np.ndarray:
        given = said > 0
        return np.concatenate([given & holds, (given == holds).all(axis=1, keepdims=True)], axis=1)

    def loss(said: np.ndarray) -> float:
        return min(several.mean_loss(said / t, holds) for t in TEMPERATURES)

    return found(head.out_of_fold - LIKELY), Fitting(_strengths(head, len(holds)), logits, found, loss)


def _strengths(head: LinearHead, count: int) -> tuple[float, ...]:
    """That of the head, and the next weaker ones, which fewer pictures may want: one where pictures are many, since
    each takes as long again."""
    weaker = tuple(strength for strength in STRENGTHS if strength > head.strength)
    return (head.strength, *weaker[: 1 if count >= learning_curve.MANY else 2])


def _told(doubted: doubts.Doubted, head: LinearHead, learning: Sequence[Example]) -> list[Doubt]:
    told = []
    for place, number in enumerate(doubted.numbers[:MOST_DOUBTS].tolist()):
        example = learning[number]
        perhaps = [label for label, holds in zip(head.labels, doubted.perhaps[place], strict=False) if holds]
        source = example.source.name
        told.append(
            Doubt(
                example.sha256,
                example.labels,
                tuple(perhaps),
                round(float(doubted.probability[place]), 6),
                round(float(doubted.instead[place]), 6),
                source,
                source.removeprefix(CORRECTED) if example.source.is_correction else None,
            )
        )
    return told


def _kept(head: LinearHead, learning: Sequence[Example], holds: np.ndarray) -> OutOfFold:
    """What was said of the pictures, or of the MOST_PICTURES whose labels it made least likely."""
    said = head.out_of_fold[:, : len(head.labels)]
    own = np.where(holds, said, 1.0).min(axis=1)
    some = np.sort(np.argsort(own, kind="stable")[:MOST_PICTURES])
    kept = []
    for number in some.tolist():
        likeliest = np.argsort(-said[number], kind="stable")[:MOST_LABELS].tolist()
        probabilities = {head.labels[one]: round(float(said[number, one]), 6) for one in likeliest}
        kept.append(AnsweredPicture(learning[number].sha256, learning[number].labels, probabilities))
    return OutOfFold(kept)


def _nothing() -> None:
    """Progress where there is nothing to do."""
