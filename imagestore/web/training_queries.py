"""What is asked of the index for training: how many corrections there are, and what could be labelled next."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import msgspec

from classify import Vector
from imagestore.record import Record
from imagestore.store.documents import from_json
from imagestore.web.index import Index
from imagestore.web.queries import Filter

_CORRECTIONS = """
WITH given AS (
    SELECT id, label, CAST(json AS TEXT) AS record FROM pictures JOIN documents USING (id)
    WHERE status != 'deleted' AND corrected = 1 AND label IS NOT NULL
), every AS (
    SELECT id, label, 1 AS is_first FROM given
    UNION ALL SELECT id, more_labels.label, 0 FROM more_labels JOIN given USING (id)
)
SELECT every.label, is_first, json_extract(record, '$.project'), json_extract(record, '$.correction.at') > ?, COUNT(*)
FROM every JOIN given USING (id) GROUP BY 1, 2, 3, 4
"""

_RECORDS = "SELECT json FROM documents JOIN (SELECT id FROM pictures WHERE {}) USING (id)"


@dataclass
class Corrections:
    """How many uploads were corrected, how many of them lately, and how many have each label."""

    count: int = 0
    new: int = 0
    labels: Counter[str] = field(default_factory=Counter)


def corrections(index: Index, is_of: Callable[[str | None], bool], since: str) -> Corrections:
    """Count the corrected uploads whose project `is_of` says yes to; the new ones are those after this time (UTC)."""
    found = Corrections()
    for label, is_first, project, is_new, count in index.query(_CORRECTIONS, [since]):
        if is_of(project):
            found.labels[label] += count
            found.count += count if is_first else 0
            found.new += count if is_first and is_new else 0
    return found


def unlabelled(index: Index, filter: Filter, labels: Collection[str], most: int) -> list[Record]:
    """Pictures that pass the filter, have a prediction and no correction: those of which the model is least sure, at
    most `most`, and of each of these labels the `most` newest that were classified as it."""
    where, values = replace(filter, corrected=False).where(has_several=index.has_several())
    where += " AND uncertainty IS NOT NULL"
    found = index.query(_RECORDS.format(f"{where} ORDER BY uncertainty DESC, id LIMIT ?"), [*values, most])
    for label in labels:
        rows = index.query(
            _RECORDS.format(f"{where} AND label = ? ORDER BY at DESC, id LIMIT ?"), [*values, label, most]
        )
        found += rows
    records = (from_json(json) for (json,) in found)
    return list({record.id: record for record in records}.values())


def vectors(index: Index, ids: Collection[str]) -> dict[str, Vector]:
    """The vector of each of these pictures that has one, by id."""
    query = (
        "SELECT id, hash, codes FROM pictures JOIN vectors ON picture = pictures.row "
        "JOIN backbones ON backbone = number WHERE id IN (SELECT value FROM json_each(?))"
    )
    rows = index.query(query, [msgspec.json.encode([*ids]).decode()])
    return {id: Vector(backbone, codes) for id, backbone, codes in rows}
