"""What is asked of the index for training: how many corrections there are, and what could be labelled next."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from classify import Vector
from imagestore.record import Record
from imagestore.store.documents import from_json
from imagestore.web.index.index import Index
from imagestore.web.index.queries import Filter

_CORRECTED = "status != 'deleted' AND corrected = 1 AND pictures.label IS NOT NULL"
_CORRECTIONS = f"SELECT id, project, label, sha256, corrected_at FROM pictures WHERE {_CORRECTED}"
_MORE = f"SELECT id, more_labels.label FROM pictures JOIN more_labels USING (id) WHERE {_CORRECTED}"
_RECORDS = "SELECT json FROM documents JOIN (SELECT id FROM pictures WHERE {}) USING (id)"


@dataclass
class Corrections:
    """What people have said of uploads, by content as training learns it: how many contents, how many of them lately,
    and how many have each label.

    Those whose content is a labelled picture are not counted: they are learned as that alone. `contradicted` is how
    many uploads have other labels than theirs, and `at_odds` how many other contents have several labels of which only
    one can be right, so that a training would be refused. `relabelled` are the labels, by SHA-256, with which labelled
    pictures are learned that may have several, and of which a correction says others.
    """

    count: int = 0
    new: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    contradicted: int = 0
    at_odds: int = 0
    relabelled: dict[str, tuple[str, ...]] = field(default_factory=dict)


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
    `has_several` a picture may have several, and the last that was said of it is learned."""
    found = Corrections()
    for sha256, said in _by_content(index, is_of, has_several=has_several).items():
        if sha256 in known:
            others = [labels for _, labels in said if set(labels) != set(known[sha256])]
            if has_several and known[sha256]:
                found.relabelled |= {sha256: others[-1]} if others else {}
            else:
                found.contradicted += len(others)
            continue
        labels = said[-1][1]
        found.labels.update(labels)
        found.count += 1
        found.new += all(at > since for at, before in said if set(before) == set(labels))
        found.at_odds += not has_several and len({before for _, before in said}) > 1
    return found


def _by_content(
    index: Index, is_of: Callable[[str | None], bool], *, has_several: bool
) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """When (UTC) each content was corrected, and to which labels, the last time last: by SHA-256, or by the id of an
    upload whose content is not known."""
    more, found = defaultdict[str, list[str]](list), defaultdict[str, list[tuple[str, tuple[str, ...]]]](list)
    if has_several and index.has_several():
        for id, label in index.query(_MORE):
            more[id].append(label)
    for id, project, label, sha256, at in index.query(_CORRECTIONS):
        if is_of(project):
            found[sha256 or id].append((at or "", (label, *more.get(id, ()))))
    for said in found.values():
        said.sort(key=lambda one: one[0])
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
