"""Keeps what was computed of each picture, by its content, so that a second training of a folder begins at once.

Results of one kind lie in parts, blobs of the container `training`: `<project>/computed-<kind>-<key><part>.npz`. The
key is a hash of all that the results depend on besides the picture, so what an earlier version or another model
computed is not taken for it; the part is a hash of the pictures in it. A part is added or deleted, never changed, so
trainings beside each other lose nothing: at most both compute the same. No more than one part is held in memory.

Earlier versions wrote one file of all results of a kind, whatever its size. Its name begins as those of parts do; it is
read as one, and divided when something is written.
"""

import contextlib
import errno
import hashlib
import io
import json
import platform
import struct
import tempfile
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import onnxruntime
import PIL
from numpy.lib import format as npy

from imagestore import __version__
from imagestore.errors import Conflict, NotFound
from imagestore.store import Blobs
from imagestore.store.patience import patiently
from imagestore.store.training import COMPUTED
from model.training.scratch import blocks, no_room

PART_BYTES = 2**24 - 2**16
"""A part that is full has so many bytes, or a picture's more, which a store reads in one call."""
_DIGEST_BYTES = 32
_TOO_LARGE = 2 * PART_BYTES
_CONTENT_TYPE = "application/octet-stream"
_LIBRARIES = (__version__, PIL.__version__, np.__version__, onnxruntime.__version__, platform.machine())
_DAMAGED = (ValueError, KeyError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile)

Arrays = dict[str, np.ndarray]
"""Arrays by the SHA-256 of the picture's file, all of one shape and type."""
Rows = tuple[Sequence[str], np.ndarray]
"""The SHA-256 of pictures, and the array [n, …] of what was computed of each."""


@dataclass(frozen=True)
class _Part:
    etag: str
    size_bytes: int


class Table:
    """Results of one kind. What is not written yet, and all of it without a container, is held in memory.

    Each call of the container is waited for, minutes if need be. Methods raise Unavailable after that, and NoRoom if a
    part of an earlier version needs a file on disk.
    """

    def __init__(self, blobs: Blobs | None, prefix: str, parts: Mapping[str, _Part], *, keeps: bool) -> None:
        """`prefix` begins the names of its parts, of which `parts` are there. With `keeps`, what is added is written as
        soon as it fills a part."""
        self._blobs, self._prefix, self._keeps = blobs, prefix, keeps
        self._parts = dict(parts)
        self._pictures: dict[str, frozenset[str]] = {}
        self._new: Arrays = {}
        self._new_bytes = 0

    def rows(self, wanted: Collection[str] | None = None) -> Iterator[Rows]:
        """What is there, a part at a time; parts that are known to hold nothing that is wanted are left out."""
        for name in sorted(self._parts):
            known = self._pictures.get(name)
            if wanted is None or known is None or not known.isdisjoint(wanted):
                yield from self._read(name)
        if self._new:
            yield list(self._new), np.stack(list(self._new.values()))

    def take(self, wanted: Collection[str] | None = None) -> Arrays:
        """What is there, or as far as it is wanted, in memory."""
        found: Arrays = {}
        for pictures, values in self.rows(wanted):
            inside = [i for i, sha256 in enumerate(pictures) if wanted is None or sha256 in wanted]
            found.update(zip([pictures[i] for i in inside], values[inside], strict=True))
        return found

    def add(self, sha256: str, array: np.ndarray) -> None:
        """Keep this too."""
        self._new_bytes += 0 if sha256 in self._new else array.nbytes + _DIGEST_BYTES
        self._new[sha256] = array
        if self._keeps and self._blobs is not None and self._new_bytes >= PART_BYTES:
            self._save()

    def write(self, pictures: Collection[str]) -> None:
        """Write what was added, of these pictures alone. Parts that hold others are written anew without them; so are,
        as one, parts that are not full, and in pieces those that are too large. Of what two trainings beside each other
        computed twice, parts go that hold nothing else."""
        if self._blobs is None:
            return
        for name in sorted(self._parts.keys() - self._pictures.keys()):
            for _ in self._read(name):
                pass
        again = self._to_write_again(pictures)
        old = {name: self._parts.pop(name) for name in again}
        there = {sha256 for name in self._parts for sha256 in self._pictures[name]}
        new, self._new, self._new_bytes = self._new, {}, 0
        self._keep(new.items(), pictures, there)
        for name, part in old.items():
            for found, values in self._read(name, part):
                self._keep(zip(found, values, strict=True), pictures, there)
        self._save()
        for name in old.keys() - self._parts.keys():
            _delete(self._blobs, name, old[name])

    def _to_write_again(self, pictures: Collection[str]) -> list[str]:
        wanted = frozenset(pictures)
        wrong = {
            name
            for name, part in self._parts.items()
            if part.size_bytes > _TOO_LARGE or not self._pictures[name] or not self._pictures[name] <= wanted
        }
        wrong |= self._doubles(self._parts.keys() - wrong)
        partial = {name for name, part in self._parts.items() if part.size_bytes < PART_BYTES // 2}
        is_one_more = bool(self._new or wrong) or len(partial) > 1
        return sorted(wrong | (partial if is_one_more else set()))

    def _doubles(self, names: Collection[str]) -> set[str]:
        """Parts of which each picture lies in another of these too."""
        times = Counter(sha256 for name in names for sha256 in self._pictures[name])
        doubles = set()
        for name in sorted(names):
            if all(times[sha256] > 1 for sha256 in self._pictures[name]):
                doubles.add(name)
                times.subtract(self._pictures[name])
        return doubles

    def _keep(self, found: Iterable[tuple[str, np.ndarray]], pictures: Collection[str], there: set[str]) -> None:
        """Add what is found of these pictures and not `there` yet, and write each part that becomes full."""
        for sha256, array in found:
            if sha256 in pictures and sha256 not in there:
                there.add(sha256)
                self._new[sha256] = array.copy()
                self._new_bytes += array.nbytes + _DIGEST_BYTES
                if self._new_bytes >= PART_BYTES:
                    self._save()

    def _save(self) -> None:
        """Write what was added as a part."""
        if not self._new or self._blobs is None:
            return
        blobs = self._blobs
        pictures = sorted(self._new)
        name = f"{self._prefix}{hashlib.sha256(''.join(pictures).encode()).hexdigest()[:12]}.npz"
        data = _packed(pictures, np.stack([self._new[sha256] for sha256 in pictures]))
        try:
            etag = patiently(lambda: blobs.put(name, data, _CONTENT_TYPE, None))
        except Conflict:  # the same of the same pictures, by another training; or a damaged part
            etag = patiently(lambda: blobs.overwrite(name, data, _CONTENT_TYPE))
        self._parts[name], self._pictures[name] = _Part(etag, len(data)), frozenset(pictures)
        self._new, self._new_bytes = {}, 0

    def _read(self, name: str, part: _Part | None = None) -> Iterator[Rows]:
        """A part, in pieces if it is too large; nothing if it is damaged or gone: all of it can be computed again."""
        known: set[str] = set()
        try:
            with _file_of(self._blobs, name, part or self._parts[name]) as file:
                for pictures, values in _unpacked(file):
                    known.update(pictures)
                    yield pictures, values
        except (NotFound, Conflict, *_DAMAGED):  # another training has put it together with others, or it is damaged
            known.clear()
        self._pictures[name] = frozenset(known)


class KeptArrays:
    """Results by kind and content. Without a container they are kept in memory alone."""

    def __init__(self, blobs: Blobs | None = None, project: str = "", *, keeps: bool = False) -> None:
        """With `keeps`, full parts are written as they come, so that a training that breaks off goes on with them."""
        self._blobs, self._keeps = blobs, keeps
        self._folder = f"{project}/"
        self._tables: dict[str, Table] = {}
        self._at_first: dict[str, _Part] | None = None

    def table(self, kind: str, **depends_on: Any) -> Table:
        """The results of this kind; `depends_on` is all that they depend on besides the picture, as JSON.

        Raises Unavailable.
        """
        key = json.dumps([_LIBRARIES, depends_on], sort_keys=True)
        prefix = f"{self._folder}computed-{kind}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        if prefix not in self._tables:
            parts = {name: part for name, part in self._there().items() if name.startswith(prefix)}
            self._tables[prefix] = Table(self._blobs, prefix, parts, keeps=self._keeps)
        return self._tables[prefix]

    def write(self, pictures: Collection[str]) -> None:
        """Write what was added, of these pictures alone, and delete what was there when this was made and nobody has
        asked for since.

        So nothing is left of a picture that was deleted before. Raises Unavailable, NoRoom.
        """
        if self._blobs is None:
            return
        for table in self._tables.values():
            table.write(pictures)
        for name, part in self._there().items():
            if not name.startswith(tuple(self._tables)):
                _delete(self._blobs, name, part)

    def _there(self) -> dict[str, _Part]:
        if self._at_first is None:
            self._at_first = {
                blob.name: _Part(blob.etag, blob.size_bytes)
                for page, _ in (self._blobs.list(prefix=f"{self._folder}computed-") if self._blobs else ())
                for blob in page
                if COMPUTED.fullmatch(blob.name.removeprefix(self._folder))
            }
        return self._at_first


def _delete(blobs: Blobs, name: str, part: _Part) -> None:
    """Delete a part, unless another training has written it meanwhile."""
    with contextlib.suppress(Conflict):
        patiently(lambda: blobs.delete(name, part.etag))


def _packed(pictures: Sequence[str], values: np.ndarray) -> bytes:
    out = io.BytesIO()
    digests = np.frombuffer(b"".join(bytes.fromhex(sha256) for sha256 in pictures), np.uint8).reshape(-1, 32)
    np.savez(out, sha256=digests, values=values)
    return out.getvalue()


def _unpacked(file: IO[bytes]) -> Iterator[Rows]:
    """What `_packed` wrote, in pieces of about PART_BYTES. Raises one of _DAMAGED."""
    with zipfile.ZipFile(file) as archive:
        if archive.testzip() is not None:
            raise zipfile.BadZipFile
        with archive.open("sha256.npy") as member:
            digests = [row.tobytes().hex() for row in npy.read_array(member, allow_pickle=False)]
        with archive.open("values.npy") as member:
            shape, dtype = _header(member)
            if shape[0] != len(digests):
                raise ValueError("not a row for each picture")
            row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
            for part in blocks(len(digests), max(1, PART_BYTES // max(1, row_bytes))):
                data = member.read(row_bytes * (part.stop - part.start))
                yield digests[part], np.frombuffer(data, dtype).reshape(-1, *shape[1:])


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, dtype = read(member)
    if is_fortran or dtype.hasobject or not shape:
        raise ValueError("not rows of numbers")
    return shape, dtype


@contextlib.contextmanager
def _file_of(blobs: Blobs | None, name: str, part: _Part) -> Iterator[IO[bytes]]:
    """A part as a file: in memory, or, if it is too large, on disk. Raises NotFound, Conflict, Unavailable, NoRoom."""
    if blobs is None:
        raise NotFound(name)
    if part.size_bytes <= _TOO_LARGE:
        yield io.BytesIO(patiently(lambda: blobs.get(name)).data or b"")
        return

    def fill(file: IO[bytes]) -> None:
        file.seek(0)
        for chunk in blobs.read(name, part.etag, 0, part.size_bytes):
            file.write(chunk)
        file.seek(0)

    folder = Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            patiently(lambda: fill(file))
            yield file
    except OSError as error:
        if error.errno == errno.EINVAL:  # the archive names a place before its beginning
            raise zipfile.BadZipFile from None
        raise no_room(folder, part.size_bytes, error) from None
