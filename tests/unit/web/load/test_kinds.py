"""What is cheap and what is dear: each route is of one kind."""

import pytest

from imagestore.web.load import kinds
from imagestore.web.load.kinds import Kind, kind_of
from imagestore.web.rules import TABLE


def test_every_row_that_is_named_is_a_route() -> None:
    assert (kinds.FREE | kinds.SEARCH | kinds.UPLOAD | kinds.CLASSIFY | {kinds.EVENTS}) <= set(TABLE)


@pytest.mark.parametrize(
    ("row", "query", "kind"),
    [
        ("GET /api/v1/health/live", b"", Kind.FREE),
        ("GET /api/v1/health/ready", b"", Kind.FREE),
        ("POST /sign-in", b"", Kind.FREE),
        ("GET /static", b"", Kind.FREE),
        ("GET /gallery", b"", Kind.READ),
        ("GET /gallery", b"label=cat&q=garden", Kind.SEARCH),
        ("GET /api/v1/pictures", b"q=garden", Kind.SEARCH),
        ("GET /api/v1/pictures/{id}/thumbnail", b"q=x", Kind.READ),
        ("GET /api/v1/counts", b"", Kind.SEARCH),
        ("PUT /api/v1/pictures/{id}/correction", b"", Kind.CHANGE),
        ("POST /api/v1/pictures", b"", Kind.UPLOAD),
        ("POST /api/v1/classify", b"", Kind.CLASSIFY),
        (
            "POST /customvision/{api}/prediction/{project_id}/classify/iterations/{published}/image",
            b"",
            Kind.CLASSIFY,
        ),
        ("GET /customvision/{api}/training/projects/{project_id}/images/{image_id}/content", b"", Kind.READ),
        (None, b"", Kind.READ),
        ("HEAD /api/v1/pictures/{id}/thumbnail", b"", Kind.READ),
        ("HEAD /static", b"", Kind.FREE),
    ],
)
def test_what_is_asked_for_has_a_kind(row: str | None, query: bytes, kind: Kind) -> None:
    assert kind_of(row, query) is kind


def test_the_dearest_is_the_first_to_be_refused() -> None:
    assert Kind.READ < Kind.CHANGE < Kind.SEARCH < Kind.UPLOAD < Kind.CLASSIFY
