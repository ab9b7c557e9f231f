"""What is asked about the set-up of the services: does a thing exist, may we use it, is it as the code needs it?

Unlike the rest of the store it tells the kinds of refusal apart, since each has its own remedy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from imagestore.errors import Refusal, ServiceRefused
from imagestore.store.connect import IMAGES, INDEXING, Stores
from imagestore.store.failures import NO_TAGS, first_line

_NOT_THERE = {"ContainerNotFound", "QueueNotFound", "ResourceNotFound", "NotFound"}
_PROBE = "imagestore-doctor"


@dataclass(frozen=True)
class ContainerFacts:
    """Properties of a blob container; `service_time` is the service's clock (UTC) when it answered."""

    is_public: bool
    service_time: datetime | None


def has_hierarchical_namespace(stores: Stores) -> bool:
    """Whether the account has a hierarchical namespace, and so no index tags.

    Raises ServiceRefused, always so if the identity has roles for data alone.
    """
    return bool(_asked(stores.blob_service.get_account_information).get("is_hns_enabled"))


def look_at_container(stores: Stores, name: str) -> ContainerFacts:
    """Ask for a blob container's properties. Raises ServiceRefused."""
    headers: dict[str, str] = {}
    client = stores.blob_service.get_container_client(name)
    found = _asked(lambda: client.get_container_properties(raw_response_hook=_keep_headers(headers)))
    date = headers.get("date")
    return ContainerFacts(bool(found.public_access), parsedate_to_datetime(date).astimezone(UTC) if date else None)


def write_probe(stores: Stores, container: str) -> bool:
    """Write, tag and delete a small blob. Returns whether the account keeps versions of what is overwritten.

    Raises ServiceRefused.
    """
    client = stores.blob_service.get_blob_client(container, _PROBE)
    written: Mapping[str, Any] = _asked(lambda: client.upload_blob(b"", overwrite=True))
    try:
        _asked(lambda: client.set_blob_tags({"status": "probe"}))
    finally:
        _asked(client.delete_blob)
    return bool(written.get("version_id"))


def look_at_queue(stores: Stores, name: str) -> int:
    """About how many messages a queue holds. Raises ServiceRefused."""
    found = _asked(stores.queue_service.get_queue_client(name).get_queue_properties)
    return int(found.approximate_message_count or 0)


def look_at_items(stores: Stores, container: str) -> Mapping[str, Any]:
    """The properties of a Cosmos DB container, as the service names them. Raises ServiceRefused."""
    name = stores.names.database
    found: Mapping[str, Any] = _asked(
        lambda: stores.cosmos_service.get_database_client(name).get_container_client(container).read()
    )
    return found


class SetUp(NamedTuple):
    """How the container of records differs from what the code needs, a sentence each; and whether it indexes more than
    that, which does no harm but costs request units at each write."""

    differences: list[str]
    is_dear: bool = False


def set_up_of_records(stores: Stores) -> SetUp:
    """How the container of records is set up. Raises ServiceRefused."""
    found = look_at_items(stores, IMAGES)
    differences = []
    paths = found.get("partitionKey", {}).get("paths")
    if paths != ["/id"]:
        differences.append(f"its partition key is {paths}; it must be ['/id']")
    if found.get("defaultTtl") != -1:
        differences.append(
            f"its time to live is {found.get('defaultTtl', 'off')}; it must be on without a default (-1)"
        )
    policy = found.get("indexingPolicy", {})
    if not _covers(policy):
        differences.append("its indexing policy lacks some of imagestore/store/indexing.json")
    return SetUp(differences, _paths(policy, "includedPaths") > _paths(INDEXING, "includedPaths") or _has_all(policy))


def _covers(policy: Mapping[str, Any]) -> bool:
    """Whether a policy indexes all that the code asks for, and in the orders in which it asks."""
    wanted = _paths(INDEXING, "includedPaths")
    has_paths = wanted <= _paths(policy, "includedPaths") or (
        _has_all(policy) and not wanted & _paths(policy, "excludedPaths")
    )
    return has_paths and _composites(INDEXING) <= _composites(policy)


def _has_all(policy: Mapping[str, Any]) -> bool:
    return "/*" in _paths(policy, "includedPaths")


def _paths(policy: Mapping[str, Any], kind: str) -> set[str]:
    return {entry["path"] for entry in policy.get(kind, ())}


def _composites(policy: Mapping[str, Any]) -> set[tuple[tuple[str, str], ...]]:
    return {
        tuple((part["path"], part.get("order", "ascending")) for part in index)
        for index in policy.get("compositeIndexes", ())
    }


def _keep_headers(headers: dict[str, str]) -> Callable[[Any], None]:
    def keep(response: Any) -> None:
        headers.update({name.lower(): value for name, value in response.http_response.headers.items()})

    return keep


def _asked(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except AzureError as error:
        raise ServiceRefused(_refusal(error), first_line(error) or type(error).__name__) from None


def _refusal(error: AzureError) -> Refusal:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    code = str(getattr(getattr(error, "error_code", None), "value", getattr(error, "error_code", None)) or "")
    if code in NO_TAGS:
        return Refusal.NO_TAGS
    if code in _NOT_THERE or status == 404:
        return Refusal.NOT_THERE
    if isinstance(error, ClientAuthenticationError) or status == 401 or code == "AuthenticationFailed":
        return Refusal.NOT_SIGNED_IN
    return Refusal.FORBIDDEN if status == 403 else Refusal.UNREACHABLE
