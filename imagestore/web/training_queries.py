"""What is asked of the index for training: how many corrections there are, and what could be labelled next."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from classify import Vector
from imagestore.record import Record
from imagestore.store.documents import from_json
from imagestore.web.index import Index
from imagestore.web.queries import Filter

_CORRECTED = "status != 'deleted' AND corrected = 1 AND label IS NOT NULL"
_CORRECTIONS = f"SELECT id, project, label, sha256, corrected_at > ? FROM pictures WHERE {_CORRECTED}"
_MORE = f"SELECT id, more_labels.label FROM pictures JOIN more_labels USING (id) WHERE {_CORRECTED}"
_RECORDS = "SELECT json FROM documents JOIN (SELECT id FROM pictures WHERE {}) USING (id)"


@dataclass
class Corrections:
    """How many uploads were corrected, how many of them lately, and how many have each label.

    Those whose content is a labelled picture are not counted: they are learned as that alone. `contradicted` is how
    many of them have other labels, so that a training would be refused.
    """

    count: int = 0
    new: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    contradicted: int = 0


def corrections(
    index: Index,
    is_of: Callable[[str | None], bool],
    since: str,
    known: Mapping[str, Collection[str]],
    *,
    has_several: bool = False,
) -> Corrections:
    """Count the corrected uploads whose project `is_of` says yes to; the new ones are those after this time (UTC).
    `known` are the labels of the project's labelled pictures by SHA-256, none of what shows none of them; with
    `has_several` a picture may have several, and a correction may say others."""
    found, more = Corrections(), defaultdict[str, list[str]](list)
    if index.has_several():
        for id, label in index.query(_MORE):
            more[id].append(label)
    for id, project, label, sha256, is_new in index.query(_CORRECTIONS, [since]):
        if not is_of(project):
            continue
        labels = (label, *more.get(id, ()))
        if sha256 in known:
            may_differ = has_several and known[sha256]
            found.contradicted += not may_differ and set(known[sha256]) != set(labels)
            continue
        found.labels.update(labels)
        found.count += 1
        found.new += bool(is_new)
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
