"""What is asked for, by what it costs: the cheapest kind is the last to be refused.

Health, sign-in and the pages' own files are never refused. Custom Vision's addresses are sorted as ours are.
"""

from enum import IntEnum

from imagestore.web.rules import TABLE, Open


class Kind(IntEnum):
    """A kind of request; a higher number is dearer, and refused sooner."""

    FREE = 0
    READ = 1
    CHANGE = 2
    SEARCH = 3
    UPLOAD = 4
    CLASSIFY = 5

    @property
    def word(self) -> str:
        """As metrics and messages call it."""
        return self.name.lower()


EVENTS = "GET /api/v1/events"
_THEIRS = "/customvision/{api}"
_PROJECT = f"{_THEIRS}/training/projects/{{project_id}}"
CLASSIFY = {
    "POST /api/v1/classify",
    "POST /api/v1/classify/why",
    "POST /api/v1/classify/nearest",
    "POST /api/v1/similar",
    "POST /similar",
    "GET /api/v1/pictures/{id}/why",
    "POST /image",
    "POST /url",
    f"POST {_PROJECT}/quicktest/image",
    f"POST {_PROJECT}/quicktest/url",
    *(row for row in TABLE if row.startswith(f"POST {_THEIRS}/prediction/")),
}
UPLOAD = {
    "POST /api/v1/pictures",
    "POST /api/v1/pictures/batch",
    "POST /api/v1/projects/{project}/training",
    f"POST {_PROJECT}/images",
    f"POST {_PROJECT}/images/files",
    f"POST {_PROJECT}/images/urls",
}
SEARCH = {
    "GET /api/v1/pictures/export",
    "GET /api/v1/pictures/{id}/duplicates",
    "GET /api/v1/pictures/{id}/nearest",
    "GET /api/v1/pictures/{id}/similar",
    "GET /api/v1/counts",
    "GET /api/v1/labels",
    "GET /api/v1/overview",
    "GET /api/v1/watch",
    "GET /api/v1/models/outdated",
    "GET /api/v1/audit",
    "GET /api/v1/audit/export",
    "GET /similar",
    "GET /dashboard",
    "GET /watch",
    "GET /audit",
}
_SEARCHED = {"GET /gallery", "GET /api/v1/pictures", "GET /label", "GET /review"}
"""A search if words are looked for."""
_OF_PICTURES = {row for row, need in TABLE.items() if need is Open.ANYONE and "/customvision/" in row}
FREE = {row for row, need in TABLE.items() if need is Open.ANYONE} - _OF_PICTURES | {"GET /sign-out", "POST /sign-out"}
_KINDS = {
    **dict.fromkeys(FREE, Kind.FREE),
    **dict.fromkeys(SEARCH, Kind.SEARCH),
    **dict.fromkeys(UPLOAD, Kind.UPLOAD),
    **dict.fromkeys(CLASSIFY, Kind.CLASSIFY),
}


def kind_of(row: str | None, query: bytes = b"") -> Kind:
    """The kind of a request for a route, by its row in the table of rules; None is an address at which there is
    nothing."""
    if row is None:
        return Kind.READ
    if row.startswith("HEAD "):
        row = f"GET {row[5:]}"
    if row in _SEARCHED and (query.startswith(b"q=") or b"&q=" in query):
        return Kind.SEARCH
    return _KINDS.get(row, Kind.READ if row.startswith("GET ") else Kind.CHANGE)
