"""What is to be labelled next: pictures that nobody has labelled, look-alikes together, each group with what the model
suggests."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from classify import ModelLabels
from imagestore.record import Record
from imagestore.web.index.counting import counts
from imagestore.web.index.index import Index
from imagestore.web.index.queries import Filter, Sort, list_records

MOST = 120
DIGITS = 9
ALIKE_BITS = 10
"""Pictures whose perceptual hashes differ in at most this many of 64 bits are labelled together."""


@dataclass(frozen=True)
class Group:
    """Pictures that look alike, and the label that the model gives most of them: the next likely one where somebody has
    said that the model's answer `is_wrong`."""

    suggestion: str
    records: tuple[Record, ...]
    is_wrong: bool = False

    @property
    def confidence(self) -> float:
        """How sure the model is of the surest of them, or of the suggestion where its answer is wrong."""
        found = [record.prediction for record in self.records if record.prediction]
        if not self.is_wrong:
            return max(prediction.confidence for prediction in found)
        likely = (score for prediction in found for score in prediction.top if score.label == self.suggestion)
        return max((score.probability for score in likely), default=0.0)


def groups(index: Index, filter: Filter) -> list[Group]:
    """Up to MOST pictures that pass the filter and have no correction, in groups. Those whose label somebody has said
    to be wrong come first; those with the same suggestion stand together, the most frequent suggestion first, and the
    surest of each first."""
    waiting = replace(filter, corrected=False)
    wrong, others = list[Record](), list[Record]()
    if filter.wrong is not False:
        wrong = list_records(index, replace(waiting, wrong=True), Sort.CONFIDENT, MOST).items
    if filter.wrong is not True and len(wrong) < MOST:
        others = list_records(index, replace(waiting, wrong=False), Sort.CONFIDENT, MOST - len(wrong)).items
    return [*_sorted(_alike(wrong, is_wrong=True)), *_sorted(_alike(others, is_wrong=False))]


def alike_together(listed: Sequence[Record]) -> list[Group]:
    """These pictures in groups of look-alikes, in the order of the first of each; those whose label somebody has said
    to be wrong stand before the others."""
    wrong, others = ([one for one in listed if one.is_wrong is said] for said in (True, False))
    return [*_alike(wrong, is_wrong=True), *_alike(others, is_wrong=False)]


def _alike(listed: Sequence[Record], *, is_wrong: bool) -> list[Group]:
    alike: list[tuple[int | None, list[Record]]] = []
    for record in listed:
        if record.prediction is None:
            continue
        phash = int(record.image.phash, 16) if record.image and record.image.phash else None
        for first, records in alike:
            if first is not None and phash is not None and (first ^ phash).bit_count() <= ALIKE_BITS:
                records.append(record)
                break
        else:
            alike.append((phash, [record]))
    return [Group(_suggestion(records), tuple(records), is_wrong) for _, records in alike]


def _sorted(found: Sequence[Group]) -> list[Group]:
    size = Counter[str]()
    for group in found:
        size[group.suggestion] += len(group.records)
    return sorted(found, key=lambda group: (-size[group.suggestion], group.suggestion, -group.confidence))


def count_unlabelled(index: Index, filter: Filter) -> int:
    """How many pictures pass the filter, have a prediction and no correction."""
    found = counts(index, replace(filter, corrected=False)).statuses
    return found.get("classified", 0) + found.get("unknown", 0)


def digits(index: Index, models: Collection[ModelLabels], suggestions: Sequence[str]) -> list[str]:
    """The labels for the digits 1 to 9: those that people give most, then those suggested, then the models' first."""
    given = counts(index, Filter(corrected=True)).labels
    of_models = (label for model in models for label in model.answers)
    return list(dict.fromkeys([*given, *suggestions, *of_models]))[:DIGITS]


def _suggestion(records: Sequence[Record]) -> str:
    return Counter(map(_likeliest, records)).most_common(1)[0][0]


def _likeliest(record: Record) -> str:
    """The label that the model gives, or the next likely one where that is said to be wrong."""
    assert record.prediction is not None
    answer = record.prediction.label
    others = (score.label for score in record.prediction.top if score.label != answer)
    return next(others, answer) if record.is_wrong else answer
