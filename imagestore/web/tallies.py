"""How many pictures have each label, status and reason, kept beside the index and changed with it, so that counting all
pictures costs as much as there are labels."""

import sqlite3

TABLE = """
CREATE TABLE tallies (
    is_more INTEGER NOT NULL, label TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (is_more, label, status, reason)
) WITHOUT ROWID
"""
_ADD = (
    "INSERT INTO tallies VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (is_more, label, status, reason) DO UPDATE SET n = n + excluded.n"
)
_NONE = ""
"""Stands for no label and no reason, which neither can be."""


def tally(connection: sqlite3.Connection, id: str, by: int) -> None:
    """Count a picture as it stands in the index now, or with -1 do so no more. Deleted ones do not count."""
    found = connection.execute("SELECT label, status, reason FROM pictures WHERE id = ?", [id]).fetchone()
    if found is None or found[1] == "deleted":
        return
    label, status, reason = found
    connection.execute(_ADD, (0, label or _NONE, status, reason or _NONE, by))
    more = connection.execute("SELECT label FROM more_labels WHERE id = ?", [id]).fetchall()
    connection.executemany(_ADD, [(1, other, status, _NONE, by) for (other,) in more])


ALL = "SELECT nullif(label, ''), status, nullif(reason, ''), n FROM tallies WHERE is_more = 0 AND n > 0"
"""How many pictures have each first label, status and reason."""
ALL_MORE = "SELECT label, status, n FROM tallies WHERE is_more = 1 AND n > 0"
"""How many have each further label, and status."""
