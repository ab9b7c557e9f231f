"""Lists of labelled pictures, kept in memory, since a container tells no changes and listing a large one takes long.

A list is read anew when it is some seconds old: before it is shown, where that takes less than a second, and else in
the background while the former is shown. What this process changes is looked at alone, and seen at once; it changes
each picture once at a time.
"""

import logging
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from imagestore.errors import StoreError, TrainingError
from imagestore.pipeline.labelling.labelled import Tally, tally
from imagestore.store.training import ListedPicture, TrainingPictures, at_once

log = logging.getLogger("imagestore.web")
_KEPT_S = 5.0
_REST = 20
"""A long list is read again after so many times what it took, so that reading it takes a twentieth of a process."""
_MOST_LOOKED_AT = 1000
"""So many changed pictures are looked at before a list is shown; where there are more, it is read anew behind it."""
_MOST_REMEMBERED = 20_000
"""Of more changed pictures it is not remembered which they are: the list is read anew."""
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
    """A list, when its reading began, how long that took and whether that is long, which reading it was, and how often
    the folder had been forgotten when it began."""

    listing: Listing
    at: float
    took_s: float
    is_long: bool
    reading: int
    forgotten: int


@dataclass
class _Folder:
    """What is known of a folder: the list that is shown; `changed` in this process since the reading of that began, and
    `looked_at` since it was read, by SHA-256 with the number of the change. Who reads it holds `reader`."""

    kept: _Kept | None = None
    changes: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    looked_at: dict[str, int] = field(default_factory=dict)
    readings: int = 0
    forgotten: int = 0
    reader: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pending(self) -> dict[str, int]:
        """What the list may lack."""
        return {one: number for one, number in self.changed.items() if self.looked_at.get(one) != number}


class PictureLists:
    """The lists of pictures by folder, of which each is read by one at a time. One that takes longer than `wait_s` to
    read is read in the background."""

    def __init__(self, wait_s: float = 1.0) -> None:
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._folders = defaultdict[str, _Folder](_Folder)
        self._changing = [threading.Lock() for _ in range(_LOCKS)]
        self._migrated_at = float("-inf")

    def get(self, pictures: TrainingPictures, *, fresh: bool = False) -> Listing:
        """The pictures that are there, the newest first, as they were at most some seconds ago; where reading them
        takes longer, as they were when that was last done, or as they are now with `fresh`. What this process has
        changed is as it is now.

        Raises NotMigrated, Unavailable.
        """
        with self._lock:
            folder = self._folders[pictures.folder]
            readings = folder.readings
        shown = None if fresh else self._shown(pictures, folder)
        if shown is not None:
            return shown
        with folder.reader:  # and what another has read meanwhile is not read again
            kept = folder.kept
            if not fresh or (kept is not None and kept.reading > readings):
                shown = self._shown(pictures, folder)
            return self._read(pictures, folder) if shown is None else shown

    def forget(self, folder: str | None = None) -> None:
        """Have a folder read anew in which something has changed, or all; a long list is shown until that is done."""
        with self._lock:
            for found in [*self._folders.values()] if folder is None else [self._folders[folder]]:
                found.forgotten += 1

    def changed(self, folder: str, sha256s: Collection[str]) -> None:
        """Have these pictures looked at anew, which this process has changed."""
        with self._lock:
            found = self._folders[folder]
            found.changes += 1
            found.changed |= dict.fromkeys(sha256s, found.changes)
            if len(found.changed) > _MOST_REMEMBERED:
                found.changed.clear()
                found.forgotten += 1

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

    def _shown(self, pictures: TrainingPictures, folder: _Folder) -> Listing | None:
        """What is shown without reading the list first, None if it must be read."""
        with self._lock:
            kept, pending, is_forgotten = folder.kept, folder.pending, False
            if kept is not None:
                is_forgotten = kept.forgotten != folder.forgotten
        if kept is None:
            return None
        age_s = time.monotonic() - kept.at
        if not kept.is_long:
            return None if pending or is_forgotten or age_s >= _KEPT_S else kept.listing
        if is_forgotten or len(pending) > _MOST_LOOKED_AT or age_s >= max(_KEPT_S, _REST * kept.took_s):
            self._read_behind(pictures, folder)
        looked_at = dict(islice(pending.items(), _MOST_LOOKED_AT))
        return self._looked_at(pictures, folder, kept, looked_at) if looked_at else kept.listing

    def _read(self, pictures: TrainingPictures, folder: _Folder) -> Listing:
        """Read the list, as the one who holds its `reader`."""
        began = time.monotonic()
        with self._lock:
            folder.readings += 1
            reading, forgotten, changes = folder.readings, folder.forgotten, folder.changes
        there = (one for one in pictures.list() if one.is_there)
        listing = Listing(sorted(there, key=lambda one: (one.created_at or "", one.sha256), reverse=True))
        took_s = time.monotonic() - began
        found = _Kept(listing, began, took_s, took_s > self._wait_s, reading, forgotten)
        with self._lock:  # what was changed while it was read is looked at once more
            folder.kept, folder.looked_at = found, {}
            folder.changed = {one: number for one, number in folder.changed.items() if number > changes}
        return listing

    def _looked_at(self, pictures: TrainingPictures, folder: _Folder, kept: _Kept, changed: dict[str, int]) -> Listing:
        looked_at = dict(zip(changed, at_once(pictures.look, changed), strict=True))
        patched = replace(kept, listing=kept.listing.with_changed(looked_at))
        with self._lock:
            if folder.kept is kept:
                folder.kept = patched
                folder.looked_at |= changed
        return patched.listing

    def _read_behind(self, pictures: TrainingPictures, folder: _Folder) -> None:
        if not folder.reader.acquire(blocking=False):
            return

        def read() -> None:
            try:
                self._read(pictures, folder)
            except (StoreError, TrainingError) as error:  # what is kept is shown until it can be read
                log.warning("The labelled pictures were not listed: %s", error)
            finally:
                folder.reader.release()

        threading.Thread(target=read, name="labelled pictures", daemon=True).start()
