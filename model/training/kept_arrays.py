"""Keeps what was computed of each picture, by its content, so that a second training of a folder begins at once.

Each kind of result is one blob of the container `training`, `<project>/computed-<kind>-<key>.npz`. The key is a hash of
all that the result depends on besides the picture, so what an earlier version or another model computed is not taken
for it.
"""

import hashlib
import io
import json
import platform
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
import PIL

from imagestore import __version__
from imagestore.errors import NotFound
from imagestore.store import Blobs

_NAME = re.compile(r"computed-[a-z]+-[0-9a-f]{24}\.npz")
_LIBRARIES = (__version__, PIL.__version__, np.__version__, onnxruntime.__version__, platform.machine())

Arrays = dict[str, np.ndarray]
"""Arrays by the SHA-256 of the picture's file, all of one shape and type."""


class KeptArrays:
    """Arrays by kind and content. Without a container they are kept in memory alone."""

    def __init__(self, blobs: Blobs | None = None, project: str = "") -> None:
        self._blobs = blobs
        self._folder = f"{project}/"
        self._memory: dict[str, Arrays] = {}
        self._used: set[str] = set()
        self._changed: set[str] = set()

    def get(self, kind: str, **depends_on: Any) -> Arrays:
        """What is kept of this kind; `depends_on` is all that the results depend on besides the picture, as JSON."""
        name = _name(kind, depends_on)
        self._used.add(name)
        if name not in self._memory:
            self._memory[name] = self._read(name)
        return self._memory[name]

    def add(self, found: Mapping[str, np.ndarray], kind: str, **depends_on: Any) -> None:
        """Keep these too. They are written by `write`."""
        if found:
            self.get(kind, **depends_on).update(found)
            self._changed.add(_name(kind, depends_on))

    def write(self, pictures: set[str]) -> None:
        """Write what was added, of these pictures alone, and delete what was not asked for since this was made.

        So nothing is left of a picture that was deleted. Raises Unavailable.
        """
        if self._blobs is None:
            return
        for name in sorted(self._used):
            arrays = self._memory[name]
            present = {sha256: array for sha256, array in sorted(arrays.items()) if sha256 in pictures}
            if name in self._changed or len(present) < len(arrays):
                self._blobs.overwrite(self._folder + name, _packed(present), "application/octet-stream")
                self._memory[name] = present
        self._changed.clear()
        for page, _ in self._blobs.list(prefix=f"{self._folder}computed-"):
            for blob in page:
                name = blob.name.removeprefix(self._folder)
                if _NAME.fullmatch(name) and name not in self._used:
                    self._blobs.delete(blob.name)

    def _read(self, name: str) -> Arrays:
        if self._blobs is None:
            return {}
        try:
            return _unpacked(self._blobs.get(self._folder + name).data or b"")
        except NotFound:
            return {}


def _name(kind: str, depends_on: Mapping[str, Any]) -> str:
    key = json.dumps([_LIBRARIES, depends_on], sort_keys=True)
    return f"computed-{kind}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"


def _packed(arrays: Arrays) -> bytes:
    out = io.BytesIO()
    digests = np.frombuffer(b"".join(bytes.fromhex(sha256) for sha256 in arrays), np.uint8).reshape(-1, 32)
    np.savez(out, sha256=digests, values=np.stack(list(arrays.values())) if arrays else np.zeros((0, 1)))
    return out.getvalue()


def _unpacked(data: bytes) -> Arrays:
    """What `_packed` wrote; nothing if the file is damaged, since all of it can be computed again."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            digests, values = found["sha256"], found["values"]
            return {row.tobytes().hex(): value for row, value in zip(digests, values, strict=True)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
