"""The model in use: the promoted one, or the file that came with the app while none is."""

import hashlib
import logging
import threading
import time
from pathlib import Path

from classify import Model, load_model, read_model
from classify.model import MAX_MODEL_BYTES
from errors import ModelError, StoreError
from store import Active, Entry, Stores

log = logging.getLogger("imagestore.live")


class Live:
    """Looks every `every_s` seconds, when a picture comes, whether another model was promoted, and changes to it.

    A step takes `current()` once, so that no record mixes two. A promoted file that cannot be used is refused: the one
    in use stays; a process that has none yet takes the latest before it that can be used.
    """

    def __init__(self, default: Model, stores: Stores | None = None, every_s: float = 10.0) -> None:
        self._default = default
        self._stores = stores
        self._every_s = every_s
        self._model: Model | None = None if stores else default
        self._etag: str | None = None
        self._looked_at = float("-inf")
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: Path, stores: Stores | None = None, every_s: float = 10.0) -> "Live":
        """With this file as the default; ModelError where it cannot be used. No service is asked yet."""
        return cls(load_model(path), stores, every_s)

    def current(self, expected: str | None = None) -> Model:
        """The model that classifies now; if it is not the one with the SHA-256 `expected`, looks at once for another,
        and waits if somebody is looking.

        Raises Away or ModelError only where there has been none yet.
        """
        if self._model is None:
            with self._lock:
                if self._model is None:
                    self._look()
        elif self._is_other(expected):
            with self._lock:
                if self._is_other(expected):
                    self._try_to_look()
        elif self._stores and time.monotonic() - self._looked_at > self._every_s and self._lock.acquire(blocking=False):
            try:
                self._try_to_look()
            finally:
                self._lock.release()
        assert self._model is not None
        return self._model

    def _is_other(self, expected: str | None) -> bool:
        return bool(expected and self._stores and self._model and self._model.ref.sha256 != expected)

    def _try_to_look(self) -> None:
        try:
            self._look()
        except (StoreError, ModelError) as error:
            log.warning("the model in use stays: %s", error)

    def _look(self) -> None:
        assert self._stores is not None
        self._looked_at = time.monotonic()
        found = self._stores.models.active()
        if found is None:
            self._model, self._etag = self._default, None
            return
        active, etag = found
        if etag == self._etag:
            return
        self._change(active)
        self._etag = etag  # also of one that cannot be used: it is not tried again and again

    def _change(self, active: Active) -> None:
        entries = (active.live,) if self._model is not None else (active.live, *active.previous)
        for entry in entries:
            try:
                self._model = self._loaded(entry)
            except ModelError as error:
                log.error("model %s %s is refused: %s", entry.name, entry.version, error)
                continue
            log.info("model %s %s is in use", entry.name, entry.version)
            return
        if self._model is None:
            raise ModelError("No promoted model can be used; the log says why. Promote another one.")

    def _loaded(self, entry: Entry) -> Model:
        assert self._stores is not None
        if entry.sha256 == self._default.ref.sha256:
            return self._default
        data = self._stores.models.read(entry.name, entry.version, max_bytes=MAX_MODEL_BYTES)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise ModelError("its SHA-256 is not the one that was promoted")
        return read_model(data, f"model {entry.name} {entry.version}")
