"""The web app's own index of the records: a copy that follows the change feed, and is made again when lost.

SQLite answers what Cosmos DB cannot, or only at a price: counts by label, text in names, any order, near duplicates.
The index holds what Cosmos DB held at the index's token; both are written in one transaction.
"""

import contextlib
import os
import queue
import sqlite3
import threading
import uuid
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagestore.pipeline.upkeep.reprocess import classified_by
from imagestore.record import Record, RecordWithVector, Status
from imagestore.store import StoredRecord
from imagestore.store.documents import from_json, to_json
from imagestore.web.index.tallies import TABLES, tally
from imagestore.web.index.words import words_of

_VERSION = 19
_SCHEMA = """
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pictures (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, revision INTEGER NOT NULL,
    name TEXT NOT NULL, status TEXT NOT NULL, label TEXT, reason TEXT, at TEXT NOT NULL, confidence REAL NOT NULL,
    corrected INTEGER NOT NULL, sha256 TEXT, phash INTEGER, uncertainty REAL, corrected_model TEXT, was_right INTEGER,
    random_sample INTEGER NOT NULL, model TEXT, project TEXT, wrong INTEGER NOT NULL, from_learned REAL,
    corrected_at TEXT
);
CREATE TABLE more_labels (label TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (label, id)) WITHOUT ROWID;
CREATE INDEX more_labels_of ON more_labels (id);
CREATE TABLE documents (id TEXT PRIMARY KEY, json BLOB NOT NULL);
CREATE TABLE backbones (number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE);
CREATE TABLE vectors (picture INTEGER PRIMARY KEY, backbone INTEGER NOT NULL, codes BLOB NOT NULL);
CREATE INDEX vectors_of ON vectors (backbone);
CREATE VIRTUAL TABLE words USING fts5 (
    name, labels, facts, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3 4', columnsize = 0
);
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);
CREATE TABLE hidden (id TEXT PRIMARY KEY, until TEXT NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX by_seq ON pictures (seq);
CREATE INDEX by_at ON pictures (at, id, status, label, reason, confidence, corrected)
    WHERE status != 'deleted';
CREATE INDEX facets ON pictures (label, status, reason, at, confidence, corrected, id, wrong)
    WHERE status != 'deleted';
CREATE INDEX by_name ON pictures (name, id) WHERE status != 'deleted';
CREATE INDEX by_confidence ON pictures (confidence, id) WHERE status != 'deleted';
CREATE INDEX by_label ON pictures (label, at, id) WHERE status != 'deleted';
CREATE INDEX by_status ON pictures (status, at, id) WHERE status != 'deleted';
CREATE INDEX by_reason ON pictures (status, reason) WHERE status != 'deleted' AND reason IS NOT NULL;
CREATE INDEX by_uncertainty ON pictures (uncertainty DESC, id)
    WHERE status != 'deleted' AND uncertainty IS NOT NULL AND corrected = 0;
CREATE INDEX by_draw ON pictures (id) WHERE status != 'deleted' AND uncertainty IS NOT NULL AND corrected = 0;
CREATE INDEX by_corrected_model ON pictures (corrected_model, id, was_right, random_sample)
    WHERE status != 'deleted' AND corrected_model IS NOT NULL;
CREATE INDEX by_model ON pictures (model, at, id, from_learned, confidence, status, phash)
    WHERE status != 'deleted' AND model IS NOT NULL;
CREATE INDEX by_correction ON pictures (project, label, id, sha256, corrected_at)
    WHERE status != 'deleted' AND corrected = 1;
CREATE INDEX by_wrong ON pictures (confidence, id) WHERE status != 'deleted' AND wrong = 1;
CREATE INDEX by_sha256 ON pictures (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX by_phash ON pictures (phash, id) WHERE phash IS NOT NULL;
"""
_ROWS = 21
"""So many bits of a row's number are the beginning of the id; the others are the milliseconds since 1970."""
_COLUMNS = (
    "row", "id", "seq", "revision", "name", "status", "label", "reason", "at", "confidence", "corrected", "sha256",
    "phash", "uncertainty", "corrected_model", "was_right", "random_sample", "model", "project", "wrong",
    "from_learned", "corrected_at",
)  # fmt: skip
_WRITE = (
    f"INSERT INTO pictures ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS)}"
)
_WORDS = "INSERT OR REPLACE INTO words (rowid, name, labels, facts) VALUES (?, ?, ?, ?)"
_VECTOR = "INSERT INTO vectors SELECT ?, number, ? FROM backbones WHERE hash = ?"
NO_CONFIDENCE = -1.0
"""Stands in the column `confidence` for a picture without a prediction."""
MOST_IDLE = 4


@dataclass(frozen=True)
class FeedPosition:
    """Which container of records the index copies, up to which token of its change feed, and when it was read to
    there."""

    generation: str
    token: str
    at: datetime


class Index:
    """An SQLite file that any thread can read and one at a time writes.

    A query borrows a connection and returns it; at most MOST_IDLE unused ones stay open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(MOST_IDLE)
        weakref.finalize(self, _close_all, self._idle)  # of an index that nobody closed
        self._writing = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not self._is_ours():
            self.clear()
        self.epoch = self._value("epoch") or ""

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows that this SQL query finds."""
        with self._connection() as connection:
            return connection.execute(sql, values).fetchall()

    def each(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that this SQL query finds, one after the other, where all at once would take much memory."""
        with self._connection() as connection:
            yield from connection.execute(sql, values)

    def close(self) -> None:
        """Close the connections; none may be in use."""
        _close_all(self._idle)

    def clear(self) -> None:
        """Delete everything."""
        with self._writing, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for of_words in ("name = 'words'", "TRUE"):  # whose own tables go with it
                for (name,) in connection.execute(
                    f"SELECT name FROM sqlite_master WHERE type = 'table' AND {of_words}"
                ).fetchall():
                    connection.execute(f'DROP TABLE "{name}"')
            for statement in filter(str.strip, (*_SCHEMA.split(";"), *TABLES)):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            self.epoch = uuid.uuid4().hex[:8]
            connection.execute("INSERT INTO state VALUES ('epoch', ?)", (self.epoch,))
            connection.execute("COMMIT")

    def position(self) -> FeedPosition | None:
        """How far the change feed was read; None before the first time."""
        generation, token, at = (self._value(name) for name in ("generation", "token", "at"))
        if generation is None or token is None or at is None:
            return None
        return FeedPosition(generation, token, datetime.fromisoformat(at))

    def apply(self, records: Iterable[StoredRecord], generation: str, token: str) -> int:
        """Write the records that changed up to this token. Returns how many were newer than those in the index."""
        with self._transaction() as connection:
            count = self._put(connection, records)
            values = {"generation": generation, "token": token, "at": datetime.now(UTC).isoformat()}
            connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", values.items())
        return count

    def put(self, record: StoredRecord) -> None:
        """Write one record before the change feed brings it, so that whoever changed it sees the change."""
        with self._transaction() as connection:
            self._put(connection, [record])

    def remove(self, id: str) -> None:
        """Mark a picture as deleted before its tombstone comes. Only a newer record brings it back."""
        with self._transaction() as connection:
            seq = _last_seq(connection) + 1
            tally(connection, id, -1)
            connection.execute(
                "UPDATE pictures SET seq = ?, name = '', status = ? WHERE id = ?", [seq, str(Status.DELETED), id]
            )
            connection.execute("DELETE FROM words WHERE rowid = (SELECT row FROM pictures WHERE id = ?)", [id])
            connection.execute("DELETE FROM documents WHERE id = ?", [id])
            connection.execute("DELETE FROM vectors WHERE picture = (SELECT row FROM pictures WHERE id = ?)", [id])
            connection.execute("DELETE FROM more_labels WHERE id = ?", [id])

    def touch(self, id: str) -> None:
        """Renumber the picture so that watchers are told, though its record is unchanged."""
        with self._transaction() as connection:
            connection.execute("UPDATE pictures SET seq = ? WHERE id = ?", [_last_seq(connection) + 1, id])

    def last_seq(self) -> int:
        """The number of the latest change. Each change has a higher number than those before it."""
        with self._connection() as connection:
            return _last_seq(connection)

    def since(self, seq: int, limit: int) -> list[tuple[int, str, bytes | None]]:
        """(seq, id, record as JSON or None if deleted) of everything that changed after `seq`, oldest change first."""
        query = "SELECT seq, id, json FROM pictures LEFT JOIN documents USING (id) WHERE seq > ? ORDER BY seq LIMIT ?"
        return self.query(query, [seq, limit])

    def get(self, id: str) -> Record | None:
        """The record with this id; None if there is none or it is deleted."""
        rows = self.query("SELECT json FROM documents WHERE id = ?", [id])
        return from_json(rows[0][0]) if rows else None

    def has_several(self) -> bool:
        """Whether several labels hold for any picture."""
        return bool(self.query("SELECT EXISTS (SELECT 1 FROM more_labels)")[0][0])

    def has_longer(self, word: str) -> bool:
        """Whether a picture is found by a longer word that begins so."""
        query = "SELECT 1 FROM vocabulary WHERE term >= ? AND term < ? LIMIT 1"
        return bool(self.query(query, [f"{word}\x01", f"{word}\U0010ffff"]))

    def hidden(self, now: str) -> tuple[str, ...]:
        """The ids of the pictures that lists leave out at this time (ISO 8601 in UTC)."""
        return tuple(id for (id,) in self.query("SELECT id FROM hidden WHERE until > ?", [now]))

    def _put(self, connection: sqlite3.Connection, records: Iterable[StoredRecord]) -> int:
        """Write the records that are newer than those in the index, in whatever order they come."""
        seq, count = _last_seq(connection), 0
        for stored in records:
            record = stored.record
            there = connection.execute(
                "SELECT revision, seq, row, at FROM pictures WHERE id = ?", [record.id]
            ).fetchone()
            if there is not None and there[0] >= stored.revision:
                continue
            count += 1
            is_hidden_now = there is not None and stored.hidden_until is not None  # which is no news to watchers
            values = _values(record, stored.revision, there[1] if is_hidden_now else seq + count)
            row = there[2] if there is not None and there[3] == _at(record) else _free_row(connection, record)
            tally(connection, record.id, -1)
            if there is not None:
                connection.execute("DELETE FROM vectors WHERE picture = ?", (there[2],))
            if there is not None and there[2] != row:
                connection.execute("DELETE FROM words WHERE rowid = ?", (there[2],))
            connection.execute(_WRITE, (row, *values))
            connection.execute("DELETE FROM hidden WHERE id = ?", (record.id,))
            connection.execute("DELETE FROM more_labels WHERE id = ?", (record.id,))
            if record.status is Status.DELETED:
                connection.execute("DELETE FROM documents WHERE id = ?", (record.id,))
                connection.execute("DELETE FROM words WHERE rowid = ?", (row,))
                continue
            connection.execute(
                "INSERT OR REPLACE INTO words (rowid, name, labels, facts) VALUES (?, ?, ?, ?)",
                (row, *words_of(record)),
            )
            plain = record.with_vector(None)
            connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (record.id, to_json(plain)))
            if isinstance(record, RecordWithVector) and (vector := record.vector) is not None:
                connection.execute("INSERT OR IGNORE INTO backbones (hash) VALUES (?)", (vector.backbone,))
                connection.execute(_VECTOR, (row, vector.codes, vector.backbone))
            more = [label for label in record.labels or () if label != record.label]
            connection.executemany("INSERT INTO more_labels VALUES (?, ?)", [(label, record.id) for label in more])
            tally(connection, record.id, 1)
            if stored.hidden_until is not None:
                connection.execute("INSERT INTO hidden VALUES (?, ?)", (record.id, stored.hidden_until))
        return count

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that no one else uses at the same time."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connected()
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            self._give_back(connection)
            raise
        self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            connection.close()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=30, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.create_function("distance", 2, _distance, deterministic=True)
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_ours(self) -> bool:
        """Whether the file is an index of this version. A broken file is moved aside."""
        try:
            ((version,),) = self.query("PRAGMA user_version")
            return bool(version == _VERSION and self._value("epoch"))
        except sqlite3.DatabaseError:
            self.close()
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self._path}{suffix}")
            return False

    def _value(self, name: str) -> str | None:
        rows = self.query("SELECT value FROM state WHERE name = ?", [name])
        return str(rows[0][0]) if rows else None


def _close_all(idle: queue.LifoQueue[sqlite3.Connection]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            idle.get_nowait().close()


def _last_seq(connection: sqlite3.Connection) -> int:
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM pictures").fetchone()
    return int(last)


def row_of(at: str, id: str = "000000", further: int = 0) -> int:
    """The number of the row of a picture that came at this time: rows stand in the order of time and id, and the words
    with them, so that of those with a word the newest are found first. `further` are milliseconds after it."""
    ms = 0
    if at:
        moment = datetime.fromisoformat(at)
        ms = round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    return ((ms + further) << _ROWS) + (int(id[:6], 16) >> (24 - _ROWS))


def _free_row(connection: sqlite3.Connection, record: Record) -> int:
    """Its row's number, or the next one that is free."""
    row = row_of(_at(record), record.id)
    while connection.execute("SELECT 1 FROM pictures WHERE row = ?", [row]).fetchone() is not None:
        row += 1
    return row


def _at(record: Record) -> str:
    return record.uploaded_at or record.finished_at or ""


def _values(record: Record, revision: int, seq: int) -> tuple[object, ...]:
    """A record's columns but for the row's number. Of a deleted record only the fact is kept; its name goes too."""
    is_deleted = record.status is Status.DELETED
    name = "" if is_deleted else record.name
    phash = record.image.phash if record.image else None
    correction = record.correction
    said = correction or (record.wrong if record.is_wrong else None)
    return (
        record.id,
        seq,
        revision,
        name,
        str(record.status),
        record.label,
        record.problem.reason if record.problem else None,
        _at(record),
        record.prediction.confidence if record.prediction else NO_CONFIDENCE,
        correction is not None,
        record.upload.sha256 if record.upload else None,
        signed(phash) if phash else None,
        record.prediction.uncertainty if record.prediction else None,
        said.model.sha256 if said and said.model else None,
        correction.confirms if correction else False if said else None,
        bool(correction and correction.random_sample),
        classified_by(record),
        record.project,
        record.is_wrong,
        record.prediction.distance if record.prediction else None,
        correction.at if correction else None,
    )


def signed(phash: str) -> int:
    """A perceptual hash of 16 hex digits as the 64-bit integer that SQLite keeps."""
    return int.from_bytes(bytes.fromhex(phash), "big", signed=True)


def _distance(one: int, other: int) -> int:
    """In how many of 64 bits two hashes differ."""
    return ((one ^ other) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()
