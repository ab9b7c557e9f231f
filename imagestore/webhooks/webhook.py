"""A webhook as it is kept in the container `jobs`: where events go, which ones, and the secret that signs them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import msgspec

from imagestore.decoding import convert
from imagestore.errors import NotAWebhook
from imagestore.record import Record
from imagestore.store import Item

TYPE = "webhook"
LONGEST_URL = 1000
LONGEST_NAME = 80


class EventType(StrEnum):
    """What a webhook can be told of. `updated`: a record was written again and none of the others holds, as when a
    correction is taken back."""

    CLASSIFIED = "imagestore.picture.classified"
    UNKNOWN = "imagestore.picture.unknown"
    REJECTED = "imagestore.picture.rejected"
    FAILED = "imagestore.picture.failed"
    CORRECTED = "imagestore.picture.corrected"
    UPDATED = "imagestore.picture.updated"
    DELETED = "imagestore.picture.deleted"
    PROMOTED = "imagestore.model.promoted"


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A webhook. Of pictures it is told whose names begin with `prefix` and which belong to `project`, if there is one;
    of models, those of the project.

    `since` is when it was registered or last turned on: it is told of nothing earlier. `source` is that of its events.
    `off` says why nothing is sent; None: it is on. `is_removed`: it is to go, with its deliveries. Times are UTC.
    """

    id: str
    url: str
    events: tuple[EventType, ...]
    by: str
    created_at: str
    since: str
    source: str
    sealed: str = field(repr=False)
    name: str = ""
    prefix: str = ""
    project: str | None = None
    off: str | None = None
    is_removed: bool = False

    @property
    def is_on(self) -> bool:
        """Whether events are sent."""
        return self.off is None and not self.is_removed

    @property
    def bound(self) -> str:
        """What the secret is sealed for: it is of no use for another webhook or address."""
        return f"webhook\n{self.id}\n{self.url}"

    def wants(self, event: EventType, record: Record) -> bool:
        """Whether it is to be told of this event of a picture."""
        is_project = self.project is None or record.project == self.project
        return event in self.events and is_project and record.name.startswith(self.prefix)

    def document(self) -> dict[str, Any]:
        """The webhook as it is stored."""
        written: dict[str, Any] = msgspec.to_builtins(self)
        return written | {"type": TYPE}


def webhook_of(item: Item | None) -> Webhook | None:
    """The webhook in this document; None if there is none that this version can read."""
    if item is None or item.document.get("type") != TYPE:
        return None
    try:
        return convert(item.document, Webhook)
    except msgspec.ValidationError:
        return None


def checked_url(url: str, hosts: tuple[str, ...] = ()) -> str:
    """The address, if events may be sent there: https, or http to one of `hosts` (WEBHOOK_HOSTS).

    Raises NotAWebhook.
    """
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise NotAWebhook(f"'{url[:100]}' is no address.") from None
    if len(url) > LONGEST_URL:
        raise NotAWebhook(f"The address has {len(url):,} characters; the limit is {LONGEST_URL:,}.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or not host:
        raise NotAWebhook(f"'{url[:100]}' is no address such as https://example.org/pictures.")
    if parts.username is not None or parts.fragment:
        raise NotAWebhook("The address holds a user's name or a part after '#', which is not sent. Leave it out.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in hosts):
        raise NotAWebhook(
            f"'{url[:100]}' does not begin with https://. Events hold names and labels, so they are sent encrypted; "
            "http:// is for hosts that WEBHOOK_HOSTS names."
        )
    return url
