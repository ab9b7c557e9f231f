"""What the dashboard shows, from the index."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from record import Record, utc
from store.documents import from_json
from web.index import NO_CONFIDENCE, Index

HOURS = 24
BINS = 20
RECENT = 30


@dataclass(frozen=True)
class Statistics:
    """`hours`: (hour, count by status), oldest first, empty hours included; `confidence`: pictures per twentieth,
    from 0 to 1; `causes`: (status, reason, count); `recent`: the latest pictures, newest first."""

    hours: list[tuple[str, dict[str, int]]]
    confidence: list[int]
    causes: list[tuple[str, str, int]]
    recent: list[Record]


def statistics(index: Index, now: datetime | None = None) -> Statistics:
    """As things stand."""
    now = (now or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0)
    hours = [utc(now - timedelta(hours=back))[:13] for back in reversed(range(HOURS))]
    by_hour: dict[str, dict[str, int]] = {hour: {} for hour in hours}
    query = (
        "SELECT substr(at, 1, 13) AS hour, status, COUNT(*) FROM pictures "
        "WHERE status != 'deleted' AND at >= ? GROUP BY hour, status"
    )
    for hour, status, count in index.connection.execute(query, (hours[0],)):
        by_hour.setdefault(hour, {})[status] = count
    query = (
        f"SELECT min(CAST(confidence * {BINS} AS INTEGER), {BINS - 1}) AS bin, COUNT(*) FROM pictures "
        f"WHERE status != 'deleted' AND confidence != {NO_CONFIDENCE} GROUP BY bin"
    )
    bins = dict(index.connection.execute(query).fetchall())
    query = (
        "SELECT status, reason, COUNT(*) AS n FROM pictures WHERE status != 'deleted' AND reason IS NOT NULL "
        "GROUP BY status, reason ORDER BY n DESC"
    )
    causes = index.connection.execute(query).fetchall()
    query = (
        "SELECT json FROM documents JOIN (SELECT id, at FROM pictures WHERE status != 'deleted' "
        "ORDER BY at DESC, id DESC LIMIT ?) USING (id) ORDER BY at DESC, id DESC"
    )
    recent = [from_json(json) for (json,) in index.connection.execute(query, (RECENT,))]
    return Statistics(
        hours=[(hour, by_hour[hour]) for hour in hours],
        confidence=[bins.get(bin, 0) for bin in range(BINS)],
        causes=causes,
        recent=recent,
    )
