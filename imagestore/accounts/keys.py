"""API keys of programs. A key is shown once; only a hash is kept.

A key that was made with another key (`made_with`) may do no more than that one, lasts no longer, and ends with it. So
whoever stole a key has nothing left once it is revoked, whatever they made with it.
"""

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from imagestore.accounts.people import checked_name
from imagestore.accounts.roles import Role, lower
from imagestore.accounts.tokens import Clock, id_of, new_secret, now
from imagestore.decoding import convert
from imagestore.errors import Conflict, NotFound
from imagestore.record import utc
from imagestore.store import Item, Items

TYPE = "key"
PREFIX = "ims_"
"""Every key begins with it, so that whoever finds one in the wrong place knows what it is."""
SHOWN = len(PREFIX) + 6
DAYS = 365
MOST_DAYS = 3650
USED_EVERY = timedelta(minutes=5)
_TRIES = 8


@dataclass(frozen=True)
class Key:
    """A key. `begins` are its first characters, by which a person tells it from others.

    `account` is its owner, None for one that the command line made. Several keys may have one name: the new one is
    handed out before the old one is revoked. With `projects` it is good for these alone, and for what programs ask of
    projects (imagestore/web/rules.py). `made_with` is the id of the key with which this one was made, None where
    a person or the command line on the stores made it.
    """

    id: str
    name: str
    begins: str
    role: Role
    account: str | None
    created_at: str
    expires_at: str
    used_at: str | None = None
    made_with: str | None = None
    projects: tuple[str, ...] | None = None


class Keys:
    """The keys. Every method raises Unavailable."""

    def __init__(self, items: Items, clock: Clock = now) -> None:
        self._items = items
        self._clock = clock

    def create(
        self,
        name: str,
        role: Role,
        account: str | None,
        days: int = DAYS,
        made_with: Key | None = None,
        projects: tuple[str, ...] | None = None,
    ) -> tuple[str, Key]:
        """Make a key, with `projects` for these alone. Returns it, which is shown once, and what is kept of it.

        One that is made with another key has that key's role and end at most. Raises NotAccepted for a bad name, and
        NotFound if the key that it is made with has just ended.
        """
        secret = new_secret(PREFIX)
        moment = self._clock()
        expires_at = utc(moment + timedelta(days=days))
        key = Key(
            id=id_of(TYPE, secret),
            name=checked_name(name),
            begins=secret[:SHOWN],
            role=role if made_with is None else lower(role, made_with.role),
            account=account,
            created_at=utc(moment),
            expires_at=expires_at if made_with is None else min(expires_at, made_with.expires_at),
            made_with=None if made_with is None else made_with.id,
            projects=projects,
        )
        self._items.create(_document(key, moment))
        if made_with is not None and self.get(made_with.id) is None:  # revoked while this was going on
            self._items.delete(key.id)
            raise NotFound("The key that this is made with is not good any more.")
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

    def revoke(self, id: str, by: str = "") -> tuple[str, ...]:
        """Make a key useless, with all that were made with it. Returns their ids, none if there is no such key.

        `by` is the key that asks for it, if one does: where that was made with this one, it is its successor and stays.
        """
        key = self.get(id)
        return () if key is None else self._end(key, by, key.made_with)

    def revoke_all(self, account: str) -> None:
        """Make all keys of an account useless, and those that were made with them."""
        for item in list(self._items.find(TYPE, {"account": account})):
            self._end(_key(item), "", None)

    def _used(self, id: str) -> Key | None:
        item = self._items.read(id)
        if item is None:
            return None
        key, moment = _key(item), self._clock()
        if key.expires_at <= utc(moment):
            return None
        if key.used_at is None or key.used_at <= utc(moment - USED_EVERY):
            key = replace(key, used_at=utc(moment))
            with contextlib.suppress(Conflict):  # used by another request, or just revoked: the next look tells
                self._items.replace(_document(key, moment), item.etag)
        return key

    def _end(self, key: Key, by: str, heir_of: str | None) -> tuple[str, ...]:
        """Delete a key and those made with it; the key `by` among them is then as if made with `heir_of`."""
        before = self._end_those_made_with(key, by, heir_of)
        own = (key.id,) if self._items.delete(key.id) else ()
        return own + before + self._end_those_made_with(key, by, heir_of)  # some may have been made meanwhile

    def _end_those_made_with(self, key: Key, by: str, heir_of: str | None) -> tuple[str, ...]:
        ended: tuple[str, ...] = ()
        for made in [_key(item) for item in self._items.find(TYPE, {"made_with": key.id})]:
            if made.id == by:
                self._inherit(made.id, heir_of)
            else:
                ended += self._end(made, by, heir_of)
        return ended

    def _inherit(self, id: str, made_with: str | None) -> None:
        for _ in range(_TRIES):
            item = self._items.read(id)
            if item is None:
                return
            with contextlib.suppress(Conflict):  # it was used at this moment
                self._items.replace(_document(replace(_key(item), made_with=made_with), self._clock()), item.etag)
                return
        raise Conflict("This key is in use all the time. Try again.")


def _key(item: Item) -> Key:
    return convert(item.document, Key)


def _document(key: Key, moment: datetime) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(key)
    left = int((datetime.fromisoformat(key.expires_at) - moment).total_seconds())
    return document | {"type": TYPE, "ttl": max(1, left)}
