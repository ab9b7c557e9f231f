"""What the live model says of itself: the web app reads its file and runs no part of it."""

import hashlib
import logging
import threading
import time
from pathlib import Path

from classify import ModelError, ModelLabels, read_labels
from classify.model import MAX_MODEL_BYTES
from imagestore.errors import StoreError
from imagestore.store import PromotionEntry, Stores

log = logging.getLogger("imagestore.web")
_PATIENCE_S = 2.0


class LiveModel:
    """The name, version and labels of the live model, as far as this process could read them.

    `default` is the file of the model that is live until a first promotion. Storage is asked every `every_s` seconds at
    most, by one thread; meanwhile the others get what was known before. They wait only while nothing is known, and not
    for long, since storage may not answer.
    """

    def __init__(self, default: Path, stores: Stores, every_s: float = 10.0) -> None:
        self._default = default
        self._stores = stores
        self._every_s = every_s
        self._asking = threading.Lock()
        self._known: ModelLabels | None = None
        self._etag: str | None = None
        self._looked_at = float("-inf")

    def get(self) -> ModelLabels | None:
        """What is known; None if nothing can be read now."""
        if time.monotonic() - self._looked_at <= self._every_s:
            return self._known
        if self._asking.acquire(timeout=_PATIENCE_S if self._known is None else 0):
            try:
                self._look()
            except (ModelError, StoreError) as error:
                log.warning("%s", error)
            finally:
                self._looked_at = time.monotonic()
                self._asking.release()
        return self._known

    def _look(self) -> None:
        found = self._stores.models.active()
        active, etag = found if found else (None, "")
        if etag != self._etag:
            self._etag = etag  # also of one that cannot be used: it is not read again and again
            self._known = self._read_default() if active is None else self._read(active.live)

    def _read(self, live: PromotionEntry) -> ModelLabels:
        if self._default.exists():
            default = self._read_default()
            if default.ref.sha256 == live.sha256:
                return default
        data = self._stores.models.read(live.name, live.version, max_bytes=MAX_MODEL_BYTES)
        if hashlib.sha256(data).hexdigest() != live.sha256:
            raise ModelError(f"model {live.name} {live.version} is refused: its SHA-256 is not the one promoted")
        return read_labels(data, f"model {live.name} {live.version}")

    def _read_default(self) -> ModelLabels:
        try:
            return read_labels(self._default.read_bytes(), f"MODEL '{self._default}'")
        except OSError as error:
            raise ModelError(f"MODEL '{self._default}' cannot be read: {error.strerror}.") from None
