"""The audit log: who did what, when, from where and with what result. It is only ever added to.

Accounts, keys and pictures stand in it as ids. An account's id follows from its email address, which nobody can read
from it once the account is gone, and who knows the address can compare. How long an entry is kept, with the network
address in it, is the container's own time to live (AUDIT_DAYS).
"""

import json
import logging
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from imagestore.accounts.tokens import Clock, now
from imagestore.decoding import convert
from imagestore.errors import StoreError
from imagestore.record import utc
from imagestore.store import Item, Items

log = logging.getLogger("imagestore.audit")
TYPE = "entry"
PAGE = 100
NOBODY = "nobody"
"""Who stands in the log for what somebody did, or tried, who had not signed in."""


@dataclass(frozen=True)
class Entry:
    """One thing that somebody did, or tried to do.

    `who` is an account, a key without one, or "nobody"; `by` the session or key that was used. `what` is an operation,
    such as `promote`, and `target` what it was done to. `result` is `done`, or why not: the HTTP status or an error's
    code. `before` and `after` hold what changed.
    """

    id: str
    at: str
    who: str
    by: str
    what: str
    target: str
    address: str
    result: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


class Audit:
    """The log. Reading raises Unavailable."""

    def __init__(self, items: Items, clock: Clock = now) -> None:
        self._items = items
        self._clock = clock

    def write(
        self,
        who: str,
        what: str,
        *,
        by: str = "",
        target: str = "",
        address: str = "",
        result: str = "done",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Add an entry. What was done stays done if Cosmos DB does not answer; then the process's log has the entry."""
        moment = self._clock()
        id = f"{moment:%Y%m%dT%H%M%S%f}-{secrets.token_hex(8)}"
        entry = Entry(id, utc(moment), who, by, what, target, address, result, dict(before or {}), dict(after or {}))
        document: dict[str, Any] = msgspec.to_builtins(entry)
        told = {"told": f"audit entry={id} what={what} who={who} by={by} result={result}"}  # ids, and nothing chosen
        try:
            self._items.create(document | {"type": TYPE})
        except StoreError as error:
            log.error("not in the audit log (%s): %s", error, json.dumps(document), extra=told)
        else:
            log.info("%s", json.dumps(document), extra=told)
        return entry

    def search(
        self,
        *,
        who: str | None = None,
        what: str | None = None,
        target: str | None = None,
        result: str | None = None,
        since: str | None = None,
        until: str | None = None,
        before: str | None = None,
        limit: int | None = PAGE,
    ) -> Iterator[Entry]:
        """Entries with these values, the newest first; `before` is the id of the last one of the page before."""
        given = {"who": who, "what": what, "target": target, "result": result}
        equal = {name: value for name, value in given.items() if value is not None}
        for item in self._items.find(TYPE, equal, since=since, until=until, before=before, limit=limit):
            yield _entry(item)


def _entry(item: Item) -> Entry:
    return convert(item.document, Entry)
