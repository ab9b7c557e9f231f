"""Accounts: who there is, and with which role."""

import contextlib
import functools
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from imagestore.accounts.administrators import Administrators
from imagestore.accounts.email_address import UNSEEN, has_unseen, normalised
from imagestore.accounts.roles import Role
from imagestore.accounts.tokens import Clock, id_of, now
from imagestore.decoding import convert
from imagestore.errors import Conflict, NotAccepted, NotFound
from imagestore.record import utc
from imagestore.store import Item, Items

TYPE = "account"
LONGEST_NAME = 100
_TRIES = 8


@dataclass(frozen=True)
class Account:
    """A person. `password` is a hash, None for who signs in elsewhere; `issuer` and `subject` say where and as whom.

    Sessions that began before `sessions_from` are over. Once its deletion began, `is_leaving`: it stays disabled, since
    some of what belongs to it, such as the second factor, may be gone. Times are in UTC, ISO 8601.
    """

    id: str
    email: str
    name: str
    role: Role
    created_at: str
    password: str | None = field(default=None, repr=False)
    is_disabled: bool = False
    is_leaving: bool = False
    issuer: str | None = None
    subject: str | None = None
    sessions_from: str = ""
    signed_in_at: str | None = None

    @property
    def good_from(self) -> str:
        """When the earliest session began that is good. What is older than the account was another's with its id."""
        return max(self.created_at, self.sessions_from)


def checked_name(name: str) -> str:
    """A display name without spaces around it. Raises NotAccepted."""
    text = unicodedata.normalize("NFC", name.strip())
    if not 0 < len(text) <= LONGEST_NAME or has_unseen(text):
        raise NotAccepted(f"A name has 1 to {LONGEST_NAME} characters, each of which can be seen.")
    return text


@functools.cache
def name_pattern() -> str:
    """The rule of `checked_name` as a regular expression, for descriptions."""
    unseen = "".join(
        rf"\u{code:04x}" if code < 0x10000 else chr(code)
        for code in (*range(0x1E000), *range(0xE0000, 0xE0080))  # there are none elsewhere
        if unicodedata.category(chr(code)) in UNSEEN - {"Cs"}
    )
    return rf"^[^{unseen}]*[^{unseen}\s][^{unseen}]*$"


def account_id(email: str) -> str:
    """The id of the account with this email address and a password."""
    return id_of(TYPE, "email", email)


def federated_id(issuer: str, subject: str) -> str:
    """The id of the account of whom this OpenID issuer calls `subject`. An email address never joins two accounts."""
    return id_of(TYPE, "openid", issuer, subject)


class People:
    """The accounts. Every method raises Unavailable."""

    def __init__(self, items: Items, clock: Clock = now) -> None:
        self._items = items
        self._clock = clock
        self._administrators = Administrators(items)

    def get(self, id: str) -> Account | None:
        """The account with this id, None if there is none."""
        item = self._items.read(id)
        return None if item is None or item.document.get("type") != TYPE else _account(item)

    def find(self, email: str) -> Account | None:
        """The account with this email address and a password, None if there is none."""
        return self.get(account_id(email))

    def is_empty(self) -> bool:
        """Whether there is no account at all."""
        return next(self._items.find(TYPE, limit=1), None) is None

    def all(self) -> Iterator[Account]:
        """All accounts, in no order that means anything."""
        return map(_account, self._items.find(TYPE))

    def create(self, email: str, name: str, role: Role, password: str) -> Account:
        """Make an account with a password, of which the hash is given. Raises Conflict if the address has one."""
        address = normalised(email)
        return self._create(Account(account_id(address), address, checked_name(name), role, self._now(), password))

    def create_federated(self, issuer: str, subject: str, email: str, name: str, role: Role) -> Account:
        """Make the account of somebody who signs in elsewhere, with an email address if that is known.

        Raises Conflict if there is one already.
        """
        id, address = federated_id(issuer, subject), normalised(email) if email else ""
        return self._create(Account(id, address, checked_name(name), role, self._now(), issuer=issuer, subject=subject))

    def change(self, id: str, change: Callable[[Account], Account]) -> Account:
        """Change an account; `change` is called again where somebody else was faster. Returns it as it is now.

        Raises NotFound, Conflict (contended), or LastAdmin where no administrator would be left.
        """
        was_removed = False
        for _ in range(_TRIES):
            item = self._items.read(id)
            if item is None or item.document.get("type") != TYPE:
                raise NotFound("There is no such account.")
            before = _account(item)
            after = change(before)
            announced = self._administrators.announce(id) if _is_admin(after) else None
            if after == before and announced is None:
                return before
            if _is_admin(before) and not _is_admin(after):
                was_removed = True
                self._administrators.remove(id)
            try:
                self._items.replace(item.document | _document(after), item.etag)
            except Conflict:
                continue
            if announced is not None:
                self._administrators.confirm(id, announced)
            return after
        if was_removed:
            self._list_again(id)
        raise Conflict("Others keep changing this account. Try again.")

    def rename(self, id: str, name: str) -> Account:
        """Give an account another display name. Raises NotAccepted, or as `change` does."""
        shown = checked_name(name)
        return self.change(id, lambda account: replace(account, name=shown))

    def set_role(self, id: str, role: Role) -> Account:
        """Give an account another role. Raises as `change` does."""
        return self.change(id, lambda account: replace(account, role=role))

    def set_disabled(self, id: str, is_disabled: bool) -> Account:
        """Keep an account from signing in and end its sessions, or let it sign in again.

        Raises as `change` does, and Conflict for who would let in an account whose deletion has begun.
        """
        moment = self._now()

        def changed(account: Account) -> Account:
            if account.is_leaving and not is_disabled:
                raise Conflict(
                    "The deletion of this account began and broke off, so it cannot be enabled: what protected it may "
                    "be gone already. Delete it again, and invite its owner anew."
                )
            return replace(
                account, is_disabled=is_disabled, sessions_from=moment if is_disabled else account.sessions_from
            )

        return self.change(id, changed)

    def close(self, id: str) -> Account:
        """Disable an account for ever, as the first step of its deletion. Raises as `change` does."""
        moment = self._now()
        return self.change(
            id, lambda account: replace(account, is_disabled=True, is_leaving=True, sessions_from=moment)
        )

    def set_password(self, id: str, password: str) -> Account:
        """Set another password, of which the hash is given, and end all sessions. Raises as `change` does."""
        moment = self._now()
        return self.change(id, lambda account: replace(account, password=password, sessions_from=moment))

    def rehash(self, id: str, before: str, password: str) -> Account:
        """Keep another hash of the same password, if that was not changed meanwhile. Raises as `change` does."""
        return self.change(
            id, lambda account: replace(account, password=password) if account.password == before else account
        )

    def end_sessions(self, id: str) -> Account:
        """End all sessions that began before now. Raises as `change` does."""
        moment = self._now()
        return self.change(id, lambda account: replace(account, sessions_from=moment))

    def delete(self, id: str) -> None:
        """Delete an account. Raises as `change` does."""
        was_removed = False
        for _ in range(_TRIES):
            item = self._items.read(id)
            if item is None or item.document.get("type") != TYPE:
                raise NotFound("There is no such account.")
            if _is_admin(_account(item)):
                was_removed = True
                self._administrators.remove(id)
            with contextlib.suppress(Conflict):  # it was changed meanwhile, perhaps into an administrator's
                self._items.delete(id, item.etag)
                return
        if was_removed:
            self._list_again(id)
        raise Conflict("Others keep changing this account. Try again.")

    def _create(self, account: Account) -> Account:
        announced = self._administrators.announce(account.id) if _is_admin(account) else None
        try:
            self._items.create(_document(account))
        except Conflict:
            if announced is not None:  # it took the place of the announcement of whoever was faster
                self._list_again(account.id)
            raise Conflict("There is an account with this email address already.") from None
        if announced is not None:
            self._administrators.confirm(account.id, announced)
        return account

    def _list_again(self, id: str) -> None:
        """See to it that an account is on the list of administrators if it is an administrator's."""
        with contextlib.suppress(NotFound, Conflict):
            self.change(id, lambda account: account)

    def _now(self) -> str:
        moment: datetime = self._clock()
        return utc(moment)


def _is_admin(account: Account) -> bool:
    return account.role is Role.ADMIN and not account.is_disabled


def _account(item: Item) -> Account:
    return convert(item.document, Account)


def _document(account: Account) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(account)
    return document | {"type": TYPE}
