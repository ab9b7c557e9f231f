"""How often somebody may try to sign in.

The counts are in Cosmos DB, so that they hold over all instances and over restarts. An attempt is counted before it is
made, and so of many at once no more get through than one after the other. Sign-in alone costs these writes.
"""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from imagestore.accounts.tokens import Clock, id_of, now
from imagestore.errors import Conflict, TooManyAttempts
from imagestore.record import utc
from imagestore.store import Items

TYPE = "attempts"
_TRIES = 10


@dataclass(frozen=True)
class Limit:
    """So many attempts within this time."""

    name: str
    most: int
    within: timedelta


PAIR = Limit("account and address", 5, timedelta(minutes=15))
"""For one account from one address: who mistypes is slowed down, and nobody elsewhere is kept out."""
ADDRESS = Limit("address", 50, timedelta(minutes=15))
"""From one address, for whichever accounts."""
ACCOUNT = Limit("account", 100, timedelta(hours=1))
"""For one account from all addresses. High, since others can use it up."""
CODE = Limit("code", 20, timedelta(hours=1))
"""For the one-time codes of one account, from all addresses: who tries one knows the password already."""

MAIL = Limit("mail", 3, timedelta(hours=1))
"""For mail to one address, whoever asks for it: nobody's mailbox is filled."""


def network(address: str) -> str:
    """What attempts from a network address are counted under: of IPv6 its /64, since a subscriber has that at least.

    IPv4 addresses written as IPv6 ones count as themselves, and so does what is no address.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))


def from_address(address: str) -> tuple[Limit, str]:
    """What is counted of an attempt from this network address, for whichever account."""
    return ADDRESS, network(address)


def for_account(id: str, address: str) -> tuple[Limit, str]:
    """What is counted of an attempt for this account from this network address."""
    return PAIR, f"{id} {network(address)}"


class Attempts:
    """Counts attempts. Every method raises Unavailable."""

    def __init__(self, items: Items, clock: Clock = now) -> None:
        self._items = items
        self._clock = clock

    def begin(self, counted: Sequence[tuple[Limit, str]]) -> None:
        """Count an attempt under each limit for what it is of. Raises TooManyAttempts."""
        for limit, of in counted:
            self._count(limit, of)

    def forget(self, limit: Limit, of: str) -> None:
        """Begin the count anew: the attempt succeeded."""
        self._items.delete(_id(limit, of))

    def _count(self, limit: Limit, of: str) -> None:
        id, moment = _id(limit, of), self._clock()
        for _ in range(_TRIES):
            item = self._items.read(id)
            until = utc(moment + limit.within)
            try:
                if item is None or item.document["until"] <= utc(moment):
                    begun = {
                        "id": id,
                        "type": TYPE,
                        "count": 1,
                        "until": until,
                        "ttl": int(limit.within.total_seconds()),
                    }
                    _ = self._items.create(begun) if item is None else self._items.replace(begun, item.etag)
                    return
                if item.document["count"] >= limit.most:
                    left = math.ceil((datetime.fromisoformat(item.document["until"]) - moment).total_seconds())
                    raise TooManyAttempts(_said(left), left)
                counted = item.document | {"count": item.document["count"] + 1}
                self._items.replace(counted, item.etag)
                return
            except Conflict:
                continue
        raise TooManyAttempts(_said(1), 1)


def _id(limit: Limit, of: str) -> str:
    return id_of(TYPE, limit.name, of)


def _said(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"There were too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
