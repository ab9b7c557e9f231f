"""What the live models say of themselves: the web app reads their files and runs no part of them."""

import hashlib
import logging
import threading
import time
from pathlib import Path

from classify import ModelError, ModelLabels, read_labels
from classify.model import MAX_MODEL_BYTES
from imagestore.errors import StoreError, Unavailable
from imagestore.store import PromotionEntry, Stores

log = logging.getLogger("imagestore.web")
_PATIENCE_S = 2.0


class LiveModel:
    """Names, versions and labels of the live models, as far as this process could read them.

    `default` is the file of the model that is live until a first promotion. Storage is asked every `every_s` seconds at
    most, by one thread; meanwhile the others get what was known before. They wait only while nothing is known, and not
    for long, since storage may not answer.
    """

    def __init__(self, default: Path, stores: Stores, every_s: float = 10.0) -> None:
        self._default = default
        self._stores = stores
        self._every_s = every_s
        self._asking = threading.Lock()
        self._known: dict[str, ModelLabels | None] = {}
        self._hashes: list[tuple[str, str]] = []
        self._etags: tuple[str | None, str | None] | None = None
        self._looked_at = float("-inf")

    def get(self) -> ModelLabels | None:
        """What is known of the default route's model; None if nothing can be read now."""
        self._ask()
        return self._known.get("")

    def all(self) -> tuple[ModelLabels, ...]:
        """What is known of the live models of all routes, that of the default one last."""
        self._ask()
        return tuple(model for model in self._known.values() if model is not None)

    def by_prefix(self) -> list[tuple[str, str]] | None:
        """Prefixes of names with the SHA-256 of the model that is live for them, the longest first and the empty one
        last; None if nothing can be read now."""
        self._ask()
        return self._hashes or None

    def _ask(self) -> None:
        if time.monotonic() - self._looked_at <= self._every_s:
            return
        if self._asking.acquire(timeout=0 if self._known.get("") else _PATIENCE_S):
            try:
                self._look()
            except (ModelError, StoreError) as error:
                log.warning("%s", error)
            finally:
                self._looked_at = time.monotonic()
                self._asking.release()

    def _look(self) -> None:
        found = self._stores.routes.read()
        if found.etags == self._etags:
            return
        live = [(prefix, active.live) for prefix, active in found.by_prefix()]
        before, known = self._known, dict[str, ModelLabels | None]()
        for prefix, entry in (*live, ("", found.default.live if found.default else None)):
            try:
                known[prefix] = self._read(entry)
            except Unavailable:
                raise
            except (ModelError, StoreError) as error:
                log.warning("%s", error)
                known[prefix] = before.get(prefix)
        self._known = known
        hashes = [(prefix, entry.sha256) for prefix, entry in live]
        if found.default is not None:
            self._hashes = [*hashes, ("", found.default.live.sha256)]
        elif (shipped := known[""]) is not None:
            self._hashes = [*hashes, ("", shipped.ref.sha256)]
        self._etags = found.etags  # also of one that cannot be used: it is not read again and again

    def _read(self, live: PromotionEntry | None) -> ModelLabels:
        """What the live model's file says; with None the one that came with the app. Raises ModelError, StoreError."""
        known = (model for model in self._known.values() if model is not None)
        if live is not None and (found := next((one for one in known if one.ref.sha256 == live.sha256), None)):
            return found
        if live is None or self._default.exists():
            default = self._read_default()
            if live is None or default.ref.sha256 == live.sha256:
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
