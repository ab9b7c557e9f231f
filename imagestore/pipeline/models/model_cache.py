"""Loaded models, no more of them than memory has room for."""

import ctypes
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection

from classify import Model

log = logging.getLogger("imagestore.models")
MEMORY_SHARE = 2
"""A loaded model takes 1.9 times the size of its file, as was measured with the model that comes with the app."""


class ModelCache:
    """Loaded models by the SHA-256 of their files, None for the one that came with the app."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._models: OrderedDict[str | None, tuple[Model, int]] = OrderedDict()
        self._changing = threading.Lock()
        self._loading = threading.Lock()

    def get(self, key: str | None, read: Callable[[], tuple[int, Callable[[], Model]]], *, wait: bool = True) -> Model:
        """The model of this key. If it is not there, `read` gives the size of its file in bytes, and what loads it once
        there is room.

        Who asks for a model that is there waits for nobody. One model is loaded at a time; without `wait`, raises
        BlockingIOError instead of waiting for that.
        """
        if (found := self._used(key)) is not None:
            return found
        if not self._loading.acquire(blocking=wait):
            raise BlockingIOError
        try:
            if (found := self._used(key)) is not None:
                return found
            size, load = read()
            self._make_room(size * MEMORY_SHARE)
            model = load()
            del load  # with the file's content
            _give_back()
            with self._changing:
                self._models[key] = (model, size * MEMORY_SHARE)
            return model
        finally:
            self._loading.release()

    def _used(self, key: str | None) -> Model | None:
        with self._changing:
            if key not in self._models:
                return None
            self._models.move_to_end(key)
            return self._models[key][0]

    def forget_all_but(self, keys: Collection[str | None]) -> None:
        """Let go of the models that nothing is classified with any more."""
        with self._changing:
            for key in self._models.keys() - set(keys):
                del self._models[key]

    def _make_room(self, size: int) -> None:
        with self._changing:
            while self._models and size + sum(used for _, used in self._models.values()) > self._most_bytes:
                _, (gone, _) = self._models.popitem(last=False)
                log.info("model %s %s makes room", gone.ref.name, gone.ref.version)


def _give_back() -> None:
    """Give memory that is no longer used back to the system, where the C library can: loading the shipped model leaves
    20 MB behind, which a worker would keep for ever."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
