"""What the SDKs raise becomes NotFound, Conflict or Unavailable, and says no name."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.cosmos import CosmosClient

from imagestore.errors import (
    BlobArchived,
    BlobImmutable,
    BlobLeased,
    Conflict,
    NotFound,
    StoreError,
    Unavailable,
)
from imagestore.store.failures import asked_again, translated
from imagestore.store.items import CosmosItems


def http(kind: type[HttpResponseError], status: int, code: str = "") -> HttpResponseError:
    error = kind(message="said", response=None)
    error.status_code = status
    setattr(error, "error_code", code)  # noqa: B010 - the storage SDKs add it
    return error


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (http(ResourceNotFoundError, 404, "BlobNotFound"), NotFound),
        (http(ResourceNotFoundError, 404, "ContainerNotFound"), Unavailable),
        (http(ResourceExistsError, 409), Conflict),
        (http(ResourceModifiedError, 412), Conflict),
        (http(HttpResponseError, 429), Unavailable),
        (http(HttpResponseError, 503), Unavailable),
        (http(HttpResponseError, 403), Unavailable),
        (http(HttpResponseError, 400), StoreError),
        (http(HttpResponseError, 413), StoreError),
        (ServiceRequestError("no connection"), Unavailable),
        (http(ResourceExistsError, 409, "BlobAlreadyExists"), Conflict),
        (http(ResourceModifiedError, 412, "ConditionNotMet"), Conflict),
        (http(ResourceModifiedError, 412, "LeaseIdMissing"), BlobLeased),
        (http(ResourceExistsError, 409, "LeaseIdMismatchWithBlobOperation"), BlobLeased),
        (http(ResourceExistsError, 409, "BlobArchived"), BlobArchived),
        (http(ResourceExistsError, 409, "BlobImmutableDueToPolicy"), BlobImmutable),
        (http(ResourceExistsError, 409, "BlobImmutableDueToLegalHold"), BlobImmutable),
        (http(ResourceExistsError, 409, "ContainerBeingDeleted"), Unavailable),
        (http(ResourceExistsError, 409, "QueueBeingDeleted"), Unavailable),
        (http(ResourceExistsError, 409, "FeatureNotYetSupportedForHierarchicalNamespaceAccounts"), StoreError),
        (http(HttpResponseError, 400, "BlobTagsNotSupportedForAccountType"), StoreError),
        (http(HttpResponseError, 400, "InvalidBlockList"), Conflict),
        (http(ResourceModifiedError, 412, "TargetConditionNotMet"), Conflict),
        (http(ResourceExistsError, 409, "ContainerAlreadyExists"), Conflict),
        (http(ResourceExistsError, 409, "SnapshotsPresent"), StoreError),
        (http(ResourceExistsError, 409, "InvalidBlobType"), StoreError),
        (http(ResourceExistsError, 409, "InvalidBlobTier"), StoreError),
        (http(ResourceModifiedError, 412, "LeaseNotPresentWithContainerOperation"), StoreError),
        (http(HttpResponseError, 409, "OperationNotAllowedInCurrentState"), StoreError),
        (http(HttpResponseError, 409, "OfWhichNobodyHasHeard"), StoreError),
        (http(HttpResponseError, 412, "OfWhichNobodyHasHeard"), StoreError),
    ],
)
def test_each_error_has_its_place(raised: Exception, expected: type[StoreError]) -> None:
    with pytest.raises(StoreError) as caught, translated("reading"):
        raise raised
    assert type(caught.value) is expected
    assert str(caught.value).startswith("reading: ")


def test_an_account_without_tags_is_said_and_no_other_writer_is_supposed() -> None:
    """After a conflict a step would start over, fifty times, for nothing."""
    with pytest.raises(StoreError, match="Use one without hierarchical namespace"), translated("tagging"):
        raise http(ResourceExistsError, 409, "FeatureNotYetSupportedForHierarchicalNamespaceAccounts")


def test_a_refusal_says_the_services_code_and_its_words() -> None:
    error = HttpResponseError(message="The tier cannot be set.\nRequestId: 1", response=None)
    error.status_code = 409
    setattr(error, "error_code", "InvalidBlobTier")  # noqa: B010
    with pytest.raises(StoreError) as caught, translated("reading"):
        raise error
    assert str(caught.value) == "reading: InvalidBlobTier (409): The tier cannot be set."


def test_no_name_gets_into_a_message() -> None:
    said = "HTTPConnectionPool(host='127.0.0.1', port=1): Max retries with url: /uploads/Jane%20Doe.jpg?sig=S (x)"
    with pytest.raises(Unavailable) as caught, translated("reading"):
        raise ServiceRequestError(said)
    assert "Jane" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


class WithoutRoles(BaseHTTPRequestHandler):
    """Cosmos DB that lets everybody ask about the account, and refuses the rest."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        here = f"http://{self.headers['Host']}/"
        account = {
            "id": "account",
            "writableLocations": [{"name": "here", "databaseAccountEndpoint": here}],
            "readableLocations": [{"name": "here", "databaseAccountEndpoint": here}],
            "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
        }
        refusal = {"code": "Forbidden", "message": "Request blocked by Auth account: the principal [0-0] lacks a role."}
        is_account = self.path == "/"
        data = json.dumps(account if is_account else refusal).encode()
        self.send_response(200 if is_account else 403)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_refusal_of_cosmos_names_the_container_and_what_to_do() -> None:
    with HTTPServer(("127.0.0.1", 0), WithoutRoles) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = CosmosClient(f"http://127.0.0.1:{server.server_port}", "a2V5", retry_total=0)
        items = CosmosItems(lambda: client.get_database_client("pictures").get_container_client("jobs"))
        for ask in (lambda: items.read("Jane Doe"), lambda: list(items.find("change"))):
            with pytest.raises(Unavailable) as refused:
                ask()
            said = str(refused.value)
            assert "(403): the Cosmos DB container jobs may not be used by this identity. Give it the role" in said
            assert "Jane" not in said
        server.shutdown()


def test_our_own_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), translated("reading"):
        raise ZeroDivisionError(SimpleNamespace())


SHARED = RuntimeError("OrderedDict mutated during iteration")
"""What azure-cosmos fails with when two threads use its client at once."""


def test_a_query_that_failed_for_a_shared_client_is_asked_again() -> None:
    answers: list[Exception | None] = [SHARED, SHARED, None]

    def query() -> Iterator[int]:
        if (error := answers.pop(0)) is not None:
            raise error
        yield from (1, 2)

    assert list(asked_again(query)) == [1, 2]


def test_what_was_found_is_not_found_twice_and_other_errors_are_not_hidden() -> None:
    asked = list[int]()

    def query(error: Exception, found: int) -> Iterator[int]:
        asked.append(found)
        yield from range(found)
        raise error

    for error, found in ((SHARED, 1), (SHARED, 0), (RuntimeError("another"), 0)):
        with pytest.raises(RuntimeError, match=str(error)):
            list(asked_again(lambda error=error, found=found: query(error, found)))  # type: ignore[misc]
    assert asked == [1, 0, 0, 0, 0]
    with pytest.raises(Unavailable, match="searching: another thread"), translated("searching"):
        raise SHARED
    with pytest.raises(RuntimeError, match="another"), translated("searching"):
        raise RuntimeError("another")
