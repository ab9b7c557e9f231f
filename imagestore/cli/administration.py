"""What the commands `accounts` and `keys` ask for: of the stores themselves, or of a distant web app.

A `Client` is the latter as it stands. Over the stores the audit log names the command line, and the user of the
machine.
"""

import os
from typing import Any, Protocol
from urllib.parse import urlencode

from imagestore.accounts.audit import Audit
from imagestore.accounts.email_address import normalised
from imagestore.accounts.keys import DAYS, Key, Keys
from imagestore.accounts.links import Link, Links
from imagestore.accounts.people import Account, People
from imagestore.accounts.roles import Role
from imagestore.accounts.second_factor import SecondFactors
from imagestore.cli import servers, stores
from imagestore.cli.instance import client_of
from imagestore.client import AccountInfo, NewKey, OneTimeLink
from imagestore.errors import Conflict, DeletionUnfinished, MissingPrerequisite, NotFound
from imagestore.settings import account
from imagestore.store import Stores

COMMAND_LINE = "command-line"
"""Who stands in the audit log for what the command line did; `by` is the user of the machine."""
LOCAL_ADDRESS = "http://localhost:8000"


class Administration(Protocol):
    """Who may do what. Every method raises Unavailable or RemoteError; those with an id NotFound."""

    def accounts(self) -> list[AccountInfo]:
        """All accounts, by name."""

    def invite(self, email: str, role: Role) -> OneTimeLink:
        """Make an invitation. Raises NotAccepted for what is no email address, Conflict if it has an account."""

    def set_role(self, id: str, role: Role) -> AccountInfo:
        """Give an account another role. Raises LastAdmin."""

    def disable(self, id: str) -> AccountInfo:
        """Keep an account out, with its keys. Raises LastAdmin."""

    def enable(self, id: str) -> AccountInfo:
        """Let an account in again."""

    def sign_out(self, id: str) -> None:
        """End all sessions of an account."""

    def remove_second_factor(self, id: str) -> None:
        """Take the second factor off of an account. Raises NotFound if it has none."""

    def allow_reset(self, id: str) -> OneTimeLink:
        """Make a link with which somebody sets another password. Raises Conflict if the account has none."""

    def delete_account(self, id: str) -> None:
        """Delete an account with its sessions and keys. Raises LastAdmin, or DeletionUnfinished."""

    def api_keys(self, *, all: bool) -> list[Key]:
        """The keys of everybody."""

    def create_key(self, name: str, role: Role, days: int, projects: tuple[str, ...] | None = None) -> NewKey:
        """Make a key, with `projects` for these alone. One that is made with a key ends with that. Raises NotAccepted
        for a bad name."""

    def rotate_key(self, id: str, days: int) -> NewKey:
        """Make another key of the same name, role and owner."""

    def revoke_key(self, id: str) -> None:
        """Make a key useless, with those that were made with it."""


def opened() -> Administration:
    """That of the distant instance which was named, else of the stores. Raises SettingsError."""
    server = servers.given()
    if server is not None:
        return client_of(server)
    return OverStores(stores.opened())


class OverStores:
    """Who may do what, changed in the stores. See Administration. Without `public_url` links begin as settings say."""

    def __init__(self, opened: Stores, public_url: str | None = None) -> None:
        self._items = opened.accounts
        self._audit_items = opened.audit
        self._public_url = public_url
        self._people, self._keys = People(opened.accounts), Keys(opened.accounts)
        self._audit = Audit(opened.audit)
        self._factors = SecondFactors(opened.accounts)

    def accounts(self) -> list[AccountInfo]:
        """All accounts, by name."""
        with_factor = self._factors.accounts()
        found = [_info(one, one.id in with_factor) for one in self._people.all()]
        return sorted(found, key=lambda one: (one.name.casefold(), one.id))

    def invite(self, email: str | None, role: Role) -> OneTimeLink:
        """Make an invitation; one without an email address is for whichever the first administrator gives."""
        address = None if email is None else normalised(email)
        if address is not None and self._people.find(address) is not None:
            raise Conflict(f"There is an account with the email address {address} already.")
        token, link = Links(self._items).invite(role, address, COMMAND_LINE)
        self._note("invite", link.id, after={"role": str(role)})
        return self._link(token, link)

    def set_role(self, id: str, role: Role) -> AccountInfo:
        """Give an account another role."""
        before = self._account(id)
        after = self._service().set_role(id, role)
        self._note("setRole", id, {"role": str(before.role)}, {"role": str(after.role)})
        return self._info(after)

    def disable(self, id: str) -> AccountInfo:
        """Keep an account out, with its keys."""
        return self._set_disabled("disable", id, True)

    def enable(self, id: str) -> AccountInfo:
        """Let an account in again."""
        return self._set_disabled("enable", id, False)

    def sign_out(self, id: str) -> None:
        """End all sessions of an account."""
        self._service().sign_out_everywhere(self._account(id).id)
        self._note("endSessions", id)

    def remove_second_factor(self, id: str) -> None:
        """Take the second factor off of an account."""
        if not self._factors.remove(self._account(id).id):
            raise NotFound("This account has no second factor.")
        self._note("removeSecondFactor", id)

    def allow_reset(self, id: str) -> OneTimeLink:
        """Make a link with which somebody sets another password."""
        if self._account(id).password is None:
            raise Conflict("This account has no password: its owner signs in elsewhere.")
        token, link = Links(self._items).allow_reset(id, COMMAND_LINE)
        self._note("allowReset", id)
        return self._link(token, link)

    def delete_account(self, id: str) -> None:
        """Delete an account with its sessions and keys."""
        before = self._account(id)
        try:
            self._service().delete(id)
        except DeletionUnfinished:
            self._note("deleteAccount", id, {"role": str(before.role)}, result="deletion_unfinished")
            raise
        self._note("deleteAccount", id, {"role": str(before.role)})

    def api_keys(self, *, all: bool = True) -> list[Key]:
        """The keys of everybody."""
        return self._keys.list()

    def create_key(
        self, name: str, role: Role = Role.VIEWER, days: int = DAYS, projects: tuple[str, ...] | None = None
    ) -> NewKey:
        """Make a key that belongs to no account."""
        return self._made("createKey", *self._keys.create(name, role, None, days, projects=projects))

    def rotate_key(self, id: str, days: int = DAYS) -> NewKey:
        """Make another key of the same name, role and owner."""
        key = self._key(id)
        made = self._keys.create(key.name, key.role, key.account, days, projects=key.projects)
        return self._made("rotateKey", *made, {"key": key.id})

    def revoke_key(self, id: str) -> None:
        """Make a key useless."""
        key = self._key(id)
        ended = self._keys.revoke(id)
        also = [one for one in ended if one != id]
        self._note("revokeKey", id, {"role": str(key.role), "account": key.account}, {"also": also} if also else None)

    def _set_disabled(self, what: str, id: str, is_disabled: bool) -> AccountInfo:
        before = self._account(id)
        after = self._service().set_disabled(id, is_disabled)
        self._note(what, id, {"is_disabled": before.is_disabled}, {"is_disabled": after.is_disabled})
        return self._info(after)

    def _link(self, token: str, link: Link) -> OneTimeLink:
        """A link as it is shown to who made it, once."""
        public_url = stores.settings().public_url if self._public_url is None else self._public_url
        base = public_url or os.environ.get("AZURE_WEB_URL") or LOCAL_ADDRESS  # the second is azd's
        url = f"{base.rstrip('/')}/{link.purpose}?{urlencode({'token': token})}"
        return OneTimeLink(link.id, url, link.expires_at)

    def _made(self, what: str, secret: str, key: Key, before: dict[str, Any] | None = None) -> NewKey:
        after = {"key": key.id, "role": str(key.role), "expires_at": key.expires_at}
        self._note(what, key.id, before, after)
        return NewKey(secret, key)

    def _note(
        self,
        what: str,
        target: str,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        result: str = "done",
    ) -> None:
        self._audit.write(COMMAND_LINE, what, by=account(), target=target, before=before, after=after, result=result)

    def _info(self, account: Account) -> AccountInfo:
        return _info(account, self._factors.find(account.id) is not None)

    def _account(self, id: str) -> Account:
        found = self._people.get(id)
        if found is None:
            raise NotFound("There is no such account.")
        return found

    def _key(self, id: str) -> Key:
        found = self._keys.get(id)
        if found is None:
            raise NotFound("There is no such key. It may have been revoked, or have expired.")
        return found

    def _service(self) -> Any:
        """What the web app does with accounts, which needs the libraries that it has for passwords."""
        try:
            from imagestore.accounts.service import Accounts
            from imagestore.accounts.signing import Tokens, keys_of_this_process
        except ModuleNotFoundError as error:
            raise MissingPrerequisite(
                f"This needs what the web app needs, and {error.name} is not installed: "
                "pip install 'intelligent-storage[web]'."
            ) from None
        return Accounts.over(self._items, self._audit_items, Tokens(keys_of_this_process(), ""))


def _info(account: Account, has_second_factor: bool) -> AccountInfo:
    return AccountInfo(
        account.id,
        account.name,
        account.email,
        account.role,
        account.is_disabled,
        account.created_at,
        account.issuer,
        has_second_factor,
    )
