"""Lists of labelled pictures, which are kept for some seconds, since clients read them page after page.

What this process changes is seen at once, and it changes each picture once at a time.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from imagestore.store.training import ListedPicture, TrainingPictures

_KEPT_S = 5.0
_MIGRATED_S = 60.0
_LOCKS = 64


class PictureLists:
    """The lists of pictures by folder, and when they were read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lists: dict[str, tuple[float, list[ListedPicture]]] = {}
        self._changes: Counter[str] = Counter()
        self._changing = [threading.Lock() for _ in range(_LOCKS)]
        self._migrated_at = float("-inf")

    def get(self, pictures: TrainingPictures) -> list[ListedPicture]:
        """The pictures that are there, the newest first, as they were at most some seconds ago: not to be changed.

        Raises NotMigrated, Unavailable.
        """
        with self._lock:
            at, found = self._lists.get(pictures.folder, (float("-inf"), []))
            changes = self._changes[pictures.folder]
        if time.monotonic() - at < _KEPT_S:
            return found
        began = time.monotonic()
        there = (one for one in pictures.list() if one.is_there)
        found = sorted(there, key=lambda one: (one.created_at or "", one.sha256), reverse=True)
        with self._lock:
            if self._changes[pictures.folder] == changes:  # else it may lack what this process has just changed
                self._lists[pictures.folder] = (began, found)
        return found

    def forget(self, folder: str) -> None:
        """Have a folder read anew, in which something has changed."""
        with self._lock:
            self._changes[folder] += 1
            self._lists.pop(folder, None)

    def forget_all(self) -> None:
        """Have every folder read anew, since any of them may have changed."""
        with self._lock:
            folders = [*self._lists]
        for folder in folders:
            self.forget(folder)

    def demand_migrated(self, pictures: TrainingPictures, gone: Callable[[], Collection[str]]) -> None:
        """Raises NotMigrated if labels lie in the container as in an earlier version, which is looked at once a minute;
        Unavailable. `gone` names the projects that are gone for good."""
        if time.monotonic() - self._migrated_at > _MIGRATED_S:
            pictures.demand_migrated(gone)
            self._migrated_at = time.monotonic()

    @contextmanager
    def changing(self, folder: str, sha256: str) -> Iterator[None]:
        """A `with` block in which nobody else in this process changes this picture."""
        with self._changing[int(sha256[:8], 16) % _LOCKS]:
            try:
                yield
            finally:
                self.forget(folder)
