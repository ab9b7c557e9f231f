"""The contents of labelled pictures as a change of many pictures puts them in, and takes them out again.

A content that a change has put says so in its metadata, until somebody else puts the same picture in. Its place is
taken first by a blob of no bytes, which counts as no picture anywhere: the content is written over just that version.
Whoever takes such a change back deletes the version that is there; so one who was about to write finds it gone.
"""

from dataclasses import dataclass

from imagestore.errors import Conflict, NotFound
from imagestore.store.blobs import Blobs

_CHANGE, _TYPE = "change", "application/octet-stream"


@dataclass(frozen=True)
class Content:
    """A version of a content; of a place that is only taken, `is_there` is false. `change` is the id of the change of
    many pictures whose own it is; None: somebody has put it in."""

    etag: str
    is_there: bool
    change: str | None
    data: bytes = b""


class Contents:
    """The contents in one folder of labelled pictures. Every method raises Unavailable or Protected."""

    def __init__(self, blobs: Blobs, folder: str) -> None:
        self._blobs = blobs
        self._folder = folder

    def look(self, sha256: str) -> Content | None:
        """What is there, without its bytes."""
        state = self._blobs.stat(self._name(sha256))
        return None if state is None else Content(state.etag, state.size_bytes > 0, state.metadata.get(_CHANGE))

    def read(self, sha256: str) -> Content | None:
        """What is there."""
        try:
            blob = self._blobs.get(self._name(sha256))
        except NotFound:
            return None
        return Content(blob.etag, blob.size_bytes > 0, blob.metadata.get(_CHANGE), blob.data or b"")

    def placed(self, sha256: str, change: str) -> Content:
        """What is there, or a place that is taken now. Raises Conflict if both came and went meanwhile."""
        found = self.look(sha256)
        if found is not None:
            return found
        etag = self._blobs.put(self._name(sha256), b"", _TYPE, None, {_CHANGE: change})
        return Content(etag, False, change)

    def put(self, sha256: str, data: bytes, change: str | None, replacing: str | None) -> None:
        """Write a content in place of this version, or with None only if there is none. Raises Conflict."""
        self._blobs.put(self._name(sha256), data, _TYPE, replacing, {} if change is None else {_CHANGE: change})

    def remove(self, sha256: str, etag: str) -> None:
        """Delete this version. Raises Conflict if another is there."""
        self._blobs.delete(self._name(sha256), etag)

    def keep(self, sha256: str, data: bytes) -> None:
        """See that the picture is there, and no change's own any more. Its JSON says already what it shows.

        One that is no change's own is left as it is; another is written, so that a change that is being undone does not
        delete it.
        """
        for _ in range(20):
            found = self.look(sha256)
            if found is not None and found.is_there and found.change is None:
                return
            try:
                return self.put(sha256, data, None, None if found is None else found.etag)
            except Conflict:
                continue
        raise Conflict("others kept writing a labelled picture")

    def _name(self, sha256: str) -> str:
        return f"{self._folder}/{sha256}"
