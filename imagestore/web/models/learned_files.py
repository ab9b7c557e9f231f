"""What versions learned from, as far as it was asked for lately: the files of a version never change."""

import threading
from collections import OrderedDict

from imagestore.store import Stores
from imagestore.store.learned import Learned, read_learned
from imagestore.web.models.classifier import Version

_KEPT = 3
"""So many versions' files stay in memory, 4 megabytes each of 1,280 numbers."""


class LearnedFiles:
    """Reads them, and keeps those that were asked for last. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, str], Learned | None] = OrderedDict()

    def get(self, stores: Stores, version: Version, sha256: str) -> Learned | None:
        """What this version, whose model file has this SHA-256, learned from; None if that was not kept. Raises
        Unavailable."""
        key = (version.project, version.version, sha256)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = read_learned(stores.models, version.project, version.version)
        with self._lock:
            self._known[key] = found
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found
