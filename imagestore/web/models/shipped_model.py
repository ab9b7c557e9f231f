"""The model that comes with the app: its card, and the figures that were measured of it.

The figures lie beside the file, written by the command that measured them (bench/default_model.py), and are told only
of the very file that they are of.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import msgspec

from classify import ModelError
from classify.families import families_in
from classify.metadata import labels_in, metadata_of
from imagestore.decoding import decode
from imagestore.errors import NotFound
from imagestore.proportion import Share

FIGURES = "figures.json"


@dataclass(frozen=True)
class ShippedFigures:
    """On pictures of which `known` are of one of `classes` of its classes, and the others of `named` of one of its
    families: whether the class is the likeliest, or among the first five; how many of the named ones are answered, and
    which of these answers are right; and how many `others`, which show nothing that it knows, are answered all the
    same."""

    known: int
    classes: int
    named: int
    others: int
    top1: Share
    top5: Share
    answered: Share
    right: Share
    others_answered: Share


@dataclass(frozen=True)
class ShippedModel:
    """What the model that came with the app says of itself, and what was measured; null if that is not known of this
    file. `families` are labels of several classes each; `family_thresholds` are those of families that have one of
    their own."""

    name: str
    version: str
    sha256: str
    licence: str
    size_bytes: int
    threshold: float
    labels: list[str]
    family_threshold: float | None = None
    family_thresholds: dict[str, float] = field(default_factory=dict)
    families: dict[str, list[str]] = field(default_factory=dict)
    measured_on: str | None = None
    command: str | None = None
    figures: dict[str, ShippedFigures] | None = None


class _Kept(msgspec.Struct):
    """What the bench has written: `figures` by how pictures are shown to the model."""

    model: dict[str, str]
    command: str
    measured_on: str
    figures: dict[str, ShippedFigures]


def shipped_model(file: Path) -> ShippedModel:
    """The card of the model in this file. Raises NotFound if there is none that can be read."""
    try:
        stat = file.stat()
        return _read(file, stat.st_mtime_ns, stat.st_size)
    except (OSError, ModelError, ValueError) as error:
        raise NotFound(f"The model that comes with the app cannot be read: {error}") from None


@lru_cache(maxsize=2)
def _read(file: Path, changed: int, size: int) -> ShippedModel:
    data = file.read_bytes()
    meta, sha256 = metadata_of(data), hashlib.sha256(data).hexdigest()
    labels = labels_in(meta.get("labels", ""))
    found = sorted(families_in(meta, labels), key=lambda family: family.label)
    usual = float(meta["family_threshold"]) if found else None
    kept = _figures(file.with_name(FIGURES), sha256)
    return ShippedModel(
        name=meta.get("name", ""),
        version=meta.get("version", ""),
        sha256=sha256,
        licence=meta.get("licence", ""),
        size_bytes=size,
        threshold=float(meta.get("threshold", "0")),
        labels=list(labels),
        family_threshold=usual,
        family_thresholds={one.label: one.threshold for one in found if one.threshold != usual},
        families={one.label: [labels[number] for number in one.classes] for one in found},
        measured_on=kept.measured_on if kept else None,
        command=kept.command if kept else None,
        figures=kept.figures if kept else None,
    )


def _figures(file: Path, sha256: str) -> _Kept | None:
    try:
        kept = decode(file.read_bytes(), _Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    return kept if kept.model.get("sha256") == sha256 else None
