"""Moves labelled pictures from the form of earlier versions to that of imagestore/store/training.py.

Earlier, a picture was `<label>/<name>`, and `split.json` held the parts of all with what they are recognised by. The
split is set aside first and something is put in its place that an earlier version refuses, so that from then on none
divides pictures. A picture's old blob goes once its new one stands, and the old split once all of it stands: whatever
dies in between, the next run goes on. Pictures that an earlier version adds later are moved by running it again.
"""

import base64
import contextlib
import hashlib
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from imagestore.decoding import decode
from imagestore.errors import BadSplit, Conflict, NotFound
from imagestore.store import Blobs, Listed
from imagestore.store.training import (
    COMPUTED,
    FORMER_SPLIT,
    MOVED,
    SPLIT,
    Part,
    PictureFacts,
    SplitFile,
    TrainingPictures,
    at_once,
    is_of_today,
    later,
)
from model.progress import BeginStage
from model.training import look_alikes
from model.training.examples import THUMB_SIDE
from model.training.split import Member
from model.training.training_set import remembering

_Parts = dict[str, tuple[Part, tuple[str, ...]]]
ALSO = "also"
"""The key in a picture's metadata under which further names stand that its file had."""
_CHUNK_BYTES = 4 * 2**20
_TRIES = 5


@dataclass(frozen=True)
class Moved:
    """How many pictures were moved, and how many are remembered whose file was gone already."""

    pictures: int
    gone: int


class _File(msgspec.Struct):
    """The split in the earlier form: (MD5, thumbnail) or (MD5, thumbnail, look) by SHA-256, for each part."""

    train: dict[str, tuple[str, ...]] = {}
    test: dict[str, tuple[str, ...]] = {}
    retired: dict[str, tuple[str, ...]] = {}
    similarity: float | None = None

    def parts(self) -> _Parts:
        named = ((Part.LEARN, self.train), (Part.TEST, self.test), (Part.RETIRED, self.retired))
        return {sha256: (part, packed) for part, members in named for sha256, packed in members.items()}


def migrate(blobs: Blobs, project: str, progress: BeginStage, gone: Collection[str] = ()) -> Moved:
    """Move all that lies in the container in the earlier form into this project. What is there in the new form stays,
    and so does what lies in folders of the projects in `gone`, which are gone for good.

    Raises BadSplit, Conflict, Unavailable.
    """
    pictures, moved, remembered = TrainingPictures(blobs, project), 0, 0
    for _ in range(_TRIES):
        try:
            is_last = not _set_split_aside(blobs, pictures)
        except Conflict:
            continue
        former, etag = _former(blobs, pictures)
        parts = former.parts()
        moved += _move_all(blobs, pictures, parts, progress, gone)
        remembered += _keep_gone(pictures, parts, progress)
        _keep_similarity(pictures, former)
        _move_computed(blobs, project)
        if etag is not None:
            blobs.delete(f"{project}/{FORMER_SPLIT}", etag)
        if is_last:
            return Moved(moved, remembered)
    raise Conflict("An earlier version keeps training beside this: stop it first.")


def _set_split_aside(blobs: Blobs, pictures: TrainingPictures) -> bool:
    """Put the earlier split below the project, and in its place what an earlier version refuses.

    Returns whether there was one. One that was set aside before is finished first.
    """
    if pictures.split()[1] is None:
        pictures.put_split(SplitFile(), None)
    aside = f"{pictures.folder}/{FORMER_SPLIT}"
    if blobs.stat(aside) is not None:
        return True
    try:
        found = blobs.get(SPLIT)
    except NotFound:
        blobs.put(SPLIT, MOVED, "application/json", None)
        return False
    if found.data == MOVED:
        return False
    _decoded(found.data or b"")
    blobs.put(aside, found.data or b"", "application/json", None)
    blobs.put(SPLIT, MOVED, "application/json", found.etag)
    return True


def _former(blobs: Blobs, pictures: TrainingPictures) -> tuple[_File, str | None]:
    try:
        blob = blobs.get(f"{pictures.folder}/{FORMER_SPLIT}")
    except NotFound:
        return _File(), None
    return _decoded(blob.data or b""), blob.etag


def _decoded(data: bytes) -> _File:
    try:
        found = decode(data, _File)
        for _, packed in found.parts().values():
            _unpacked(*packed)
    except (msgspec.MsgspecError, TypeError, ValueError, zlib.error) as error:
        raise BadSplit(
            f"The split cannot be read ({error}). Without it, models could be tested on pictures they learned from."
        ) from None
    return found


def _in_earlier_form(blobs: Blobs, gone: Collection[str]) -> Iterator[Listed]:
    """The blobs `<label>/<name>`. A folder with a split of its own is a project's, and what is not ours in it is of a
    label that is called the same."""
    for folder in blobs.folders():
        if folder in gone:
            continue
        if blobs.stat(f"{folder}/{SPLIT}") is None:
            found = (blob for page, _ in blobs.list(prefix=f"{folder}/") for blob in page)
            yield from (blob for blob in found if not is_of_today(blob.name))
        else:
            ours = TrainingPictures(blobs, folder).blobs_of_ours()
            yield from (blob for blob, is_there in ours if is_there is None and blob.name != f"{folder}/{FORMER_SPLIT}")


def _move_all(
    blobs: Blobs, pictures: TrainingPictures, parts: _Parts, progress: BeginStage, gone: Collection[str]
) -> int:
    waiting = list(_in_earlier_form(blobs, gone))
    moving = progress("Moving", len(waiting)) if waiting else None
    return sum(at_once(lambda blob: _move(blobs, pictures, blob, parts), waiting, moving))


def _move(blobs: Blobs, pictures: TrainingPictures, blob: Listed, parts: _Parts) -> bool:
    """Whether there was still something to move."""
    try:
        found = blobs.get(blob.name)
    except NotFound:
        return False
    data = found.data or b""
    sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
    part, packed = parts.get(sha256, (None, None))
    label = blob.name.split("/", 1)[0]

    def known(facts: PictureFacts) -> PictureFacts:
        labels = tuple(dict.fromkeys((*facts.labels, label)))
        names = dict.fromkeys((facts.source, *filter(None, facts.metadata.get(ALSO, "").split("\n")), blob.name))
        source, *also = filter(None, names)
        metadata = {**facts.metadata, **({ALSO: "\n".join(also)} if also else {})}
        now = replace(facts, labels=labels, source=source, metadata=metadata, md5=md5, part=later(facts.part, part))
        return now if packed is None else remembering(now, _unpacked(*packed))

    pictures.change(sha256, known, is_new=True)
    if blob.name != f"{pictures.folder}/{sha256}":  # it has the right name already if the label is the project's
        pictures.put_picture(sha256, data)
        with contextlib.suppress(Conflict):  # another picture has this name now, which the next run moves
            blobs.delete(blob.name, found.etag)
    return True


def _keep_gone(pictures: TrainingPictures, parts: _Parts, progress: BeginStage) -> int:
    """Remember those whose file is gone: deleted ones, and corrected uploads. Returns how many."""
    known = {one.sha256: one.part for one in pictures.list(during_migration=True)} if parts else {}
    missing = [sha256 for sha256, (part, _) in parts.items() if later(known.get(sha256), part) is not known.get(sha256)]

    def keep(sha256: str) -> None:
        part, packed = parts[sha256]

        def remembered(facts: PictureFacts) -> PictureFacts:
            now = replace(facts, md5=facts.md5 or packed[0], part=later(facts.part, part))
            return remembering(now, _unpacked(*packed))

        pictures.change(sha256, remembered, is_new=True)

    at_once(keep, missing, progress("Remembering", len(missing)) if missing else None)
    return len(missing)


def _keep_similarity(pictures: TrainingPictures, former: _File) -> None:
    """Keep by which similarity look-alikes were found, unless that is known already."""
    file, etag = pictures.split()
    looks = [member.look for _, packed in former.parts().values() if (member := _unpacked(*packed)).look is not None]
    if file.similarity is None and former.similarity is not None and looks:
        centre = np.mean(looks, axis=0).astype(np.float32).tobytes()
        pictures.put_split(replace(file, similarity=former.similarity, centre=centre), etag)


def _move_computed(blobs: Blobs, project: str) -> None:
    """What was computed of each picture is as good as before."""
    for name in [
        blob.name for page, _ in blobs.list(prefix="computed-") for blob in page if COMPUTED.fullmatch(blob.name)
    ]:
        state = blobs.stat(name)
        if state is None:
            continue
        writer = blobs.writer(f"{project}/{name}")
        for chunk in blobs.read(name, state.etag, 0, state.size_bytes):
            writer.add(chunk)
        writer.commit("application/octet-stream")
        blobs.delete(name, state.etag)


def _unpacked(md5: str, thumb: str, look: str | None = None) -> Member:
    pixels = np.frombuffer(zlib.decompress(base64.b64decode(thumb)), np.uint8)
    known = None if look is None else look_alikes.unpacked(zlib.decompress(base64.b64decode(look)))
    return Member(pixels.reshape(THUMB_SIDE, THUMB_SIDE), known)
