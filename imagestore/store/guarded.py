"""JSON files that several change at once: each writes in place of what it has read, by its ETag."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from imagestore.decoding import decode
from imagestore.errors import Conflict, NotFound, StoreError
from imagestore.store.blobs import Blobs

_TRIES = 20
Content = TypeVar("Content")


class GuardedJson(Generic[Content]):
    """One such file. `called` is what it holds, in messages. Every method raises Unavailable."""

    def __init__(self, blobs: Blobs, name: str, kind: type[Content], called: str) -> None:
        self._blobs = blobs
        self._name = name
        self._kind = kind
        self._called = called

    def read(self) -> tuple[Content | None, str | None]:
        """The content and its ETag, both None if there is no file. Raises StoreError if it cannot be read."""
        try:
            blob = self._blobs.get(self._name)
        except NotFound:
            return None, None
        try:
            return decode(blob.data or b"", self._kind), blob.etag
        except msgspec.MsgspecError as error:
            raise StoreError(f"{self._name} in {self._blobs.container} cannot be read: {error}") from None

    def write(self, content: Content, replacing: str | None) -> str:
        """Write in place of the version with this ETag, or with None only if there is none. Returns the new ETag.

        Raises Conflict if another is there.
        """
        data = msgspec.json.format(msgspec.json.encode(content))
        return self._blobs.put(self._name, data, "application/json", replacing)

    def change(self, changed: Callable[[Content | None], Content]) -> Content:
        """Write what `changed` makes of the content, again if others write at the same time. Returns it.

        What `changed` raises is passed on, and nothing written. Raises Conflict if others keep writing; StoreError.
        """
        for _ in range(_TRIES):
            before, etag = self.read()
            after = changed(before)
            if after == before:
                return after
            try:
                self.write(after, etag)
            except Conflict:
                continue
            return after
        raise Conflict(f"Others kept changing {self._called}. Try again.")
