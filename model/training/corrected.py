"""Uploads whose label a person corrected, to learn from.

What decides is the content: one that is a labelled picture with the same labels already is learned as that alone.
"""

from collections.abc import Callable, Collection

from imagestore.record import Status
from imagestore.store import Blobs, Stores
from imagestore.store.records import Summary
from model.training.examples import Labelled

CORRECTED = "(corrected) "
"""Before the name of an upload whose label a person corrected."""


def corrected(
    stores: Stores,
    folder: str,
    *,
    has_several: bool = False,
    said: Collection[tuple[str | None, frozenset[str]]] = (),
) -> list[Labelled]:
    """The uploads whose label a person corrected, of the projects whose pictures are in this folder; with `has_several`
    all their labels, in the order of the corrections, of each content the last. Left out are those of which the same is
    `said` already: the SHA-256 of a content, and its labels.

    Where one label holds, corrections of one content that differ are all given, whichever came last: only one can be
    right, so a training is refused, as the page says it will be, until a person makes them agree.

    Raises Unavailable.
    """
    projects = stores.projects.read()
    found = [
        one
        for one in stores.records.corrections()
        if one.label is not None and one.status != Status.DELETED and projects.pictures_of(one.project) == folder
    ]
    if has_several:
        found.sort(key=lambda one: one.corrected_at or "")
        last = {one.sha256: one for one in found}
        found = [one for one in found if one.sha256 is None or last[one.sha256] is one]

    def labels(one: Summary) -> tuple[str, ...]:
        return one.labels if has_several and one.labels else (one.label or "",)

    return [
        Labelled(
            labels(one),
            f"{CORRECTED}{one.name}",
            _reader(stores.uploads, one.name),
            is_correction=True,
        )
        for one in found
        if (one.sha256, frozenset(labels(one))) not in said
    ]


def _reader(blobs: Blobs, name: str) -> Callable[[], bytes]:
    return lambda: blobs.get(name).data or b""
