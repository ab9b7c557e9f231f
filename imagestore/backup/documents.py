"""Which documents of Cosmos DB belong into a backup, and how they come back.

Left out is what ends by itself or is somebody's to do again: sessions, one-time links, counts of attempts and of what
is kept, answers that are kept for a day, runners, jobs and changes of many pictures that are not finished, webhooks,
whose secrets nobody could open, and what is sent to them. A secret is
never in a backup: of a second factor the secret that the app on a phone shares with us is left out. The factor itself
comes back with another secret, so that the account is not open to whoever knows the password alone; its recovery codes,
of which only hashes are kept, are good as before.
"""

import base64
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Any

from imagestore.backup.format import DocumentLine
from imagestore.errors import Conflict
from imagestore.store import Item, Items

LEFT_OUT = {
    "session", "link", "attempts", "idempotency", "runner", "holdings", "webhook", "webhook_feed", "webhook_delivery",
}  # fmt: skip
"""Types of documents that are not in a backup."""
_FACTOR, _SECRET = "factor", "secret"
_ADMINS = "admins"
"""The list of the administrators, which is one document: see accounts/administrators.py."""
_OPEN_CHANGES = {"applying", "undoing"}


class Came(StrEnum):
    """What became of a document."""

    RESTORED = "restored"
    SAME = "same"
    DIFFERS = "differs"
    EXPIRED = "expired"


def kept_documents(what: str, items: Iterable[Item]) -> Iterator[Item]:
    """Those of the documents that belong into a backup, without secrets."""
    if what == "audit":
        yield from items
        return
    if what == "accounts":
        kept = [_without_secret(item) for item in items if item.document.get("type") not in LEFT_OUT]
        yield from sorted(kept, key=lambda item: item.id == _ADMINS)  # who is on the list is to be there before it
        return
    every = [item for item in items if item.document.get("type") not in LEFT_OUT]
    open_changes = {item.id for item in every if item.document.get("state") in _OPEN_CHANGES}
    for item in every:
        is_open = item.document.get("is_open") == "yes" or item.id in open_changes
        if not is_open and item.document.get("change") not in open_changes:
            yield item


def restore_document(
    items: Items, line: DocumentLine, *, default_ttl_s: int | None, overwrite: bool, dry_run: bool = False
) -> Came:
    """Write a document that is missing, and with `overwrite` one that differs, to expire when it would have expired.

    A second factor that is there stays, and administrators are added to those that are there. Raises Unavailable.
    """
    document = _with_secret(line.document)
    ttl = document.get("ttl", default_ttl_s)
    if ttl is not None and ttl > 0:
        left = line.written_at + int(ttl) - int(time.time())
        if left <= 0:
            return Came.EXPIRED
        document["ttl"] = left
    while True:
        there = items.read(str(document["id"]))
        if there is not None and there.id == _ADMINS:
            document = there.document | {"admins": sorted({*there.document["admins"], *line.document["admins"]})}
        if there is not None and _facts(there.document) == _facts(document):
            return Came.SAME
        is_kept = not overwrite or document.get("type") == _FACTOR
        if there is not None and there.id != _ADMINS and is_kept:
            return Came.DIFFERS
        if dry_run:
            return Came.RESTORED
        try:
            items.create(document) if there is None else items.replace(document, there.etag)
        except Conflict:
            continue
        return Came.RESTORED


def _without_secret(item: Item) -> Item:
    if item.document.get("type") != _FACTOR:
        return item
    return replace(item, document={key: value for key, value in item.document.items() if key != _SECRET})


def _with_secret(document: dict[str, Any]) -> dict[str, Any]:
    """The document, and where it is a second factor with a secret that nobody knows."""
    if document.get("type") != _FACTOR:
        return dict(document)
    return document | {_SECRET: base64.b32encode(secrets.token_bytes(20)).decode()}


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    is_factor = document.get("type") == _FACTOR
    return {key: value for key, value in document.items() if key != "ttl" and not (is_factor and key == _SECRET)}
