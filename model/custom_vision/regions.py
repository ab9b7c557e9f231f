"""Cuts pictures out by their regions: each becomes a labelled picture of its own, with its region's tag."""

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from PIL import Image

from imagestore.store.training import PictureFacts, TrainingPictures
from model.custom_vision.origin import NOTHING, REGION_TAGS_THERE, REGION_THERE, created_of, key_of, named, region_tags
from model.custom_vision.service import RemoteImage, RemoteRegion, RemoteTag
from preprocess import Decoder, Limits, PictureError

_LARGEST_SIDE = 8192
_QUALITY = 95


@dataclass(frozen=True)
class Cut:
    """How many regions of a picture were cut out now, and how many cannot be: too small, outside, or of no tag."""

    done: int = 0
    left_out: int = 0


class Cutter:
    """Cuts regions out. Safe to use from several threads."""

    def __init__(
        self,
        pictures: TrainingPictures,
        tags: dict[str, RemoteTag],
        known: Mapping[str, tuple[str, tuple[str, ...]]],
        decoder: Decoder,
        limits: Limits,
        *,
        has_one_label: bool = True,
        renamed: Mapping[str, str] = NOTHING,
    ) -> None:
        self._pictures = pictures
        self._tags = tags
        self._known = known
        self._has_one_label = has_one_label
        self._renamed = renamed
        self._decoder = decoder
        self._limits = limits

    def cut(self, image: RemoteImage, sha256: str, read: Callable[[], bytes]) -> Cut:
        """Cut out the regions of a picture that were not yet. `read` gives its content. Raises DecoderFailed.

        One that was cut out and has another tag there now gets its label, unless somebody has labelled it here.
        """
        for region in image.regions or ():
            self._relabel(key_of(image, region), self._tags.get(region.tag_id))
        wanted = [one for one in image.regions or () if key_of(image, one) not in self._known]
        if not wanted:
            return Cut()
        try:
            pixels = self._decoder.rendition(read(), _LARGEST_SIDE, self._limits)
        except PictureError:
            return Cut(left_out=len(wanted))
        done = sum(self._cut(image, sha256, region, pixels) for region in wanted)
        return Cut(done, len(wanted) - done)

    def _relabel(self, key: str, tag: RemoteTag | None) -> None:
        if tag is not None and key in self._known and self._known[key][1] != (tag.name,):
            self._pictures.change(self._known[key][0], lambda facts: self._labelled(facts, key, tag.name))

    def _labelled(self, facts: PictureFacts, key: str, name: str) -> PictureFacts:
        """The facts of what was cut out by this region too, which has this tag. Where labels exclude each other and two
        regions of one place have different ones, it has none."""
        before = region_tags(facts, self._renamed)
        after = {**before, key: (name,)}
        had, now = self._label(named(before)), self._label(named(after))
        labels = facts.labels
        if not before:
            labels = tuple(dict.fromkeys([*labels, *now]))
        elif set(labels) in (set(had), set(named(before))):
            labels = tuple(now)
        told = {REGION_THERE: ",".join(after), REGION_TAGS_THERE: msgspec.json.encode(after).decode()}
        return replace(facts, labels=labels, metadata={**facts.metadata, **told})

    def _label(self, names: list[str]) -> list[str]:
        return [] if self._has_one_label and len(names) > 1 else names

    def _cut(self, image: RemoteImage, original: str, region: RemoteRegion, pixels: np.ndarray) -> bool:
        tag, part = self._tags.get(region.tag_id), part_of(pixels, region)
        if tag is None or min(part.shape[:2]) < max(1, self._limits.min_side):
            return False
        data = encoded(part)
        sha256, key = hashlib.sha256(data).hexdigest(), key_of(image, region)

        def kept(facts: PictureFacts) -> PictureFacts:
            return replace(
                self._labelled(facts, key, tag.name),
                source=facts.source or f"{tag.name}/{image.id}/{region.region_id or key.rpartition(':')[2]}.jpg",
                group=facts.group or original,
                md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
                created_at=facts.created_at or created_of(image),
                width=part.shape[1],
                height=part.shape[0],
            )

        self._pictures.change(sha256, kept, is_new=True)
        self._pictures.put_picture(sha256, data)
        return True


def part_of(pixels: np.ndarray, region: RemoteRegion) -> np.ndarray:
    """The part of a picture uint8 [height, width, 3] that a region is, as far as it lies in it."""
    height, width = pixels.shape[:2]

    def within(share: float, side: int) -> int:
        return round(min(max(share, 0.0), 1.0) * side)

    left, right = within(region.left, width), within(region.left + region.width, width)
    top, bottom = within(region.top, height), within(region.top + region.height, height)
    return pixels[top:bottom, left:right]


def encoded(pixels: np.ndarray) -> bytes:
    """Pixels uint8 [height, width, 3] as a JPEG that is hard to tell from them; the same pixels give the same bytes."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=_QUALITY, subsampling=0)
    return out.getvalue()
