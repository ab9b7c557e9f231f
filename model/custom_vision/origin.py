"""What is kept beside a picture of where it came from: its ids in Custom Vision, and the tags that it had there.

With these, an import that is begun again knows what is here, and sees what was changed there or here since.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import msgspec

from imagestore.decoding import decode
from imagestore.store.training import PictureFacts, TrainingPictures, at_once
from model.custom_vision.service import RemoteImage, RemoteRegion
from model.progress import BeginStage

ID_THERE = "custom_vision_id"
"""Under this word the metadata of a picture have its ids there, separated by commas: a content may have several."""
TAGS_THERE = "custom_vision_tags"
"""The names of the tags that it came with, as JSON, by its ids there."""
REGION_THERE = "custom_vision_region"
"""Of which regions it was cut out, separated by commas."""
REGION_TAGS_THERE = "custom_vision_region_tags"
"""The tags that these regions had when they were cut out, as JSON, by their keys."""
_OURS = "custom_vision_"
_BATCH = 1024
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{1,20}(Z|[+-][0-9:]{1,6})?")
NEGATIVE = "Negative"
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Came:
    """A picture that is here: its content, and the tags and regions with which it came."""

    sha256: str
    tags: tuple[str, ...]
    regions: bytes


@dataclass
class Here:
    """What came before: pictures by their id there; and by the keys of regions that were cut out, what was cut out
    (its SHA-256) and the region's tags."""

    pictures: dict[str, Came] = field(default_factory=dict)
    cut: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


def what_is_here(pictures: TrainingPictures, begin: BeginStage, renamed: Mapping[str, str]) -> Here:
    """What came before, as far as its content is here, with the names that tags were given here (`renamed`). Raises
    NotMigrated, BadSplit, Unavailable."""
    here = Here()
    sha256s = [one.sha256 for one in pictures.list() if one.is_there]
    step = begin("What is here", len(sha256s)) if sha256s else None
    for sha256, facts in zip(sha256s, facts_of(pictures, sha256s, step), strict=True):
        regions = encoded(facts.regions)
        for id, tags in tags_by_id(facts, renamed).items():
            here.pictures[id] = Came(sha256, tags, regions)
        here.cut.update((key, (sha256, tags)) for key, tags in region_tags(facts, renamed).items())
    return here


def facts_of(
    pictures: TrainingPictures, sha256s: Sequence[str], progress: Callable[[], None] | None = None
) -> Iterator[PictureFacts]:
    """What is known of these pictures, of which some are held at a time."""
    for start in range(0, len(sha256s), _BATCH):
        found = at_once(pictures.facts, sha256s[start : start + _BATCH], progress)
        yield from (PictureFacts() if one is None else one[0] for one in found)


def tags_by_id(facts: PictureFacts, renamed: Mapping[str, str] = NOTHING) -> dict[str, tuple[str, ...]]:
    """The tags with which a picture came, by each id that it has there; nothing of one that came another way. Those
    that were renamed here since have the name that they have now."""
    return _tags(facts, ID_THERE, TAGS_THERE, renamed)


def cut_from(facts: PictureFacts) -> list[str]:
    """The keys of the regions that a picture was cut out of."""
    return _listed(facts, REGION_THERE)


def region_tags(facts: PictureFacts, renamed: Mapping[str, str] = NOTHING) -> dict[str, tuple[str, ...]]:
    """The tags of the regions that a picture was cut out of, by the regions' keys; renamed as `tags_by_id` does."""
    return _tags(facts, REGION_THERE, REGION_TAGS_THERE, renamed)


def named(tags: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The names in these tags, each once."""
    return list(dict.fromkeys(name for some in tags.values() for name in some))


def came(
    facts: PictureFacts,
    image: RemoteImage,
    tags: Sequence[str],
    negatives: Collection[str] | None,
    renamed: Mapping[str, str] = NOTHING,
) -> PictureFacts:
    """The facts of a picture that has come, or come again, with these tags, which become its labels. `negatives` are
    the tags that say that it shows none of them; with None, tags are no labels. `renamed` are names that tags had
    before they were renamed here.

    Labels that were given here stay: what came before is changed only if nobody has changed it here.
    """
    before = tags_by_id(facts, renamed)
    after = {**before, image.id: tuple(tags)}
    regions = [msgspec.to_builtins(one) for one in image.regions or ()]
    if len(after) > 1:
        regions = [*facts.regions, *(one for one in regions if one not in facts.regions)]
    words = {word: said for word, said in (image.metadata or {}).items() if not word.startswith(_OURS)}
    told = {ID_THERE: ",".join(after), TAGS_THERE: msgspec.json.encode(after).decode()}
    found = replace(
        facts,
        created_at=facts.created_at or created_of(image),
        width=image.width or facts.width,
        height=image.height or facts.height,
        regions=tuple(regions),
        metadata={**facts.metadata, **words, **told},
    )
    return found if negatives is None else _labelled(found, before, after, negatives)


def _labelled(
    facts: PictureFacts, before: dict[str, tuple[str, ...]], after: dict[str, tuple[str, ...]],
    negatives: Collection[str],
) -> PictureFacts:  # fmt: skip
    labels, negative = _told(after, negatives)
    if not before:  # it is here another way, or not yet: its labels stay beside those that come
        both = tuple(dict.fromkeys([*facts.labels, *labels]))
        return replace(facts, labels=both, negative=facts.negative or negative)
    had, was_negative = _told(before, negatives)
    is_as_it_came = set(facts.labels) == set(had) and facts.negative == was_negative
    return replace(facts, labels=tuple(labels), negative=negative) if is_as_it_came else facts


def _told(tags: dict[str, tuple[str, ...]], negatives: Collection[str]) -> tuple[list[str], bool]:
    """The labels that tags say, and whether one says that there is none."""
    names = named(tags)
    return [name for name in names if name not in negatives], any(name in negatives for name in names)


def created_of(image: RemoteImage) -> str | None:
    """When a picture came there, if that is a time."""
    return image.created if image.created and _TIME.fullmatch(image.created) else None


def encoded(regions: Iterable[Any]) -> bytes:
    """Regions as bytes, to compare them."""
    return msgspec.json.encode(list(regions), order="sorted")


def regions_of(image: RemoteImage) -> bytes:
    """The regions of a picture there, as those that are kept."""
    return encoded(msgspec.to_builtins(one) for one in image.regions or ())


def key_of(image: RemoteImage, region: RemoteRegion) -> str:
    """By what a region is known: its id, or where there is none, its place."""
    box = ":".join(f"{side:.5f}" for side in (region.left, region.top, region.width, region.height))
    return f"{image.id}:{region.region_id or region.tag_id}:{box}"


def _tags(facts: PictureFacts, ids: str, tags: str, renamed: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    try:
        told = decode(facts.metadata.get(tags, "{}"), dict[str, list[str]])
    except msgspec.MsgspecError:
        told = {}
    return {id: tuple(renamed.get(name, name) for name in told.get(id, facts.labels)) for id in _listed(facts, ids)}


def _listed(facts: PictureFacts, word: str) -> list[str]:
    return [one for one in facts.metadata.get(word, "").split(",") if one]
