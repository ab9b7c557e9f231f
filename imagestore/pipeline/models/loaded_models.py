"""The live models as this process has them loaded: by route, and no more of them than memory has room for."""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from classify import Model, ModelError, load_model, read_model
from classify.model import MAX_MODEL_BYTES
from imagestore.errors import StoreError, Unavailable
from imagestore.pipeline.models.known_live import KnownLive
from imagestore.pipeline.models.model_cache import ModelCache
from imagestore.store import LiveModels, PromotionEntry, Stores

log = logging.getLogger("imagestore.models")
MODEL_CACHE_BYTES = 120_000_000


@dataclass(frozen=True)
class RoutedModel:
    """The model that classifies an upload, and its project; None if it is the model that came with the app.

    Two are equal if the same file classifies for the same project.
    """

    model: Model = field(compare=False)
    project: str | None
    sha256: str


class LoadedModels:
    """Which model classifies which upload, and the models themselves; they change with promotions and routes.

    `default` is the file of the model that is live until a first promotion. Nothing is loaded before the first call of
    `current()`, since a process that classifies nothing needs no model. Later it asks for changes when a picture comes.
    No record is written by what was known `every_s` seconds ago: see `confirmed`. Whoever changes what is live waits so
    long (`RouteTable.settle`), so that what is uploaded afterwards is classified by the new model alone.

    A promoted file that cannot be used is refused, and the model loaded before stays; a process that has none yet takes
    the latest earlier one that can be used. Of the loaded models the least recently used go when they need more than
    `cache_bytes` together; the one that is asked for always stays.
    """

    def __init__(
        self,
        default: Path,
        stores: Stores,
        every_s: float,
        cache_bytes: int = MODEL_CACHE_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._default = default
        self._stores = stores
        self._every_s = every_s
        self._cache = ModelCache(cache_bytes)
        self._clock = clock
        self._default_sha256: str | None = None
        self._live = KnownLive(lambda: stores.routes.read(), every_s, clock)
        self._in_use: dict[str | None, PromotionEntry | None] = {}
        self._refused: set[PromotionEntry] = set()
        self._failed_at: dict[str | None, float] = {}

    def current(self, name: str, expected: str | None = None) -> RoutedModel:
        """The model to begin classifying this upload with. If its SHA-256 is not `expected`, ask first whether another
        one is live.

        It may be the one before while another thread asks storage, or loads its successor, or while storage is away:
        the record waits for `confirmed`. A step calls this once, so that no record mixes two models. Several threads
        that need a model at once load it once. Raises Unavailable or ModelError only while no model can be had; the
        next call tries again.
        """
        found = self._of(name, self._live.get())
        if expected in (None, found.sha256):
            return found
        if (found := self._of(name, self._live.get(), wait=True)).sha256 == expected:
            return found
        try:
            return self._of(name, self._live.now(), wait=True)
        except Unavailable as error:
            log.warning("the models in use stay: %s", error)
            return found

    def confirmed(self, name: str, expected: str | None = None) -> RoutedModel:
        """The model by which a record of this upload may be written now: the one that was live at some moment of the
        last `every_s` seconds. If its SHA-256 is not `expected`, the one that is live now.

        Waits for a thread that asks storage, or loads the model. Raises Unavailable where it cannot be known or had;
        ModelError as `current`.
        """
        found = self._of(name, self._live.confirmed(), wait=True, is_needed=True)
        if expected in (None, found.sha256):
            return found
        return self._of(name, self._live.now(), wait=True, is_needed=True)

    def has_replaced(self, name: str, sha256: str) -> bool:
        """Whether the model with this SHA-256 was live for this upload before the present one, as far as is known."""
        known = self._live.get()
        route = known.route_of(name)
        active = known.of(route.project if route else None)
        return active is not None and any(entry.sha256 == sha256 for entry in active.previous)

    def called(self) -> tuple[str, ...]:
        """The models in use, the default one first, such as ("mine 3", "screws 1"). Raises as `current`."""
        known = self._live.get()
        entries = [known.default, *(active for _, active in known.by_prefix())]
        named = [f"{one.live.name} {one.live.version}" for one in entries if one is not None]
        if known.default is None:
            shipped = self.current("").model.ref
            named.insert(0, f"{shipped.name} {shipped.version}")
        return tuple(dict.fromkeys(named))

    def fingerprint(self) -> str:
        """What changes if another model classifies any upload: the SHA-256 of the live model, or of all where there are
        routes."""
        default, routed = self.current("").model.ref.sha256, self._live.get().by_prefix()
        if not routed:
            return default
        said = "\n".join([default, *(f"{active.live.sha256} {prefix}" for prefix, active in routed)])
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()

    def _of(self, name: str, known: LiveModels, *, wait: bool = False, is_needed: bool = False) -> RoutedModel:
        """The model that this upload is classified by. Without `wait`, the one before while another thread loads it;
        unless it `is_needed`, also while its file cannot be read."""
        route = known.route_of(name)
        project = route.project if route else None
        active = known.active(project) if project else known.default
        live = active.live if active else None
        if project in self._in_use:
            before = self._in_use[project]
            if before == live:
                return self._routed(live)
            return self._changed(project, live, before, wait=wait, is_needed=is_needed)
        for entry in (live, *(active.previous if active else ())):
            if (found := self._tried(project, entry)) is not None:
                return found
        raise ModelError("No promoted model can be used; the log says why. Promote another one.")

    def _changed(
        self,
        project: str | None,
        live: PromotionEntry | None,
        before: PromotionEntry | None,
        *,
        wait: bool,
        is_needed: bool,
    ) -> RoutedModel:
        """The live model of a project, which is not the one in use; the one in use if it cannot be used, or cannot be
        had now: see `_of`."""
        found = None
        if wait or self._clock() - self._failed_at.get(project, float("-inf")) > self._every_s:
            try:
                found = self._tried(project, live, wait=wait)
            except (StoreError, ModelError) as error:
                self._failed_at[project] = self._clock()
                if is_needed and isinstance(error, Unavailable):
                    raise
                log.warning("the model in use stays: %s", error)
        return found or self._routed(before)

    def _tried(self, project: str | None, entry: PromotionEntry | None, *, wait: bool = True) -> RoutedModel | None:
        """The model of this entry, None if it is refused, or without `wait` while another thread loads it."""
        if entry in self._refused:
            return None
        try:
            found = self._routed(entry, wait=wait)
        except BlockingIOError:  # another thread loads it
            return None
        except ModelError as error:
            if entry is None:
                raise
            log.error("model %s %s is refused: %s", entry.name, entry.version, error)
            self._refused.add(entry)
            return None
        if entry is not None:
            log.info("model %s %s is in use", entry.name, entry.version)
        self._in_use[project] = entry
        self._cache.forget_all_but({self._key(one) for one in self._in_use.values()})
        return found

    def _routed(self, entry: PromotionEntry | None, *, wait: bool = True) -> RoutedModel:
        key = self._key(entry)
        if entry is None or key is None:
            model, project = self._cache.get(None, self._read_shipped, wait=wait), None
        else:
            model, project = self._cache.get(key, lambda: self._read(entry), wait=wait), entry.name
        return RoutedModel(model, project, model.ref.sha256)

    def _key(self, entry: PromotionEntry | None) -> str | None:
        return None if entry is None or self._is_shipped(entry) else entry.sha256

    def _read(self, entry: PromotionEntry) -> tuple[int, Callable[[], Model]]:
        data = self._stores.models.read(entry.name, entry.version, max_bytes=MAX_MODEL_BYTES)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise ModelError("its SHA-256 is not the one that was promoted")
        return len(data), lambda: read_model(data, f"model {entry.name} {entry.version}")

    def _is_shipped(self, entry: PromotionEntry) -> bool:
        if self._default_sha256 is None:
            try:
                with self._default.open("rb") as file:
                    self._default_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError:  # a process that has a promoted model needs no default
                return False
        return entry.sha256 == self._default_sha256

    def _read_shipped(self) -> tuple[int, Callable[[], Model]]:
        def load() -> Model:
            model = load_model(self._default)
            self._default_sha256 = model.ref.sha256
            return model

        return self._default.stat().st_size if self._default.is_file() else 0, load
