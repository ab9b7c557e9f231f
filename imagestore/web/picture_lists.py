"""Lists of labelled pictures, kept in memory, since a container tells no changes and listing a large one takes long.

A list is read anew when it is some seconds old: before it is shown, where that takes less than a second, and else in
the background while the former is shown. What this process changes is looked at alone, and seen at once; it changes
each picture once at a time.
"""

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from imagestore.errors import StoreError, TrainingError
from imagestore.pipeline.labelled import Tally, tally
from imagestore.store.training import ListedPicture, TrainingPictures, at_once

log = logging.getLogger("imagestore.web")
_KEPT_S = 5.0
_WAIT_S = 1.0
"""A list that takes longer than this to read is read in the background."""
_REST = 20
"""A long list is read again after so many times what it took, so that reading it takes a twentieth of a process."""
_MOST_LOOKED_AT = 200
"""Of more pictures that changed the list is read anew instead."""
_MIGRATED_S = 60.0
_LOCKS = 64


class Listing(list[ListedPicture]):
    """The pictures of a folder that are there, the newest first, and what follows from them; not to be changed."""

    @cached_property
    def tally(self) -> Tally:
        """How many have each label."""
        return tally(self)

    @cached_property
    def labels_of(self) -> dict[str, tuple[str, ...]]:
        """The labels of each picture that somebody has said something of, by SHA-256; none of one that shows none."""
        return {one.sha256: one.labels for one in self if one.labels or one.negative}

    def with_changed(self, looked_at: Mapping[str, ListedPicture | None]) -> "Listing":
        """The same with these pictures as they are now, None for one that is gone."""
        found = Listing(one for one in self if one.sha256 not in looked_at)
        before = [one for one in self if one.sha256 in looked_at]
        after = [one for one in looked_at.values() if one is not None]
        for one in after:
            found.insert(bisect_left(found, _age(one), key=_age), one)
        found.tally = self.tally.less(tally(before)).more(tally(after))
        known = {one.sha256: one.labels for one in after if one.labels or one.negative}
        found.labels_of = {one: labels for one, labels in self.labels_of.items() if one not in looked_at} | known
        return found


def _age(one: ListedPicture) -> tuple[int, ...]:
    """By what pictures are ordered, so that the newest come first."""
    return tuple(-ord(letter) for letter in f"{one.created_at or ''} {one.sha256}")


@dataclass(frozen=True)
class _Kept:
    """A list, when its reading began, and how long that took."""

    listing: Listing
    at: float
    took_s: float

    @property
    def is_long(self) -> bool:
        return self.took_s > _WAIT_S


class PictureLists:
    """The lists of pictures by folder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lists: dict[str, _Kept] = {}
        self._forgotten: Counter[str] = Counter()
        self._changes: Counter[str] = Counter()
        self._changed: dict[str, dict[str, int]] = defaultdict(dict)
        """What this process has changed that the list may lack: by SHA-256, the number of its latest change."""
        self._reading: set[str] = set()
        self._changing = [threading.Lock() for _ in range(_LOCKS)]
        self._migrated_at = float("-inf")

    def get(self, pictures: TrainingPictures) -> Listing:
        """The pictures that are there, the newest first, as they were at most some seconds ago; where reading them
        takes longer, as they were when that was last done. What this process has changed is as it is now.

        Raises NotMigrated, Unavailable.
        """
        folder = pictures.folder
        with self._lock:
            kept, changed = self._lists.get(folder), dict(self._changed[folder])
        age_s = float("inf") if kept is None else time.monotonic() - kept.at
        if kept is None or (not kept.is_long and (changed or age_s >= _KEPT_S)):
            return self._read(pictures).listing
        if kept.is_long and age_s >= max(_KEPT_S, _REST * kept.took_s):
            self._read_behind(pictures)
        return (self._looked_at(pictures, kept, changed) if changed else kept).listing

    def forget(self, folder: str) -> None:
        """Have a folder read anew, in which something has changed."""
        with self._lock:
            self._forgotten[folder] += 1
            self._lists.pop(folder, None)

    def changed(self, folder: str, sha256s: Collection[str]) -> None:
        """Have these pictures looked at anew, which this process has changed."""
        with self._lock:
            self._changes[folder] += 1
            self._changed[folder] |= dict.fromkeys(sha256s, self._changes[folder])
            is_too_many = len(self._changed[folder]) > _MOST_LOOKED_AT
        if is_too_many:
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
                self.changed(folder, [sha256])

    def _read(self, pictures: TrainingPictures) -> _Kept:
        folder, began = pictures.folder, time.monotonic()
        with self._lock:
            forgotten, changes = self._forgotten[folder], self._changes[folder]
        there = (one for one in pictures.list() if one.is_there)
        listing = Listing(sorted(there, key=lambda one: (one.created_at or "", one.sha256), reverse=True))
        found = _Kept(listing, began, time.monotonic() - began)
        with self._lock:
            if self._forgotten[folder] == forgotten:  # else it may lack what this process has just changed
                self._lists[folder] = found
                self._changed[folder] = {one: n for one, n in self._changed[folder].items() if n > changes}
        return found

    def _looked_at(self, pictures: TrainingPictures, kept: _Kept, changed: dict[str, int]) -> _Kept:
        looked_at = dict(zip(changed, at_once(pictures.look, changed), strict=True))
        patched = replace(kept, listing=kept.listing.with_changed(looked_at))
        with self._lock:
            if self._lists.get(pictures.folder) is kept:
                self._lists[pictures.folder] = patched
                now = self._changed[pictures.folder]
                self._changed[pictures.folder] = {one: n for one, n in now.items() if n != changed.get(one)}
        return patched

    def _read_behind(self, pictures: TrainingPictures) -> None:
        with self._lock:
            if pictures.folder in self._reading:
                return
            self._reading.add(pictures.folder)

        def read() -> None:
            try:
                self._read(pictures)
            except (StoreError, TrainingError) as error:  # what is kept is shown until it can be read
                log.warning("The labelled pictures were not listed: %s", error)
            finally:
                with self._lock:
                    self._reading.discard(pictures.folder)

        threading.Thread(target=read, name="labelled pictures", daemon=True).start()
