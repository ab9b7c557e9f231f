"""The host's internal queue of blob events, kept in SQLite, so that an accepted event survives a crash."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BlobMessage:
    """One event to handle. `attempts` counts the failed attempts."""

    id: int
    function: str
    container: str
    name: str
    etag: str
    attempts: int


class BlobQueue:
    """The messages, oldest first."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, function TEXT NOT NULL, "
            "container TEXT NOT NULL, name TEXT NOT NULL, etag TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0)"
        )

    def put(self, events: list[tuple[str, str, str, str]]) -> list[BlobMessage]:
        """Store (function, container, name, etag) events, all or none. Returns them as messages."""
        self._db.execute("BEGIN")
        try:
            statement = "INSERT INTO messages (function, container, name, etag) VALUES (?, ?, ?, ?)"
            kept = [BlobMessage(self._db.execute(statement, event).lastrowid or 0, *event, 0) for event in events]
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return kept

    def waiting(self) -> list[BlobMessage]:
        """All messages, including those being handled."""
        rows = self._db.execute("SELECT id, function, container, name, etag, attempts FROM messages ORDER BY id")
        return [BlobMessage(*row) for row in rows]

    def done(self, message: BlobMessage) -> None:
        """Remove a message that was handled."""
        self._db.execute("DELETE FROM messages WHERE id = ?", (message.id,))

    def failed(self, message: BlobMessage) -> BlobMessage:
        """Count a failed attempt. Returns the message with the new count."""
        self._db.execute("UPDATE messages SET attempts = attempts + 1 WHERE id = ?", (message.id,))
        return BlobMessage(
            message.id, message.function, message.container, message.name, message.etag, message.attempts + 1
        )

    def close(self) -> None:
        """Close the file."""
        self._db.close()
