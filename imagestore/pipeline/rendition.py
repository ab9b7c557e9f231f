"""Small pictures for people to look at, in WebP without metadata. They are made when first asked for, and kept.

A page asks for many at once, and a picture may take half a minute to decode. So as many are decoded at a time as there
are cores, each picture by one child however many ask for it; a few requests wait, and not for long, since each of them
holds a thread of the web app; and a picture that cannot be shown is not decoded again at each request.
"""

import contextlib
import io
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from imagestore.errors import Busy, NotFound
from imagestore.pipeline.names import RENDITIONS, rendition_name
from imagestore.record import record_id
from imagestore.store import Stores
from preprocess import Decoder, DecoderFailed, ImageInfo, ImageSpec, Limits, PictureError, Reason

log = logging.getLogger("imagestore.rendition")
_QUALITY = 80
_MOST_WAITING = 16
"""Requests that wait for a child or for another request; the web app has 40 threads for all it does."""
_PATIENCE_S = 10.0
_MOST_FAILURES = 4096
_REMEMBERED_S = 600.0
"""A decoder that was killed for its time may have been slow for want of a core: the picture gets another chance."""
_FAULT_REMEMBERED_S = 30.0
"""A fault that is not the picture's, such as a lack of memory, may be over sooner."""
Version = tuple[str, str]
"""An upload's name and ETag."""


class Renderer:
    """Makes renditions, in decode children as for classification. Safe to use from many threads."""

    def __init__(self, stores: Stores, decoder: Decoder, limits: Limits, children: int = 1) -> None:
        """`children` is how many pictures the decoder takes at once."""
        self._stores = stores
        self._decoder = decoder
        self._limits = limits
        self._seats = threading.BoundedSemaphore(children)
        self._in_work = InWork()
        self._failures = Failures()
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)

    def get(self, name: str, etag: str, kind: str) -> bytes:
        """The WebP of that version of an upload; `kind` is one of RENDITIONS.

        Raises NotFound if that version is no longer there, PictureError if it cannot be shown, Busy if too many
        renditions are being made, Unavailable or DecoderFailed.
        """
        self._failures.demand_none((name, etag))
        if (kept := self._kept(name, etag, kind)) is not None:
            return kept
        ends = time.monotonic() + _PATIENCE_S
        with self._alone((name, etag), ends) as was_first:
            if not was_first:  # meanwhile another request has decoded the picture, for this kind or another
                self._failures.demand_none((name, etag))
                if (kept := self._kept(name, etag, kind)) is not None:
                    return kept
            return self._made(name, etag, kind, ends)

    def of_file(self, data: bytes, kind: str) -> bytes:
        """The WebP of a picture's file, which is not kept; `kind` is one of RENDITIONS.

        Raises PictureError if it cannot be shown, Busy if too many pictures are being decoded, or DecoderFailed.
        """
        with self._seat(time.monotonic() + _PATIENCE_S):
            return _webp(self._decoder.rendition(data, RENDITIONS[kind], self._limits))

    def pixels(self, data: bytes, spec: ImageSpec) -> tuple[ImageInfo, np.ndarray]:
        """The picture in a file, as a model takes it, and what the file holds about itself.

        Raises PictureError if it cannot be read, Busy if too many pictures are being decoded, or DecoderFailed.
        """
        with self._seat(time.monotonic() + _PATIENCE_S):
            return self._decoder.preprocess(data, spec, self._limits)

    def close(self) -> None:
        """End the decode children."""
        self._decoder.close()

    def _kept(self, name: str, etag: str, kind: str) -> bytes | None:
        with contextlib.suppress(NotFound):
            kept = self._stores.thumbnails.get(rendition_name(record_id(name), kind))
            if kept.metadata.get("of") == etag and kept.data:
                return kept.data
        return None

    def _made(self, name: str, etag: str, kind: str, ends: float) -> bytes:
        try:
            data = self._make(name, etag, RENDITIONS[kind], ends)
        except (PictureError, DecoderFailed) as error:
            self._failures.add((name, etag), error)
            raise
        kept_as = rendition_name(record_id(name), kind)
        self._stores.thumbnails.overwrite(kept_as, data, "image/webp", {"of": etag})
        if self._stores.uploads.stat(name) is None:  # deleted meanwhile, and its renditions with it
            self._stores.thumbnails.delete(kept_as)
        return data

    def _make(self, name: str, etag: str, side: int, ends: float) -> bytes:
        with self._seat(ends):
            blob = self._stores.uploads.get(name, self._limits.max_bytes)
            if blob.etag != etag:
                raise NotFound("The upload was replaced meanwhile.")
            if blob.data is None:
                detail = f"{blob.size_bytes} bytes; the limit is {self._limits.max_bytes}."
                raise PictureError(Reason.TOO_MANY_BYTES, detail)
            return _webp(self._decoder.rendition(blob.data, side, self._limits))

    @contextlib.contextmanager
    def _alone(self, version: Version, ends: float) -> Iterator[bool]:
        """While no other request decodes this picture; yields whether none did before. Raises Busy."""
        was_first = self._in_work.begin(version)
        if not was_first:
            with self._wait():
                if not self._in_work.begin_later(version, ends):
                    raise _busy()
        try:
            yield was_first
        finally:
            self._in_work.end(version)

    @contextlib.contextmanager
    def _seat(self, ends: float) -> Iterator[None]:
        """While a child is free for this picture. Raises Busy."""
        if not self._seats.acquire(blocking=False):
            with self._wait():
                if not self._seats.acquire(timeout=max(0.0, ends - time.monotonic())):
                    raise _busy()
        try:
            yield
        finally:
            self._seats.release()

    @contextlib.contextmanager
    def _wait(self) -> Iterator[None]:
        if not self._waiting.acquire(blocking=False):
            raise _busy()
        try:
            yield
        finally:
            self._waiting.release()


class InWork:
    """The pictures that are being decoded now."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._versions: set[Version] = set()

    def begin(self, version: Version) -> bool:
        """Begin with this picture; False if it is in work."""
        with self._changed:
            if version in self._versions:
                return False
            self._versions.add(version)
            return True

    def begin_later(self, version: Version, ends: float) -> bool:
        """Begin with this picture as soon as it is no longer in work; False if it still is at that time."""
        with self._changed:
            left = max(0.0, ends - time.monotonic())
            if not self._changed.wait_for(lambda: version not in self._versions, left):
                return False
            self._versions.add(version)
            return True

    def end(self, version: Version) -> None:
        """It is no longer in work."""
        with self._changed:
            self._versions.remove(version)
            self._changed.notify_all()


class Failures:
    """Pictures that could not be shown lately: the latest `most` of them, each for a while."""

    def __init__(self, most: int = _MOST_FAILURES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[Version, tuple[float, PictureError | DecoderFailed]] = OrderedDict()

    def add(self, version: Version, error: PictureError | DecoderFailed) -> None:
        """Remember it, and forget the oldest if there are too many."""
        seconds = _REMEMBERED_S if isinstance(error, PictureError) else _FAULT_REMEMBERED_S
        with self._lock:
            self._failures[version] = (self._clock() + seconds, error)
            self._failures.move_to_end(version)
            if len(self._failures) > self._most:
                self._failures.popitem(last=False)

    def demand_none(self, version: Version) -> None:
        """Raises PictureError or DecoderFailed if this picture could not be shown lately."""
        with self._lock:
            until, error = self._failures.get(version, (0.0, None))
        if error is None or until < self._clock():
            return
        if isinstance(error, PictureError):
            raise PictureError(error.reason, error.detail)
        raise DecoderFailed(*error.args)


def _webp(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", quality=_QUALITY)
    return out.getvalue()


def _busy() -> Busy:
    return Busy("Too many pictures are being decoded just now. Ask again in a moment.")
