"""Brings one picture of a project of Custom Vision over, byte for byte, with its tags, regions and metadata."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from imagestore.errors import NotGivenOut
from imagestore.store.training import PictureFacts, TrainingPictures
from model.custom_vision.origin import NOTHING, Here, came, regions_of, tags_by_id
from model.custom_vision.regions import Cut, Cutter
from model.custom_vision.service import CustomVision, RemoteImage, RemoteProject, RemoteTag
from preprocess import Decoder, Limits, PictureError, Reason
from preprocess.formats import HEAD_BYTES, recognise

_LOOK_SIDE = 64


@dataclass(frozen=True)
class Brought:
    """What became of a picture: it is `new` here, or its content was here already (`same`), or only its tags or regions
    are new (`changed`). `refused` says why it did not come. One that is `damaged` can be read there only in part, and
    is here as it is there. `strange` are its tags that the project does not list. `is_there` tells whether it is there
    still."""

    new: bool = False
    same: bool = False
    changed: bool = False
    damaged: bool = False
    is_there: bool = True
    refused: str | None = None
    strange: int = 0
    cut: Cut = Cut()


class Bringer:
    """Brings pictures. Safe to use from several threads; two pictures there of one content become one."""

    def __init__(
        self,
        source: CustomVision,
        remote: RemoteProject,
        pictures: TrainingPictures,
        tags: dict[str, RemoteTag],
        here: Here,
        negatives: Collection[str] | None,
        decoder: Decoder,
        limits: Limits,
        cutter: Cutter | None = None,
        renamed: Mapping[str, str] = NOTHING,
    ) -> None:
        self._source = source
        self._remote = remote
        self._pictures = pictures
        self._tags = tags
        self._here = here
        self._negatives = negatives
        self._decoder = decoder
        self._limits = limits
        self._cutter = cutter
        self._renamed = renamed

    def bring(self, image: RemoteImage) -> Brought:
        """Bring a picture, unless it is here; then only what is new of its tags and regions.

        Raises RemoteError, Unavailable, Conflict, BadSplit, DecoderFailed.
        """
        in_regions = [one.tag_id for one in image.regions or ()] if self._negatives is None else []
        given = [*(one.tag_id for one in image.tags or ()), *in_regions]
        ids = list(dict.fromkeys(given))
        tags = tuple(self._tags[id].name for id in ids if id in self._tags)
        strange, known = len(ids) - len(tags), self._here.pictures.get(image.id)
        if known is not None:
            is_changed = (known.tags, known.regions) != (tags, regions_of(image))
            if is_changed:
                self._change(known.sha256, image, tags)
            cut = self._cut(image, known.sha256, lambda: self._pictures.picture(known.sha256))
            return Brought(changed=is_changed, strange=strange, cut=cut)
        check = _Check(self._decoder, self._limits, image)
        try:
            data = self._source.content(self._remote, image, check)
        except NotGivenOut as error:
            return Brought(refused=str(error), strange=strange)
        if data is None:
            return Brought(is_there=False)  # deleted there since it was listed
        sha256 = hashlib.sha256(data).hexdigest()
        ids_before = self._change(sha256, image, tags, data)
        self._pictures.put_picture(sha256, data)
        is_same = bool(ids_before - {image.id})
        cut = self._cut(image, sha256, lambda: data)
        return Brought(not is_same, is_same, damaged=check.is_damaged, strange=strange, cut=cut)

    def _change(self, sha256: str, image: RemoteImage, tags: tuple[str, ...], data: bytes | None = None) -> set[str]:
        """Write what is known of a picture. Returns the ids that it had before."""
        before: set[str] = set()

        def kept(facts: PictureFacts) -> PictureFacts:
            nonlocal before
            before = set(tags_by_id(facts))
            found = came(facts, image, tags, self._negatives, self._renamed)
            if data is not None:
                md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
                found = replace(found, source=facts.source or f"{self._remote.name}/{image.id}", md5=md5)
            return replace(found, group=found.group or sha256) if self._is_cut(image) else found

        self._pictures.change(sha256, kept)
        return before

    def _is_cut(self, image: RemoteImage) -> bool:
        return self._cutter is not None and bool(image.regions)

    def _cut(self, image: RemoteImage, sha256: str, read: Callable[[], bytes]) -> Cut:
        return self._cutter.cut(image, sha256, read) if self._cutter is not None else Cut()


class _Check:
    """Whether what was fetched is the picture of this size, whole.

    Width and height may be the other way round: the file may say that it lies on its side. One that comes the same
    twice and cannot be read whole is so there: it was uploaded as it is.
    """

    def __init__(self, decoder: Decoder, limits: Limits, image: RemoteImage) -> None:
        self._decoder = decoder
        self._limits = limits
        self._size = (image.width, image.height)
        self._before: bytes | None = None
        self.is_damaged = False

    def __call__(self, data: bytes) -> str | None:
        """What is wrong with it; None if nothing is. Raises DecoderFailed."""
        try:
            recognise(data[:HEAD_BYTES])
        except PictureError as error:
            return f"what its address answers is no picture ({error.reason})"
        try:
            info, _ = self._decoder.described_rendition(data, _LOOK_SIDE, self._limits)
        except PictureError as error:
            if error.reason not in (Reason.TRUNCATED, Reason.CORRUPT):
                return None
            before, self._before = self._before, hashlib.sha256(data).digest()
            self.is_damaged = before == self._before
            return None if self.is_damaged else f"what its address answers is half a picture ({error.reason})"
        if all(self._size) and not _may_be_original(self._size, (info.width, info.height)):
            width, height = self._size
            found = f"{info.width} × {info.height}"
            return f"it has {width} × {height} pixels there, and its address answers one of {found}"
        return None


def _may_be_original(there: tuple[int, int], here: tuple[int, int]) -> bool:
    """Whether a picture of the size `here` (width, height) may be the original of one that has the size `there`, as the
    service says: the same, either way round, or larger in the same proportions, in case it tells that of a copy."""
    (short, long), (own_short, own_long) = sorted(there), sorted(here)
    is_in_proportion = abs(own_short * long - own_long * short) <= max(own_long, long)
    return (short, long) == (own_short, own_long) or (own_short >= short and own_long >= long and is_in_proportion)
