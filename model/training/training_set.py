"""The labelled pictures that are kept: `<label>/…` in the container `training`, and corrected uploads."""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from imagestore.errors import NotFound
from imagestore.record import Status
from imagestore.store import Blobs, Stores
from model.progress import BeginStage
from model.training.examples import Example, Labelled, read
from model.training.grouping import grouped
from model.training.kept_arrays import KeptArrays
from model.training.split import Members, Split
from preprocess import Limits

SPLIT = "split.json"


@dataclass(frozen=True)
class Part:
    """Some of the pictures and their group numbers int [n]: pictures that look alike are in one group."""

    examples: list[Example]
    groups: np.ndarray


def keep(stores: Stores, sources: list[Labelled], progress: Callable[[], None]) -> int:
    """Put labelled pictures into the container, unless they are there unchanged. Returns how many were new.

    Raises Unavailable.
    """
    there = {blob.name: blob.md5 for page, _ in stores.training.list() for blob in page}
    new = 0
    for source in sources:
        data = source.read()
        if there.get(source.name) != hashlib.md5(data, usedforsecurity=False).digest():
            writer = stores.training.writer(source.name)
            writer.add(data)
            writer.commit("application/octet-stream")
            new += 1
        progress()
    return new


def all_with(stores: Stores, new: list[Labelled]) -> list[Labelled]:
    """All labelled pictures: the new ones, those in the container that they do not replace, and corrected uploads.

    Raises Unavailable.
    """
    replaced = {source.name for source in new}
    found = new + [source for source in _in_container(stores) if source.name not in replaced]
    for summary in stores.records.corrections():
        if summary.label is not None and summary.status != Status.DELETED:
            name = f"(corrected) {summary.name}"
            found.append(Labelled(summary.label, name, _reader(stores.uploads, summary.name), is_correction=True))
    return found


def held_out(stores: Stores, limits: Limits, progress: BeginStage) -> Part:
    """The test pictures, which no model has learned from.

    A picture is read only if it is a test picture, or if the listing has no MD5 to tell. Raises BadSplit, Unavailable.
    """
    split, _ = split_of(stores)
    return _part(_in_container(stores), split.test, split, limits, progress, KeptArrays())


def learned(stores: Stores, pictures: Collection[str], limits: Limits, progress: BeginStage, kept: KeptArrays) -> Part:
    """Those of the pictures with these SHA-256 that are still there and never were test pictures, each once.

    Their labels are today's. Raises BadSplit, Unavailable.
    """
    split, _ = split_of(stores)
    members = {sha256: member for sha256, member in split.train.items() if sha256 in pictures}
    part = _part(all_with(stores, []), members, split, limits, progress, kept)
    first = sorted({example.sha256: i for i, example in reversed(list(enumerate(part.examples)))}.values())
    return Part([part.examples[i] for i in first], part.groups[first])


def split_of(stores: Stores) -> tuple[Split, str | None]:
    """The split and its ETag; an empty split and None if none was kept yet.

    Raises BadSplit, Unavailable.
    """
    try:
        blob = stores.training.get(SPLIT)
    except NotFound:
        return Split(), None
    return Split.from_json(blob.data or b""), blob.etag


def keep_split(stores: Stores, split: Split, etag: str | None) -> None:
    """Replace the split with this ETag.

    Raises Conflict if another training changed it at the same time; Unavailable.
    """
    stores.training.put(SPLIT, split.to_json(), "application/json", etag)


def _part(
    sources: list[Labelled], members: Members, split: Split, limits: Limits, progress: BeginStage, kept: KeptArrays
) -> Part:
    """Those of the sources that are these members of the split."""
    wanted = {member.md5 for member in members.values()}
    sources = [source for source in sources if source.md5 is None or source.md5 in wanted]
    found = read(sources, limits, progress("Reading", len(sources)), kept)
    examples = [replace(e, look=members[e.sha256].look) for e in found.good if e.sha256 in members]
    if not examples:
        return Part([], np.zeros(0, int))
    return Part(examples, grouped(examples, split.chosen_similarity()).groups)


def _in_container(stores: Stores) -> list[Labelled]:
    return [
        Labelled(
            blob.name.split("/", 1)[0],
            blob.name,
            _reader(stores.training, blob.name),
            md5=blob.md5.hex() if blob.md5 else None,
        )
        for page, _ in stores.training.list()
        for blob in page
        if "/" in blob.name
    ]


def _reader(blobs: Blobs, name: str) -> Callable[[], bytes]:
    return lambda: blobs.get(name).data or b""
