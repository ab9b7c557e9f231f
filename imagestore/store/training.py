"""Labelled pictures in the container `training`, by project and content.

A picture is `<project>/<sha256>`, and `<project>/<sha256>.json` beside it is what is known of it. The JSON stays when
the picture goes, so that its content, and what looks like it, is recognised for ever. It is written before the picture:
what has no JSON is not ours. The few facts that a listing needs are metadata of the JSON, put with it in one call, so
that a listing takes one call a page.

`<project>/split.json` guards which pictures test: who divides pictures replaces it by its ETag, with all that was newly
decided in it, and then writes that into the pictures' own JSON. Whoever reads it before that is done goes on with it.
"""

import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import msgspec

from imagestore.decoding import decode
from imagestore.errors import BadSplit, Conflict, NotFound, NotMigrated
from imagestore.store.at_once import at_once as at_once
from imagestore.store.blobs import Blobs, Listed
from imagestore.store.said import Marks as Marks
from imagestore.store.said import Replaced

MINE = "mine"
"""The first project, which is there without having been created."""
SPLIT = "split.json"
FORMER_SPLIT = "former-split.json"
"""Where a migration keeps the former split until all of it is moved."""
MOVED = b'{"moved": "A later version keeps these pictures in another form, which this version cannot read."}'
"""What stands in place of the former split, so that an earlier version refuses to divide the pictures anew."""
COMPUTED = re.compile(r"computed-[a-z]+-[0-9a-f]{24}\.npz")
_PICTURE, _JSON = re.compile("[0-9a-f]{64}"), re.compile(r"[0-9a-f]{64}\.json")
_MOST_METADATA = 6000
_NOT_TOLD_OF_GROUPS = ("1",)
"""Versions of the metadata of which some that wrote it left the group out."""
_TRIES = 20
Found = TypeVar("Found")


class Part(StrEnum):
    """What a picture is for: to learn from, to test with, or neither, since both would leak."""

    LEARN = "learn"
    TEST = "test"
    RETIRED = "retired"


@dataclass(frozen=True)
class PictureFacts:
    """What is known of a picture besides its content.

    `labels` are one, several, or none if it is `negative`: a picture that shows none of the project's labels. `source`
    is the file's name in the folder that it came from. `part` is None until a training divides the pictures. By `md5`
    (hex), `thumb` and `look` it is recognised once it is gone; `group` is for pictures that somebody knows to belong
    together. `regions` are parts of the picture that another program has named. When it came (UTC) and its size in
    pixels (0: not known) are told of those that came over the API. `said_by` is the change of many pictures that gave
    it its labels, null once anything else has. `checked` are the labels that a person has called right though a
    training doubted them, null if nobody has; `replaced` is what the last answer to such a doubt replaced.
    """

    labels: tuple[str, ...] = ()
    negative: bool = False
    source: str = ""
    part: Part | None = None
    group: str | None = None
    md5: str = ""
    thumb: bytes | None = None
    look: bytes | None = None
    regions: tuple[dict[str, Any], ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    created_at: str | None = None
    width: int = 0
    height: int = 0
    said_by: str | None = None
    checked: tuple[str, ...] | None = None
    replaced: Replaced | None = None

    @property
    def marks(self) -> Marks:
        """What it is said to show."""
        return Marks(self.labels, self.negative, self.said_by)

    def marked(self, marks: Marks) -> "PictureFacts":
        """The same picture, said to show this."""
        return replace(self, labels=marks.labels, negative=marks.negative, said_by=marks.said_by)

    @property
    def is_checked(self) -> bool:
        """Whether a person has said of just these labels that they are right, though a training doubted them."""
        return self.checked is not None and set(self.checked) == set(self.labels)


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """A picture as the listing shows it. `etag` is that of its JSON; `is_there` tells whether its content is there.

    With `may_have_group`, its JSON was last written by a version that did not tell the listing of groups.
    """

    sha256: str
    etag: str
    is_there: bool
    labels: tuple[str, ...]
    negative: bool
    part: Part | None
    source: str
    created_at: str | None = None
    group: str | None = None
    may_have_group: bool = False
    is_checked: bool = False


@dataclass(frozen=True)
class SplitFile:
    """By which similarity look-alikes were last found, what all looks had in common (float32 as bytes), what was
    decided of which pictures, by SHA-256, as far as it may not stand in their own JSON yet, by which lower similarity
    those were found whose thumbnails agree, and whether these were turned, too."""

    similarity: float | None = None
    centre: bytes | None = None
    pending: dict[str, Part] = field(default_factory=dict)
    lowest: float | None = None
    turned: bool = False


class TrainingPictures:
    """The labelled pictures of one project; `folder` is its name in the container. Every method raises Unavailable."""

    def __init__(self, blobs: Blobs, folder: str) -> None:
        self._blobs = blobs
        self.folder = folder

    def list(self, *, during_migration: bool = False) -> Iterator[ListedPicture]:
        """All pictures, there or gone, in the order of their SHA-256.

        Raises NotMigrated if others lie between them, unless that is known.
        """
        for blob, is_there in self.blobs_of_ours():
            if is_there is not None:
                yield self._listed(blob, is_there=is_there)
            elif not during_migration:
                raise _not_migrated()

    def blobs_of_ours(self) -> Iterator[tuple[Listed, bool | None]]:
        """The JSON of each picture, with whether the picture itself is there; and, with None, each blob that is not
        ours: of a label that is called as the project is, or of a migration that is not finished."""
        waiting: Listed | None = None
        for page, _ in self._blobs.list(metadata=True, prefix=f"{self.folder}/"):
            for blob in page:
                name = blob.name.removeprefix(f"{self.folder}/")
                is_its_json = waiting is not None and blob.name == f"{waiting.name}.json"
                if waiting is not None and not is_its_json:
                    yield waiting, None
                is_content = _PICTURE.fullmatch(name) is not None
                waiting = blob if is_content and blob.size_bytes else None  # of no bytes: moved_content.py
                if _JSON.fullmatch(name):
                    yield blob, is_its_json
                elif not is_content and name != SPLIT and not COMPUTED.fullmatch(name):
                    yield blob, None
        if waiting is not None:
            yield waiting, None

    def demand_migrated(self, gone: Callable[[], Collection[str]]) -> None:
        """Raises NotMigrated if other folders of the container are labels, as they were in an earlier version.

        `gone` names the projects that are gone for good: what work that outlived one has written there is no label's.
        """
        for folder in self._blobs.folders():
            if self._blobs.stat(f"{folder}/{SPLIT}") is None and folder not in gone():
                raise _not_migrated()
        try:
            former = self._blobs.get(SPLIT).data
        except NotFound:
            return
        if former != MOVED:
            raise _not_migrated()

    def look(self, sha256: str) -> ListedPicture | None:
        """One picture as the listing shows it; None if its content is not there. Raises BadSplit."""
        found, is_there = self.facts(sha256), self.has(sha256)
        return None if found is None or not is_there else _shown(sha256, *found, is_there=True)

    def picture(self, sha256: str) -> bytes:
        """A picture's content. Raises NotFound."""
        if not (data := self._blobs.get(f"{self.folder}/{sha256}").data):
            raise NotFound(f"There is no labelled picture {sha256}.")
        return data

    def has(self, sha256: str) -> bool:
        """Whether a picture's content is there."""
        state = self._blobs.stat(f"{self.folder}/{sha256}")
        return state is not None and state.size_bytes > 0

    def beginning_with(self, digits: str) -> str | None:
        """The SHA-256 of the only picture that is known whose SHA-256 begins with these hex digits; None if there is
        none, or several."""
        prefix = f"{self.folder}/{digits}"
        found = {
            blob.name.removeprefix(f"{self.folder}/").removesuffix(".json")
            for page, _ in self._blobs.list(prefix=prefix)
            for blob in page
            if _JSON.fullmatch(blob.name.removeprefix(f"{self.folder}/"))
        }
        return found.pop() if len(found) == 1 else None

    def facts(self, sha256: str) -> tuple[PictureFacts, str] | None:
        """What is known of a picture, and the ETag of that; None if nothing is. Raises BadSplit."""
        try:
            blob = self._blobs.get(f"{self.folder}/{sha256}.json")
        except NotFound:
            return None
        return _decoded(blob.data or b"", PictureFacts, f"{sha256}.json"), blob.etag

    def put_facts(self, sha256: str, facts: PictureFacts, replacing: str | None) -> str:
        """Write what is known of a picture in place of the version with this ETag, or with None only if there is none.

        Returns the new ETag. Raises Conflict if another is there.
        """
        data = msgspec.json.encode(facts)
        return self._blobs.put(
            f"{self.folder}/{sha256}.json", data, "application/json", replacing, metadata=_metadata(facts)
        )

    def change(self, sha256: str, changed: Callable[[PictureFacts], PictureFacts], *, is_new: bool = False) -> None:
        """Change what is known of a picture, again and again if others write too. Other labels than those that a change
        of many pictures gave it are not that one's any more.

        Nothing may be known of it yet; with `is_new` that is probable, and it is not read first.
        """
        for attempt in range(_TRIES):
            found = None if is_new and not attempt else self.facts(sha256)
            before, etag = found or (PictureFacts(), None)
            after = changed(before)
            if (after.labels, after.negative) != (before.labels, before.negative):
                after = replace(after, said_by=None)
            if found is not None and after == before:
                return
            try:
                self.put_facts(sha256, after, etag)
            except Conflict:
                continue
            return
        raise Conflict("others kept writing what is known of a labelled picture")

    def exchange(
        self, sha256: str, before: Marks, after: Marks, may: Callable[[], bool] = lambda: True
    ) -> Marks | None:
        """Say another thing of a picture in place of `before`, unless somebody has said anything else since. Returns
        what is said of it then; None if nothing is known of it.

        `may` is asked last before each attempt to write. If `after` is there already, it is written again as it is:
        whoever has read it to write something else finds that it has changed. Raises BadSplit, Conflict.
        """
        for _ in range(_TRIES):
            if (found := self.facts(sha256)) is None:
                return None
            facts, etag = found
            if facts.marks not in (before, after) or not may():
                return facts.marks
            try:
                self.put_facts(sha256, facts.marked(after), etag)
            except Conflict:
                continue
            return after
        raise Conflict("others kept writing what is known of a labelled picture")

    def group_of(self, sha256: str, *, telling: bool = False) -> str | None:
        """The group of a picture, as its JSON has it. With `telling`, listings tell it from now on. Raises BadSplit."""
        facts, etag = self.facts(sha256) or (PictureFacts(), None)
        if telling and etag is not None:
            try:
                self.put_facts(sha256, facts, etag)
            except Conflict:  # it was written just now
                return self.group_of(sha256)
        return facts.group

    def assign(self, sha256: str, part: Part) -> None:
        """Write into a picture's JSON for which part it was decided. What was decided later is never undone."""
        self.change(sha256, lambda facts: replace(facts, part=later(facts.part, part)))

    def put_picture(self, sha256: str, data: bytes) -> None:
        """Write a picture's content, whose JSON is there."""
        self._blobs.overwrite(f"{self.folder}/{sha256}", data, "application/octet-stream")

    def remove_picture(self, sha256: str) -> None:
        """Delete a picture's content. What is known of it stays."""
        self._blobs.delete(f"{self.folder}/{sha256}")

    def split(self) -> tuple[SplitFile, str | None]:
        """The split's file and its ETag; None if there is none yet. Raises BadSplit."""
        try:
            blob = self._blobs.get(f"{self.folder}/{SPLIT}")
        except NotFound:
            return SplitFile(), None
        return _decoded(blob.data or b"", SplitFile, SPLIT), blob.etag

    def put_split(self, file: SplitFile, replacing: str | None) -> str:
        """Replace the split's file with this ETag, or with None only if there is none. Returns the new ETag.

        Raises Conflict if another training changed it at the same time.
        """
        return self._blobs.put(f"{self.folder}/{SPLIT}", msgspec.json.encode(file), "application/json", replacing)

    def begin(self) -> None:
        """Make the folder one of today's form, unless it is: nothing is divided yet."""
        if self._blobs.stat(f"{self.folder}/{SPLIT}") is None:
            with contextlib.suppress(Conflict):
                self.put_split(SplitFile(), None)

    def _listed(self, blob: Listed, *, is_there: bool) -> ListedPicture:
        told, sha256 = blob.metadata, blob.name.removeprefix(f"{self.folder}/").removesuffix(".json")
        if "v" not in told:  # the facts do not fit, or the blob was copied without its metadata
            facts, etag = self.facts(sha256) or (PictureFacts(), blob.etag)
            return _shown(sha256, facts, etag, is_there=is_there)
        labels = tuple(unquote(label) for label in told["labels"].split(",")) if "labels" in told else ()
        part = Part(told["part"]) if "part" in told else None
        source = unquote(told.get("source", ""))
        created, group = told.get("created"), unquote(told["group"]) if "group" in told else None
        may_have = group is None and told["v"] in _NOT_TOLD_OF_GROUPS
        return ListedPicture(
            sha256, blob.etag, is_there, labels, "negative" in told, part, source, created, group, may_have,
            "checked" in told,
        )  # fmt: skip


def is_of_today(name: str) -> bool:
    """Whether a blob `<folder>/<name>` is of today's form at any rate: facts of a picture, or what was computed."""
    inner = name.partition("/")[2]
    return bool(_JSON.fullmatch(inner) or COMPUTED.fullmatch(inner))


def later(one: Part | None, other: Part | None) -> Part | None:
    """Of two decisions on a picture the later. Both to learn from and to test with it, as two versions of the program
    may have decided beside each other, becomes neither."""
    if one is None or other is None or one == other:
        return one or other
    return Part.RETIRED


def _metadata(facts: PictureFacts) -> Mapping[str, str]:
    """What a listing needs, as ASCII: percent-encoded UTF-8. Nothing if it would not fit."""
    told = {"v": "2"}
    if facts.labels:
        told["labels"] = ",".join(quote(label, safe="") for label in facts.labels)
    if facts.negative:
        told["negative"] = "1"
    if facts.is_checked:
        told["checked"] = "1"
    if facts.created_at:
        told["created"] = facts.created_at
    if facts.group:
        told["group"] = quote(facts.group, safe="")
    if facts.part:
        told["part"] = str(facts.part)
    if facts.source:
        told["source"] = quote(facts.source, safe="/")
    return told if sum(map(len, told.values())) <= _MOST_METADATA else {}


def _decoded(data: bytes, kind: type[Found], name: str) -> Found:
    try:
        return decode(data, kind)
    except msgspec.MsgspecError as error:
        raise BadSplit(
            f"{name} of the labelled pictures cannot be read ({error}). Without it, models could be tested on pictures "
            "they learned from."
        ) from None


def _shown(sha256: str, facts: PictureFacts, etag: str, *, is_there: bool) -> ListedPicture:
    told = (facts.labels, facts.negative, facts.part, facts.source, facts.created_at, facts.group)
    return ListedPicture(sha256, etag, is_there, *told, is_checked=facts.is_checked)


def _not_migrated() -> NotMigrated:
    return NotMigrated(
        "Labelled pictures lie in the container in the form of an earlier version, LABEL/PICTURE: imagestore migrate "
        "moves them over, and which of them test stays as it is."
    )


def known_parts(pictures: Iterable[ListedPicture], file: SplitFile) -> dict[str, Part]:
    """The part of every picture for which one was decided, also where it does not stand in the picture's JSON yet."""
    parts = dict(file.pending)
    for one in pictures:
        if (part := later(one.part, file.pending.get(one.sha256))) is not None:
            parts[one.sha256] = part
    return parts
