"""Suggests labels for what is being typed."""

from collections.abc import Collection, Sequence

from classify import ModelLabels
from imagestore.web.answers import Label
from imagestore.web.index.index import Index
from imagestore.web.index.queries import count_label, labels_in_use
from imagestore.web.index.words import beginnings

_ENOUGH = 1000
"""Labels with so many pictures or more are alike for the order."""


def suggestions(index: Index, models: Collection[ModelLabels], text: str, limit: int) -> list[Label]:
    """The labels that have a word for each word of the text which begins so: those in use, the most used first, then
    those that one of the models may answer."""
    asked = beginnings(text)
    if not asked:
        return []
    used = [label for label in labels_in_use(index) if fits(label, asked)]
    ranked = sorted(used, key=lambda label: (-count_label(index, label, _ENOUGH), label.casefold()))[:limit]
    found = sorted((Label(label, count_label(index, label)) for label in ranked), key=lambda one: -one.count)
    others = {label for model in models for label in model.answers if fits(label, asked)} - set(used)
    return (found + [Label(label, 0) for label in sorted(others, key=str.casefold)])[:limit]


def fits(label: str, asked: Sequence[str]) -> bool:
    """Whether the label has a word for each of these `beginnings`."""
    words = beginnings(label)
    return all(any(word.startswith(one) for word in words) for one in asked)
