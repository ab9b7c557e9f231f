"""Event Grid's events about blobs (https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage)."""

import re
from collections.abc import Mapping
from typing import Any

from imagestore.record import can_be_stored, stored_name

CREATED, DELETED = "Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted"
_SUBJECT = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<name>.+)", re.DOTALL)


def changed_blob(event: Mapping[str, Any], kind: str, container: str) -> str | None:
    """The name of the blob in `container` that this event is about; None if it is another kind of event, another
    container's, or names what can be no blob.

    `kind` is CREATED or DELETED.
    """
    if event.get("eventType") != kind:
        return None
    found = _SUBJECT.fullmatch(str(event.get("subject")))
    if found is None or found["container"] != container or not can_be_stored(found["name"]):
        return None
    return stored_name(found["name"])
