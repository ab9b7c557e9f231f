"""Small pictures for people to look at: made at first sight, kept in a container, in WebP without any metadata."""

import io
import logging
from dataclasses import dataclass

from PIL import Image

from errors import Missing, PictureError, Reason
from pipeline.commit import RENDITIONS, rendition_name
from preprocess import Decoder, Limits
from record import record_id
from store import Stores

log = logging.getLogger("imagestore.rendition")
_QUALITY = 80


@dataclass(frozen=True)
class Renderer:
    """Makes renditions. The decoding is done in a child process, as it is for classification."""

    stores: Stores
    decoder: Decoder
    limits: Limits

    def get(self, name: str, etag: str, kind: str) -> bytes:
        """The WebP of that version of an upload; `kind` is one of RENDITIONS.

        Missing where that version is no longer there; PictureError where it cannot be shown; Away.
        """
        kept_as = rendition_name(record_id(name), kind)
        try:
            kept = self.stores.thumbnails.get(kept_as)
            if kept.metadata.get("of") == etag and kept.data:
                return kept.data
        except Missing:
            pass
        data = self._make(name, etag, RENDITIONS[kind])
        self.stores.thumbnails.overwrite(kept_as, data, "image/webp", {"of": etag})
        if self.stores.uploads.look(name) is None:  # deleted meanwhile, and its renditions with it
            self.stores.thumbnails.delete(kept_as)
        return data

    def _make(self, name: str, etag: str, side: int) -> bytes:
        blob = self.stores.uploads.get(name, self.limits.max_bytes)
        if blob.etag != etag:
            raise Missing("The upload was replaced meanwhile.")
        if blob.data is None:
            raise PictureError(Reason.TOO_MANY_BYTES, f"{blob.size_bytes} bytes; the limit is {self.limits.max_bytes}.")
        pixels = self.decoder.rendition(blob.data, side, self.limits)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "WEBP", quality=_QUALITY)
        return out.getvalue()
