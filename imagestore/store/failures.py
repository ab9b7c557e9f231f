"""Turns what the Azure SDKs raise into the errors of imagestore/errors.py.

The service's error code decides, not the HTTP status: Azure answers 409 and 412 if another writer was first, but also
if a blob is leased, archived or immutable. The codes are those of
https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TypeVar

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from imagestore import telemetry
from imagestore.errors import (
    BlobArchived,
    BlobImmutable,
    BlobLeased,
    Conflict,
    NotFound,
    Protected,
    StoreError,
    Unavailable,
)
from imagestore.telemetry import signals

Found = TypeVar("Found")
_ASKED_TOO_MUCH = {429, 503}
_ADDRESS = re.compile(r"(with )?url: \S+")
"""Addresses hold the names of pictures, which may be personal, and errors are logged."""
_COSMOS_CONTAINER = re.compile("/dbs/[^/]+/colls/([^/?]+)")
CONFLICTS = {
    "ConditionNotMet", "TargetConditionNotMet", "BlobAlreadyExists", "ContainerAlreadyExists", "QueueAlreadyExists",
    "ResourceAlreadyExists", "InvalidBlockList",
}  # fmt: skip
"""Another writer was first. InvalidBlockList: it committed the same blob, which drops all uncommitted blocks."""
_NOT_SET_UP = {"ContainerNotFound", "QueueNotFound", "AccountNotFound", "ResourceTypeNotFound"}
_BUSY = {
    "ContainerBeingDeleted", "ContainerDisabled", "QueueBeingDeleted", "QueueDisabled", "PendingCopyOperation",
    "BlobBeingRehydrated", "SystemInUse", "AccountBeingCreated", "OperationTimedOut",
}  # fmt: skip
"""Answers with 409 that reading again does not help: as with a service that is down, only time does."""
_PROTECTED: dict[type[Protected], tuple[str, set[str]]] = {
    BlobLeased: (
        "another program holds a lease on the blob, which must end first",
        {
            "LeaseIdMissing", "LeaseIdMismatchWithBlobOperation", "LeaseIdMismatchWithContainerOperation", "LeaseLost",
            "LeaseAlreadyPresent", "LeaseNotPresentWithBlobOperation",
        },
    ),
    BlobArchived: (
        "the blob is in the archive tier; move it to another tier, which takes Azure hours, and try it again",
        {"BlobArchived"},
    ),
    BlobImmutable: (
        "a legal hold or an immutability policy keeps the blob as it is",
        {
            "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "ContainerHasLegalHold",
            "ContainerImmutabilityPolicyLocked",
        },
    ),
}  # fmt: skip
NO_TAGS = {
    "BlobTagsNotSupportedForAccountType",
    "FeatureNotSupportedForAccount",
    "FeatureNotYetSupportedForHierarchicalNamespaceAccounts",
}
"""Answers, most of them with 409, of an account whose blobs have no index tags."""
_REFUSED = {400, 405, 411, 413, 414, 415, 416}
"""The request itself is wrong: sending it again gets the same answer."""


_SHARED = re.compile("mutated during iteration|changed size during iteration")
"""azure-cosmos 4.17.1 keeps the headers of the last answer on its client, where each thread that uses it writes to
them, while another may be copying them."""
_TRIES = 3


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise one of our errors for any error of the Azure SDKs that the `with` block raises.

    `what` says in a few words what was tried, without any name that a user chose. The SDK's own error is not chained:
    its address holds such names, and a traceback would bring them into the log.
    """
    try:
        yield
    except AzureError as error:
        raise _translation(what, error) from None
    except RuntimeError as error:
        if not _SHARED.search(str(error)):
            raise
        raise Unavailable(f"{what}: another thread used the client at that moment") from None


def asked_again(query: Callable[[], Iterable[Found]]) -> Iterator[Found]:
    """What a query finds. It is asked again if the client fails for being shared before there was anything."""
    for tries_left in reversed(range(_TRIES)):
        has_begun = False
        try:
            for found in query():
                has_begun = True
                yield found
            return
        except RuntimeError as error:
            if has_begun or not tries_left or not _SHARED.search(str(error)):
                raise


def _translation(what: str, error: AzureError) -> StoreError:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status in _ASKED_TOO_MUCH:
        service = "cosmos" if _is_of_cosmos(error) else "storage"
        telemetry.measure(signals.REFUSALS, service=service, http_status=status)
    code = str(getattr(getattr(error, "error_code", None), "value", getattr(error, "error_code", None)) or "")
    message = f"{what}: {code or type(error).__name__}{f' ({status})' if status else ''}"
    for kind, (reason, codes) in _PROTECTED.items():
        if code in codes:
            return kind(f"{message}: {reason}.")
    if code in NO_TAGS:
        return StoreError(f"{message}: this account has no index tags. Use one without hierarchical namespace.")
    if code in _NOT_SET_UP or code in _BUSY:
        return Unavailable(message)
    if isinstance(error, ResourceNotFoundError):
        return NotFound(message)
    is_conflict = isinstance(error, ResourceExistsError | ResourceModifiedError) or status in (409, 412)
    if code in CONFLICTS or (is_conflict and not code):  # Cosmos DB gives no code
        return Conflict(message)
    if is_conflict or status in _REFUSED:
        return StoreError(f"{message}: {first_line(error)}")
    if status == HTTPStatus.FORBIDDEN and _is_of_cosmos(error):
        return Unavailable(f"{message}: {_cosmos_refusal(error)}")
    return Unavailable(message if status else f"{message}: {_ADDRESS.sub('', first_line(error))}")


def _is_of_cosmos(error: AzureError) -> bool:
    return type(error).__module__.startswith("azure.cosmos")


def _cosmos_refusal(error: AzureError) -> str:
    """What Cosmos DB refuses, by the address that was asked, and what to do."""
    request = getattr(getattr(error, "response", None), "request", None)
    found = _COSMOS_CONTAINER.search(str(getattr(request, "url", "")))
    refused, of = (f"container {found[1]}", f"on {found[1]}") if found else ("account", "on the account")
    return (
        f"the Cosmos DB {refused} may not be used by this identity. Give it the role {of} that docs/azure.md lists, as "
        "infra/ does (a new role takes up to ten minutes), or let it through the account's firewall."
    )


def first_line(error: AzureError) -> str:
    """The first line of the error's message, at most 200 characters."""
    return next(iter(str(error).splitlines()), "")[:200]
