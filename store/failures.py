"""Turns what the Azure SDKs raise into Missing, Conflict or Away."""

import contextlib
import re
from collections.abc import Iterator

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from errors import Away, Conflict, Missing, StoreError

_ADDRESS = re.compile(r"(with )?url: \S+")
"""Addresses hold names, and names hold people's names: errors go into logs."""
_OVERTAKEN = {"InvalidBlockList"}
"""Another writer of the same blob committed first, which drops all blocks that wait."""
_NOT_SET_UP = {"ContainerNotFound", "QueueNotFound", "AccountNotFound"}


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """`what` says in a few words what was tried, without any name a user chose.

    The SDK's own error is not chained: its address holds such names, and a traceback would carry them into the log.
    """
    try:
        yield
    except AzureError as error:
        status = error.status_code if isinstance(error, HttpResponseError) else None
        code = str(getattr(error, "error_code", "") or "")
        said = f"{what}: {code or type(error).__name__}{f' ({status})' if status else ''}"
        if isinstance(error, ResourceNotFoundError) and code not in _NOT_SET_UP:
            raise Missing(said) from None
        if isinstance(error, ResourceExistsError | ResourceModifiedError) or status in (409, 412) or code in _OVERTAKEN:
            raise Conflict(said) from None
        if status == 400:
            raise StoreError(f"{said}: {str(error).splitlines()[0][:200]}") from None
        detail = "" if status else ": " + _ADDRESS.sub("", str(error).splitlines()[0])[:200]
        raise Away(said + detail) from None
