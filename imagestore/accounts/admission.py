"""Who has proved elsewhere who they are gets the account here that belongs to it, at first a new one."""

import contextlib
from collections.abc import Callable

from imagestore.accounts.audit import Audit
from imagestore.accounts.belongings import Belongings
from imagestore.accounts.email_address import normalised
from imagestore.accounts.issuers import Issuers
from imagestore.accounts.openid import Identity
from imagestore.accounts.people import Account, People, checked_name, federated_id
from imagestore.accounts.roles import Role
from imagestore.errors import Conflict, LastAdmin, NotAccepted, SignInRefused


class Admission:
    """Finds and makes accounts of people whom an issuer speaks of. Every method raises Unavailable."""

    def __init__(self, people: People, issuers: Issuers, belongings: Belongings, audit: Audit) -> None:
        self._people = people
        self._issuers = issuers
        self._belongings = belongings
        self._audit = audit

    def admit(self, identity: Identity) -> tuple[Account, bool]:
        """The account of who signed in elsewhere, and whether it was made just now.

        Where the issuer's claims give roles, theirs counts each time, and a change is on record. Raises SignInRefused
        for who gets none, and for a disabled account.
        """
        options = self._issuers.of(identity).options
        role = identity.role or options.default_role
        id = federated_id(identity.issuer, identity.subject)
        account = self._people.get(id)
        if role is None and (account is None or options.roles):
            raise SignInRefused(
                "You have signed in elsewhere, and have no role here. Ask the administrator of this app for one."
            )
        if account is None:
            email = _valid(normalised, identity.email)
            name = _valid(checked_name, identity.name) or email or "Somebody"
            self._belongings.delete(id)
            with contextlib.suppress(Conflict):  # another request of theirs was faster
                return self._people.create_federated(
                    identity.issuer, identity.subject, email, name, role or Role.VIEWER
                ), True
            account = self._people.get(id)
        if account is None or account.is_disabled:
            raise SignInRefused("This account is disabled. Ask the administrator of this app.")
        if options.roles and role is not None and role is not account.role:
            before = {"role": str(account.role)}
            with contextlib.suppress(LastAdmin):
                account = self._people.set_role(id, role)
                after = {"role": str(account.role)}
                self._audit.write(id, "setRole", by=identity.issuer, target=id, before=before, after=after)
        return account, False


def _valid(check: Callable[[str], str], text: str) -> str:
    """What the check makes of a text, empty where it refuses it."""
    try:
        return check(text)
    except NotAccepted:
        return ""
