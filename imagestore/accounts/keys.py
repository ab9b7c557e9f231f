"""API keys of programs. A key is shown once; only a hash is kept."""

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from imagestore.accounts.people import checked_name
from imagestore.accounts.roles import Role
from imagestore.accounts.tokens import Clock, id_of, new_secret, now
from imagestore.errors import Conflict
from imagestore.record import utc
from imagestore.store import Item, Items

TYPE = "key"
PREFIX = "ims_"
"""Every key begins with it, so that whoever finds one in the wrong place knows what it is."""
SHOWN = len(PREFIX) + 6
DAYS = 365
MOST_DAYS = 3650
USED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class Key:
    """A key. `begins` are its first characters, by which a person tells it from others.

    `account` is its owner, None for one that the command line made. Several keys may have one name: the new one is
    handed out before the old one is revoked.
    """

    id: str
    name: str
    begins: str
    role: Role
    account: str | None
    created_at: str
    expires_at: str
    used_at: str | None = None


class Keys:
    """The keys. Every method raises Unavailable."""

    def __init__(self, items: Items, clock: Clock = now) -> None:
        self._items = items
        self._clock = clock

    def create(self, name: str, role: Role, account: str | None, days: int = DAYS) -> tuple[str, Key]:
        """Make a key. Returns it, which is shown once, and what is kept of it. Raises NotAccepted for a bad name."""
        secret = new_secret(PREFIX)
        moment = self._clock()
        lasts = timedelta(days=days)
        key = Key(
            id=id_of(TYPE, secret),
            name=checked_name(name),
            begins=secret[:SHOWN],
            role=role,
            account=account,
            created_at=utc(moment),
            expires_at=utc(moment + lasts),
        )
        self._items.create(_document(key) | {"ttl": int(lasts.total_seconds())})
        return secret, key

    def find(self, secret: str) -> Key | None:
        """The key that this is, None if it is none, was revoked or has expired. It is marked as used now."""
        return self._used(id_of(TYPE, secret)) if secret.startswith(PREFIX) else None

    def get(self, id: str) -> Key | None:
        """The key with this id, None if there is none or it has expired."""
        item = self._items.read(id)
        if item is None or item.document.get("type") != TYPE:
            return None
        key = _key(item)
        return key if key.expires_at > utc(self._clock()) else None

    def list(self, account: str | None = None) -> list[Key]:
        """The keys of an account, or all, the newest first."""
        found = [_key(item) for item in self._items.find(TYPE, {} if account is None else {"account": account})]
        moment = utc(self._clock())
        return sorted((key for key in found if key.expires_at > moment), key=lambda key: key.created_at)[::-1]

    def revoke(self, id: str) -> bool:
        """Make a key useless; False if there is none."""
        return self.get(id) is not None and self._items.delete(id)

    def revoke_all(self, account: str) -> int:
        """Make all keys of an account useless. Returns how many there were."""
        return sum(self._items.delete(item.id) for item in list(self._items.find(TYPE, {"account": account})))

    def _used(self, id: str) -> Key | None:
        item = self._items.read(id)
        if item is None:
            return None
        key, moment = _key(item), self._clock()
        if key.expires_at <= utc(moment):
            return None
        if key.used_at is None or key.used_at <= utc(moment - USED_EVERY):
            key = replace(key, used_at=utc(moment))
            left = int((datetime.fromisoformat(key.expires_at) - moment).total_seconds())
            with contextlib.suppress(Conflict):  # used by another request, or just revoked: the next look tells
                self._items.replace(_document(key) | {"ttl": max(1, left)}, item.etag)
        return key


def _key(item: Item) -> Key:
    return msgspec.convert(item.document, Key)


def _document(key: Key) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(key)
    return document | {"type": TYPE}
