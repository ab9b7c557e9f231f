"""What is to be labelled next: pictures that nobody has labelled, look-alikes together, each group with what the model
suggests."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from classify import ModelLabels
from imagestore.record import Record
from imagestore.web.index import Index
from imagestore.web.queries import Filter, Sort, counts, list_records

MOST = 120
DIGITS = 9
ALIKE_BITS = 10
"""Pictures whose perceptual hashes differ in at most this many of 64 bits are labelled together."""


@dataclass(frozen=True)
class Group:
    """Pictures that look alike, and the label that the model gives most of them."""

    suggestion: str
    records: tuple[Record, ...]

    @property
    def confidence(self) -> float:
        """How sure the model is of the surest of them."""
        return max(record.prediction.confidence for record in self.records if record.prediction)


def groups(index: Index, filter: Filter) -> list[Group]:
    """Up to MOST pictures that pass the filter and have no correction, in groups: those with the same suggestion stand
    together, the most frequent suggestion first, and the surest of each first."""
    listed = list_records(index, replace(filter, corrected=False), Sort.CONFIDENT, MOST).items
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
    found = [Group(_suggestion(records), tuple(records)) for _, records in alike]
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
    return Counter(record.prediction.label for record in records if record.prediction).most_common(1)[0][0]
