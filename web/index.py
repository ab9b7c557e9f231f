"""The web app's own index of the records: a copy that the change feed keeps up to date, made anew whenever it is lost.

SQLite answers what Cosmos DB cannot, or only at a price: counts by label, text in names, any order, near duplicates.
What the index holds is what Cosmos DB held at its token; both are written in one transaction.
"""

import contextlib
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from record import Prediction, Record, Status
from store.documents import from_json, to_json

_VERSION = 3
_SCHEMA = """
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pictures (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL, status TEXT NOT NULL,
    label TEXT, reason TEXT, at TEXT NOT NULL, confidence REAL NOT NULL, corrected INTEGER NOT NULL,
    sha256 TEXT, phash INTEGER, doubt REAL, judged TEXT, was_right INTEGER, drawn INTEGER NOT NULL,
    model TEXT
);
CREATE TABLE documents (id TEXT PRIMARY KEY, json BLOB NOT NULL);
CREATE UNIQUE INDEX by_seq ON pictures (seq);
CREATE INDEX by_at ON pictures (at, id, status, label, reason, confidence, corrected, folded)
    WHERE status != 'deleted';
CREATE INDEX facets ON pictures (label, status, reason, at, confidence, corrected, folded, id)
    WHERE status != 'deleted';
CREATE INDEX by_name ON pictures (name, id) WHERE status != 'deleted';
CREATE INDEX by_confidence ON pictures (confidence, id) WHERE status != 'deleted';
CREATE INDEX by_label ON pictures (label, at, id) WHERE status != 'deleted';
CREATE INDEX by_status ON pictures (status, at, id) WHERE status != 'deleted';
CREATE INDEX by_reason ON pictures (status, reason) WHERE status != 'deleted' AND reason IS NOT NULL;
CREATE INDEX by_doubt ON pictures (doubt, id) WHERE status != 'deleted' AND doubt IS NOT NULL AND corrected = 0;
CREATE INDEX by_draw ON pictures (id) WHERE status != 'deleted' AND doubt IS NOT NULL AND corrected = 0;
CREATE INDEX by_judgement ON pictures (judged, id, was_right, drawn) WHERE status != 'deleted' AND judged IS NOT NULL;
CREATE INDEX by_model ON pictures (model) WHERE status != 'deleted' AND model IS NOT NULL;
CREATE INDEX by_correction ON pictures (id) WHERE status != 'deleted' AND corrected = 1;
CREATE INDEX by_sha256 ON pictures (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX by_phash ON pictures (phash, id) WHERE phash IS NOT NULL;
"""
_INSERT = "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
NO_CONFIDENCE = -1.0


@dataclass(frozen=True)
class State:
    """Which container of records the index copies, up to which token, and when that was."""

    generation: str
    token: str
    at: datetime


class Index:
    """One file; readers from any thread, one writer at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._writing = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not self._is_ours():
            self.clear()
        self.epoch = self._value("epoch") or ""

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=30, check_same_thread=False)
            self._connections.append(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.create_function("distance", 2, _distance, deterministic=True)
            self._local.connection = connection
        return connection

    def close(self) -> None:
        """End all threads' connections; none may be in use."""
        while self._connections:
            self._connections.pop().close()
        self._local = threading.local()

    def clear(self) -> None:
        """Begin anew, with nothing."""
        with self._writing:
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            for kind, name in connection.execute(
                "SELECT type, name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                connection.execute(f'DROP {kind} "{name}"')
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            self.epoch = uuid.uuid4().hex[:8]
            connection.execute("INSERT INTO state VALUES ('epoch', ?)", (self.epoch,))
            connection.execute("COMMIT")

    def state(self) -> State | None:
        """Where the copy stands; None while it is empty."""
        generation, token, at = (self._value(name) for name in ("generation", "token", "at"))
        if generation is None or token is None or at is None:
            return None
        return State(generation, token, datetime.fromisoformat(at))

    def apply(self, records: Iterable[Record], generation: str, token: str) -> int:
        """Take in what changed up to this token; how many records those were."""
        with self._transaction() as connection:
            count = self._put(connection, records)
            values = {"generation": generation, "token": token, "at": datetime.now(UTC).isoformat()}
            connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", values.items())
        return count

    def put(self, record: Record) -> None:
        """Take in one record ahead of the change feed, so that whoever changed it sees it changed."""
        with self._transaction() as connection:
            self._put(connection, [record])

    def last_seq(self) -> int:
        """The number of the latest change; every change has a higher one than those before it."""
        (last,) = self.connection.execute("SELECT coalesce(max(seq), 0) FROM pictures").fetchone()
        return int(last)

    def since(self, seq: int, limit: int) -> list[tuple[int, str, bytes | None]]:
        """(seq, id, record as JSON, None where it is deleted) of what changed after `seq`, oldest change first."""
        query = "SELECT seq, id, json FROM pictures LEFT JOIN documents USING (id) WHERE seq > ? ORDER BY seq LIMIT ?"
        return self.connection.execute(query, (seq, limit)).fetchall()

    def get(self, id: str) -> Record | None:
        """The record with this id, None where there is none or it is deleted."""
        row = self.connection.execute("SELECT json FROM documents WHERE id = ?", (id,)).fetchone()
        return from_json(row[0]) if row else None

    def of_other_models(self, sha256: str) -> int:
        """How many pictures were classified by another model than this."""
        query = "SELECT COUNT(*) FROM pictures WHERE status != 'deleted' AND model IS NOT NULL AND model != ?"
        return int(self.connection.execute(query, (sha256,)).fetchone()[0])

    def _put(self, connection: sqlite3.Connection, records: Iterable[Record]) -> int:
        (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM pictures").fetchone()
        count = 0
        for count, record in enumerate(records, 1):
            connection.execute(_INSERT, _row(record, seq + count))
            if record.status is Status.DELETED:
                connection.execute("DELETE FROM documents WHERE id = ?", (record.id,))
            else:
                connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (record.id, to_json(record)))
        return count

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing:
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _is_ours(self) -> bool:
        """Whether the file is an index of this version; one that is broken is put out of the way."""
        try:
            (version,) = self.connection.execute("PRAGMA user_version").fetchone()
            return bool(version == _VERSION and self._value("epoch"))
        except sqlite3.DatabaseError:
            self.close()
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self._path}{suffix}")
            return False

    def _value(self, name: str) -> str | None:
        row = self.connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])


def _row(record: Record, seq: int) -> tuple[object, ...]:
    """Of a deleted one only that it is deleted: its name goes too."""
    is_deleted = record.status is Status.DELETED
    name = "" if is_deleted else record.name
    phash = record.image.phash if record.image else None
    correction = record.correction
    return (
        record.id,
        seq,
        name,
        name.casefold(),
        str(record.status),
        record.label,
        record.problem.reason if record.problem else None,
        record.uploaded_at or record.finished_at or "",
        record.prediction.confidence if record.prediction else NO_CONFIDENCE,
        correction is not None,
        record.upload.sha256 if record.upload else None,
        signed(phash) if phash else None,
        doubt(record.prediction) if record.prediction else None,
        correction.model.sha256 if correction and correction.model else None,
        correction.predicted == correction.label if correction else None,
        bool(correction and correction.drawn),
        record.prediction.model.sha256 if record.prediction else None,
    )


def doubt(prediction: Prediction) -> float:
    """How sure the model is: the lead over the second class or the distance from the threshold, whichever is less;
    under 0, and so before all others, where two versions of the model disagree."""
    sure = min(prediction.margin, abs(prediction.confidence - prediction.threshold))
    return sure - 2 if prediction.earlier else sure


def signed(phash: str) -> int:
    """A perceptual hash of 16 hex digits as the 64-bit integer that SQLite keeps."""
    return int.from_bytes(bytes.fromhex(phash), "big", signed=True)


def _distance(one: int, other: int) -> int:
    """In how many of 64 bits two hashes differ."""
    return ((one ^ other) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()
