"""What a client is told of an error: a status, a word for a program, a sentence for a person, and no more."""

import json
import logging

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from imagestore.errors import (
    BadCursor,
    BlobLeased,
    Busy,
    Conflict,
    DeletionUnfinished,
    NotALabel,
    NotAModelName,
    NotAProject,
    NotFound,
    StoreError,
    Unavailable,
)
from imagestore.web.problems import ApiProblem, problem_of
from preprocess import DecoderFailed, PictureError, Reason


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotALabel("a label has a letter"), 422, "bad_request"),
        (ClientDisconnect(), 400, "broken_off"),
        (Busy("ask again in a moment"), 503, "busy"),
        (NotAModelName("no"), 422, "bad_request"),
        (NotAProject("no"), 422, "bad_request"),
        (BadCursor("another list's"), 404, "no_such_page"),
        (PictureError(Reason.CORRUPT, "half of it is missing"), 422, "corrupt"),
        (NotFound("no such blob"), 404, "not_found"),
        (Conflict("changed meanwhile"), 409, "conflict"),
        (BlobLeased("leased"), 409, "protected"),
        (Unavailable("reading records: 503"), 503, "unavailable"),
        (DecoderFailed("out of memory"), 503, "unavailable"),
        (DeletionUnfinished("the account is closed"), 503, "deletion_unfinished"),
        (StoreError("too large (413)"), 502, "store"),
        (HTTPException(404), 404, "http"),
        (HTTPException(405, "Method Not Allowed"), 405, "http"),
    ],
)
def test_each_error_has_its_status_and_its_word(error: Exception, status: int, code: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code) == (status, code)
    assert problem.detail


def test_a_service_that_does_not_answer_is_to_be_asked_again() -> None:
    response = problem_of(Unavailable("reading records: 503")).response()
    assert response.headers["retry-after"] == "2"
    assert "Nothing is lost" in json.loads(bytes(response.body))["detail"]


def test_of_an_unexpected_error_the_client_is_told_its_number_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        problem = problem_of(ZeroDivisionError("the secret of the house"))
    assert (problem.status, problem.code) == (500, "internal")
    assert "secret" not in problem.detail
    number = problem.detail.split()[-1].rstrip(".")
    assert number in caplog.text
    assert "the secret of the house" in caplog.text


def test_an_answer_is_problem_details_that_nobody_caches() -> None:
    response = ApiProblem(413, "too_large", "Too large.", more={"limit_bytes": 7}).response()
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert json.loads(bytes(response.body)) == {
        "type": "about:blank", "title": "Request Entity Too Large", "status": 413, "detail": "Too large.",
        "code": "too_large", "limit_bytes": 7,
    }  # fmt: skip
