"""What lets somebody in once: invitations to an account, leave to set another password, and leave to give a code."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec

from imagestore.accounts.roles import Role
from imagestore.accounts.tokens import Clock, id_of, new_secret, now
from imagestore.decoding import convert
from imagestore.errors import Conflict, LinkRefused
from imagestore.record import utc
from imagestore.store import Items

TYPE = "link"


class Purpose(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RESET = "reset"
    CODE = "code"


LASTS = {Purpose.INVITATION: timedelta(days=7), Purpose.RESET: timedelta(hours=24), Purpose.CODE: timedelta(minutes=10)}
_REFUSED = "This link was used already, has expired, or was never valid. Ask an administrator for another one."


@dataclass(frozen=True)
class Link:
    """A link that was made and not used.

    An invitation gives `role` to whoever uses it, with the email address `email`, or with any where that is None (the
    first administrator's). A reset is for the account `account`, and so is a code: the password was right, and the
    second factor is asked for. No address holds that one.
    """

    id: str
    purpose: Purpose
    by: str
    created_at: str
    expires_at: str
    role: Role | None = None
    email: str | None = None
    account: str | None = None


class Links:
    """The links. Every method raises Unavailable."""

    def __init__(self, items: Items, clock: Clock = now) -> None:
        self._items = items
        self._clock = clock

    def invite(self, role: Role, email: str | None, by: str) -> tuple[str, Link]:
        """Make an invitation. Returns its token, which is shown once, and what is kept of it."""
        return self._make(Purpose.INVITATION, by, role=role, email=email)

    def allow_reset(self, account: str, by: str, lasts: timedelta = LASTS[Purpose.RESET]) -> tuple[str, Link]:
        """Let whoever has the link set another password for this account. Returns its token, and what is kept of it."""
        return self._make(Purpose.RESET, by, account=account, lasts=lasts)

    def allow_code(self, account: str) -> str:
        """Let whoever has what is returned sign in to this account with its second factor alone."""
        return self._make(Purpose.CODE, account, account=account)[0]

    def look(self, purpose: Purpose, token: str) -> Link:
        """The link with this token, which stays usable. Raises LinkRefused."""
        item = self._items.read(id_of(TYPE, token))
        link = None if item is None else convert(item.document, Link)
        if link is None or link.purpose is not purpose or link.expires_at <= utc(self._clock()):
            raise LinkRefused(_REFUSED)
        return link

    def use(self, purpose: Purpose, token: str) -> Link:
        """Use the link up: of all who try at once, one succeeds. Raises LinkRefused."""
        id = id_of(TYPE, token)
        item = self._items.read(id)
        link = self.look(purpose, token)
        try:
            if item is None or not self._items.delete(id, item.etag):
                raise LinkRefused(_REFUSED)
        except Conflict:
            raise LinkRefused(_REFUSED) from None
        return link

    def list(self) -> list[Link]:
        """The links that can still be used, the newest first."""
        moment = utc(self._clock())
        links = [convert(item.document, Link) for item in self._items.find(TYPE)]
        return sorted((link for link in links if link.expires_at > moment), key=lambda link: link.created_at)[::-1]

    def revoke(self, id: str) -> bool:
        """Take a link back by its id; False if there is none."""
        item = self._items.read(id)
        return item is not None and item.document.get("type") == TYPE and self._items.delete(id)

    def revoke_for(self, account: str) -> None:
        """Take back all links with which this account's password could be set, or somebody could sign in to it."""
        for item in list(self._items.find(TYPE, {"account": account})):
            self._items.delete(item.id)

    def revoke_invitations(self, email: str) -> None:
        """Take back all invitations that were made for this email address."""
        for item in list(self._items.find(TYPE, {"email": email})):
            self._items.delete(item.id)

    def _make(
        self,
        purpose: Purpose,
        by: str,
        role: Role | None = None,
        email: str | None = None,
        account: str | None = None,
        lasts: timedelta | None = None,
    ) -> tuple[str, Link]:
        token = new_secret()
        moment = self._clock()
        lasts = lasts or LASTS[purpose]
        expires_at = utc(moment + lasts)
        link = Link(id_of(TYPE, token), purpose, by, utc(moment), expires_at, role, email, account)
        document: dict[str, Any] = msgspec.to_builtins(link)
        self._items.create(document | {"type": TYPE, "ttl": int(lasts.total_seconds())})
        return token, link
