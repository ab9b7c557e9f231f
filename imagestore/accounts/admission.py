"""Who has proved elsewhere who they are gets the account here that belongs to it, at first a new one."""

import contextlib
from collections.abc import Callable

from imagestore.accounts.issuers import Issuers
from imagestore.accounts.openid import Identity
from imagestore.accounts.people import Account, People, checked_name, federated_id, normalised
from imagestore.accounts.roles import Role
from imagestore.errors import Conflict, LastAdmin, NotAccepted, SignInRefused


class Admission:
    """Finds and makes accounts of people whom an issuer speaks of. Every method raises Unavailable."""

    def __init__(self, people: People, issuers: Issuers) -> None:
        self._people = people
        self._issuers = issuers

    def admit(self, identity: Identity) -> tuple[Account, bool]:
        """The account of who signed in elsewhere, and whether it was made just now.

        Where the issuer's claims give roles, theirs counts each time. Raises SignInRefused for who gets none, and for a
        disabled account.
        """
        options = self._issuers.of(identity).options
        role = identity.role or options.default_role
        account = self._people.get(federated_id(identity.issuer, identity.subject))
        if role is None and (account is None or options.roles):
            raise SignInRefused(
                "You have signed in elsewhere, and have no role here. Ask the administrator of this app for one."
            )
        if account is None:
            email = _valid(normalised, identity.email)
            name = _valid(checked_name, identity.name) or email or "Somebody"
            with contextlib.suppress(Conflict):  # another request of theirs was faster
                return self._people.create_federated(
                    identity.issuer, identity.subject, email, name, role or Role.VIEWER
                ), True
            account = self._people.get(federated_id(identity.issuer, identity.subject))
        if account is None or account.is_disabled:
            raise SignInRefused("This account is disabled. Ask the administrator of this app.")
        if options.roles and role is not None and role is not account.role:
            with contextlib.suppress(LastAdmin):
                account = self._people.set_role(account.id, role)
        return account, False


def _valid(check: Callable[[str], str], text: str) -> str:
    """What the check makes of a text, empty where it refuses it."""
    try:
        return check(text)
    except NotAccepted:
        return ""
