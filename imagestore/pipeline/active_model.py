"""Follows which model is live: the promoted one, or the shipped file until a first promotion."""

import hashlib
import logging
import threading
import time
from pathlib import Path

from classify import Model, ModelError, load_model, read_model
from classify.model import MAX_MODEL_BYTES
from imagestore.errors import StoreError
from imagestore.store import Active, PromotionEntry, Stores

log = logging.getLogger("imagestore.active_model")


class ActiveModel:
    """The live model as this process has it loaded; it changes when another model is promoted.

    `default` is the file of the model that is live until a first promotion. Nothing is loaded before the first call of
    `current()`, since a process that classifies nothing needs no model. Later it asks for a promotion when a picture
    comes, at most every `every_s` seconds. A step calls `current()` once, so that no record mixes two models. A
    promoted file that cannot be used is refused, and the model loaded before stays; a process that has none yet takes
    the latest earlier one that can be used.
    """

    def __init__(self, default: Path, stores: Stores, every_s: float = 10.0) -> None:
        self._default = default
        self._default_model: Model | None = None
        self._stores = stores
        self._every_s = every_s
        self._model: Model | None = None
        self._etag: str | None = None
        self._looked_at = float("-inf")
        self._lock = threading.Lock()

    def current(self, expected: str | None = None) -> Model:
        """The model to classify with. If its SHA-256 is not `expected`, ask first whether another one was promoted.

        Several threads that need the first model at once load it once. Raises Unavailable or ModelError only while
        there has been no model yet; the next call tries again.
        """
        if self._model is None:
            with self._lock:
                if self._model is None:
                    self._look()
        elif self._is_other(expected):
            with self._lock:
                if self._is_other(expected):
                    self._try_to_look()
        elif time.monotonic() - self._looked_at > self._every_s and self._lock.acquire(blocking=False):
            try:
                self._try_to_look()
            finally:
                self._lock.release()
        assert self._model is not None
        return self._model

    def _is_other(self, expected: str | None) -> bool:
        return bool(expected and self._model and self._model.ref.sha256 != expected)

    def _try_to_look(self) -> None:
        try:
            self._look()
        except (StoreError, ModelError) as error:
            log.warning("the model in use stays: %s", error)

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        found = self._stores.models.active()
        if found is None:
            self._model, self._etag = self._loaded_default(), None
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

    def _loaded(self, entry: PromotionEntry) -> Model:
        if self._is_default(entry):
            return self._loaded_default()
        data = self._stores.models.read(entry.name, entry.version, max_bytes=MAX_MODEL_BYTES)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise ModelError("its SHA-256 is not the one that was promoted")
        return read_model(data, f"model {entry.name} {entry.version}")

    def _is_default(self, entry: PromotionEntry) -> bool:
        if self._default_model is not None:
            return entry.sha256 == self._default_model.ref.sha256
        try:
            with self._default.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256
        except OSError:  # a process that has a promoted model needs no default
            return False

    def _loaded_default(self) -> Model:
        if self._default_model is None:
            self._default_model = load_model(self._default)
        return self._default_model
