"""Finds the pictures that look most like one: those whose vectors point in nearly the same direction.

The search is exact. Every vector of the same network is compared: rows of int8, some at a time as float32, on two
threads. The vectors are read from the index when they are first needed, and follow it from there by the numbers of its
changes, so they are a copy that needs no care: after a restart, or when the index is made anew, they are read again.
`bench/similar.py` compares this with other ways.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import numpy as np

from classify import Vector
from imagestore.record import Record
from imagestore.store.documents import from_json
from imagestore.web.answers import Alike
from imagestore.web.index.index import Index
from imagestore.web.index.queries import Filter
from imagestore.web.index.tallies import CONFIDENCES

MOST_BYTES = 131_072_000
"""How much memory the vectors may take in a process: 102,400 of 1,280 numbers. Beyond that the newest pictures
count."""
_ROWS = 4096
_AT_ONCE = 128
"""So many rows are float32 at a time, 655 kilobytes of 1,280 numbers: they stay in the processor's cache."""
_THREADS = 2
_CHANGES = 1000
_FIRST = 200
_NEWEST_FIRST = (
    "SELECT id, codes FROM pictures CROSS JOIN vectors ON picture = pictures.row "
    "WHERE status != 'deleted' AND backbone = (SELECT number FROM backbones WHERE hash = ?) AND length(codes) = ? "
    "ORDER BY at DESC LIMIT ?"
)
"""A cross join, so that SQLite goes through the pictures in their order and sorts no vectors."""


@dataclass(frozen=True)
class Found:
    """The pictures most alike, the most alike first, and among how many they were looked for. Not compared were the
    oldest, `left_out`, where there are too many, and `others` that another network has classified, or none that gives
    features."""

    items: list[Alike]
    compared: int
    left_out: int
    others: int


class _Vectors:
    """Vectors of one network, at most so many: rows int8 [n, width] in blocks, the length of each, and its picture's id
    (None for a row that is free). Where all rows are taken, a new one takes the oldest's place."""

    def __init__(self, width: int, most: int) -> None:
        self.width = width
        self.most = max(_ROWS, most // _ROWS * _ROWS)
        self.ids: list[bytes | None] = []
        self.is_full = False
        self._rows: dict[bytes, int] = {}
        self._blocks: list[np.ndarray] = []
        self._lengths = np.zeros(0, np.float32)
        self._free: list[int] = []
        self._oldest = 0

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return len(self._rows)

    @property
    def size_bytes(self) -> int:
        """How much memory the rows take; the ids take some 20 megabytes more for 100,000."""
        return sum(block.nbytes for block in self._blocks) + self._lengths.nbytes

    def put(self, id: bytes, codes: bytes) -> None:
        """Keep a picture's vector. Of those that come first, without any change in between, the newest picture is
        first."""
        row = self._rows.get(id)
        if row is None:
            if not self._free and len(self.ids) < self.most:
                self._grow()
            if self._free:
                row = self._free.pop()
            else:
                self.is_full, row = True, self._oldest
                self._oldest = (self._oldest - 1) % self.most
                if (gone := self.ids[row]) is not None:
                    del self._rows[gone]
        vector = np.frombuffer(codes, np.int8)
        self._blocks[row // _ROWS][row % _ROWS] = vector
        self._lengths[row] = np.linalg.norm(vector.astype(np.float32))
        self.ids[row], self._rows[id] = id, row

    def remove(self, id: bytes) -> None:
        """Forget a picture's vector, if it is there."""
        row = self._rows.pop(id, None)
        if row is not None:
            self.ids[row] = None
            self._lengths[row] = 0
            self._free.append(row)

    def similarities(self, asked: np.ndarray, pool: ThreadPoolExecutor) -> np.ndarray:
        """The cosine float32 [rows] of each row and the vector int8 [width]; free rows have -2."""
        wanted = asked.astype(np.float32)
        wanted /= max(float(np.linalg.norm(wanted)), 1e-9)
        products = np.empty(len(self.ids), np.float32)

        def multiply(numbers: range) -> None:
            buffer = np.empty((_AT_ONCE, self.width), np.float32)
            for number in numbers:
                for start in range(0, _ROWS, _AT_ONCE):
                    np.copyto(buffer, self._blocks[number][start : start + _AT_ONCE])
                    at = number * _ROWS + start
                    np.dot(buffer, wanted, out=products[at : at + _AT_ONCE])

        list(pool.map(multiply, (range(one, len(self._blocks), _THREADS) for one in range(_THREADS))))
        return np.where(self._lengths > 0, products / np.maximum(self._lengths, 1e-9), np.float32(-2))

    def _grow(self) -> None:
        start = len(self.ids)
        self._blocks.append(np.zeros((_ROWS, self.width), np.int8))
        self._lengths = np.concatenate([self._lengths, np.zeros(_ROWS, np.float32)])
        self.ids += [None] * _ROWS
        self._free = list(range(start + _ROWS - 1, start - 1, -1))
        self._oldest = start + _ROWS - 1


class Likeness:
    """The vectors of the pictures in an index. Safe to use from many threads, one of which searches at a time."""

    def __init__(self, index: Index, most_bytes: int = MOST_BYTES) -> None:
        self._index = index
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, "likeness")
        self._known: OrderedDict[str, _Vectors] = OrderedDict()
        self._epoch = ""
        self._seq = 0

    def vector_of(self, id: str) -> Vector | None:
        """The vector of the picture with this id, None if it has none."""
        query = (
            "SELECT hash, codes FROM vectors JOIN pictures ON picture = pictures.row JOIN backbones "
            "ON backbone = number WHERE id = ?"
        )
        rows = self._index.query(query, [id])
        return Vector(*rows[0]) if rows else None

    def find(self, vector: Vector, filter: Filter, limit: int, without: str | None = None) -> Found:
        """At most `limit` pictures that pass the filter, those most like this vector first, and not the picture with
        the id `without`."""
        with self._lock:
            self._catch_up()
            vectors = self._of(vector)
            similarities = vectors.similarities(vector.numbers, self._pool)
            ids, compared, is_full = list(vectors.ids), vectors.count, vectors.is_full
        left_out = max(0, self._count(vector.backbone) - compared) if is_full else 0
        chosen: list[tuple[str, float]] = []
        for rows in _chunks(np.argsort(-similarities, kind="stable")[:compared]):
            some = [(id.hex(), float(similarities[row])) for row in rows if (id := ids[row]) is not None]
            passing = _passing(self._index, filter, [id for id, _ in some], without)
            chosen += [(id, similarity) for id, similarity in some if id in passing]
            if len(chosen) >= limit:
                break
        records = _records(self._index, [id for id, _ in chosen[:limit]])
        items = [
            Alike(records[id], round(min(similarity, 1.0), 4)) for id, similarity in chosen[:limit] if id in records
        ]
        return Found(items, compared, left_out, max(0, _classified(self._index) - compared - left_out))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False)

    @property
    def size_bytes(self) -> int:
        """How much memory the vectors take now."""
        return sum(vectors.size_bytes for vectors in self._known.values())

    def _catch_up(self) -> None:
        """Follow what has changed in the index since the last search."""
        if self._index.epoch != self._epoch:
            self._known.clear()
            self._epoch = self._index.epoch
        if not self._known:
            self._seq = self._index.last_seq()
        query = (
            "SELECT seq, id, hash, codes FROM pictures LEFT JOIN vectors ON picture = pictures.row "
            "LEFT JOIN backbones ON backbone = number WHERE seq > ? ORDER BY seq LIMIT ?"
        )
        while self._known and (changes := self._index.query(query, [self._seq, _CHANGES])):
            for seq, id, backbone, codes in changes:
                for known, vectors in self._known.items():
                    if backbone == known and len(codes) == vectors.width:
                        vectors.put(bytes.fromhex(id), codes)
                    else:
                        vectors.remove(bytes.fromhex(id))
                self._seq = seq

    def _of(self, vector: Vector) -> _Vectors:
        """The vectors of this vector's network, read from the index if they are not there."""
        width = len(vector.codes)
        if (known := self._known.get(vector.backbone)) is not None and known.width == width:
            self._known.move_to_end(vector.backbone)
            return known
        made = _Vectors(width, self._most_bytes // width)
        for id, codes in self._index.each(_NEWEST_FIRST, [vector.backbone, width, made.most]):
            made.put(bytes.fromhex(id), codes)
        made.is_full = made.count == made.most
        self._known.pop(vector.backbone, None)
        while self._known and self.size_bytes + made.size_bytes > self._most_bytes:
            self._known.popitem(last=False)
        self._known[vector.backbone] = made
        return made

    def _count(self, backbone: str) -> int:
        query = "SELECT count(*) FROM vectors WHERE backbone = (SELECT number FROM backbones WHERE hash = ?)"
        return int(self._index.query(query, [backbone])[0][0])


def _chunks(order: np.ndarray) -> Iterator[np.ndarray]:
    """The rows in this order, some and then more and more at a time: a filter may let few through."""
    start, size = 0, _FIRST
    while start < len(order):
        yield order[start : start + size]
        start, size = start + size, size * 4


def _passing(index: Index, filter: Filter, ids: list[str], without: str | None) -> set[str]:
    """Those of these ids whose pictures pass the filter."""
    where, values = filter.where(has_several=filter.label is not None and index.has_several())
    query = f"SELECT id FROM pictures WHERE id IN (SELECT value FROM json_each(?)) AND {where} AND id IS NOT ?"
    return {id for (id,) in index.query(query, [_json(ids), *values, without])}


def _records(index: Index, ids: list[str]) -> dict[str, Record]:
    """The records of these pictures by their ids; of one that is deleted meanwhile there is none."""
    query = "SELECT id, json FROM documents WHERE id IN (SELECT value FROM json_each(?))"
    return {id: from_json(json) for id, json in index.query(query, [_json(ids)])}


def _classified(index: Index) -> int:
    """How many pictures a model has classified."""
    return sum(count for _, count in index.query(CONFIDENCES))


def _json(ids: list[str]) -> str:
    return msgspec.json.encode(ids).decode()
