"""What the SDKs raise becomes Missing, Conflict or Away, and says no name."""

from types import SimpleNamespace

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
)

from errors import Away, Conflict, Missing, StoreError
from store.failures import translated


def http(kind: type[HttpResponseError], status: int, code: str = "") -> HttpResponseError:
    error = kind(message="said", response=None)
    error.status_code, error.error_code = status, code
    return error


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (http(ResourceNotFoundError, 404, "BlobNotFound"), Missing),
        (http(ResourceNotFoundError, 404, "ContainerNotFound"), Away),
        (http(ResourceExistsError, 409), Conflict),
        (http(ResourceModifiedError, 412), Conflict),
        (http(HttpResponseError, 429), Away),
        (http(HttpResponseError, 503), Away),
        (http(HttpResponseError, 403), Away),
        (http(HttpResponseError, 400), StoreError),
        (ServiceRequestError("no connection"), Away),
    ],
)
def test_each_error_has_its_place(raised: Exception, expected: type[StoreError]) -> None:
    with pytest.raises(StoreError) as caught, translated("reading"):
        raise raised
    assert type(caught.value) is expected
    assert str(caught.value).startswith("reading: ")


def test_no_name_gets_into_a_message() -> None:
    said = "HTTPConnectionPool(host='127.0.0.1', port=1): Max retries with url: /uploads/Jane%20Doe.jpg?sig=S (x)"
    with pytest.raises(Away) as caught, translated("reading"):
        raise ServiceRequestError(said)
    assert "Jane" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_our_own_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), translated("reading"):
        raise ZeroDivisionError(SimpleNamespace())
