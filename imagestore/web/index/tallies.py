"""How many pictures have each label, status and reason, came in each hour, and lie in each part of confidence: kept
beside the index and changed with it, so that counting all pictures costs as much as there are labels."""

import sqlite3

PARTS = 20
"""Into so many equal parts is confidence from 0 to 1 divided."""
TABLES = (
    """
    CREATE TABLE tallies (
        is_more INTEGER NOT NULL, label TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
        PRIMARY KEY (is_more, label, status, reason)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE confidences (part INTEGER PRIMARY KEY, n INTEGER NOT NULL)",
    "CREATE TABLE hours (hour TEXT, status TEXT, n INTEGER NOT NULL, PRIMARY KEY (hour, status)) WITHOUT ROWID",
)
_ADD = (
    "INSERT INTO tallies VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (is_more, label, status, reason) DO UPDATE SET n = n + excluded.n"
)
_ADD_CONFIDENCE = "INSERT INTO confidences VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET n = n + excluded.n"
_ADD_HOUR = "INSERT INTO hours VALUES (?, ?, ?) ON CONFLICT (hour, status) DO UPDATE SET n = n + excluded.n"
_HOUR = len("2026-11-30T12")
_NONE = ""
"""Stands for no label and no reason, which neither can be."""


def tally(connection: sqlite3.Connection, id: str, by: int) -> None:
    """Count a picture as it stands in the index now, or with -1 do so no more. Deleted ones do not count."""
    query = "SELECT label, status, reason, confidence, at FROM pictures WHERE id = ?"
    found = connection.execute(query, [id]).fetchone()
    if found is None or found[1] == "deleted":
        return
    label, status, reason, confidence, at = found
    connection.execute(_ADD_HOUR, (at[:_HOUR], status, by))
    if confidence >= 0:  # of a picture without a prediction it is less
        connection.execute(_ADD_CONFIDENCE, (min(int(confidence * PARTS), PARTS - 1), by))
    connection.execute(_ADD, (0, label or _NONE, status, reason or _NONE, by))
    more = connection.execute("SELECT label FROM more_labels WHERE id = ?", [id]).fetchall()
    connection.executemany(_ADD, [(1, other, status, _NONE, by) for (other,) in more])


ALL = "SELECT nullif(label, ''), status, nullif(reason, ''), n FROM tallies WHERE is_more = 0 AND n > 0"
"""How many pictures have each first label, status and reason."""
ALL_MORE = "SELECT label, status, n FROM tallies WHERE is_more = 1 AND n > 0"
"""How many have each further label, and status."""
CONFIDENCES = "SELECT part, n FROM confidences WHERE n > 0"
"""How many predictions lie in each part of confidence that has any."""
REASONS = (
    "SELECT status, reason, sum(n) AS count FROM tallies WHERE is_more = 0 AND reason != '' "
    "GROUP BY status, reason HAVING count > 0 ORDER BY count DESC, status, reason"
)
"""How many have no prediction for each reason, the most frequent first."""
HOURS = "SELECT hour, status, n FROM hours WHERE hour >= ? AND n > 0"
"""How many came in each hour from this one on, such as 2026-11-30T12, by status."""
