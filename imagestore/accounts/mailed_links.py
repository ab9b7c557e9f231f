"""Links that a mail server sends to people who ask: to set another password, or to make an account.

Whoever asks is told the same after the same work, whether there is an account or not: what depends on that is done in
the background, and only who reads the address's mail learns it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from imagestore.accounts import attempts
from imagestore.accounts.attempts import Attempts
from imagestore.accounts.audit import NOBODY, Audit
from imagestore.accounts.email_address import normalised
from imagestore.accounts.links import Links, Purpose
from imagestore.accounts.mail import Background, MailServer
from imagestore.accounts.people import People, account_id
from imagestore.accounts.roles import Role
from imagestore.errors import NotAccepted, TooManyAttempts, Unavailable

BY = "mail"
"""Who stands as the maker of a link that somebody asked for themselves."""
RESET_LASTS = timedelta(hours=1)


@dataclass(frozen=True)
class MailedLinks:
    """Makes links and sends them. `public_url` is what they begin with."""

    server: MailServer
    public_url: str
    people: People
    links: Links
    attempts: Attempts
    audit: Audit
    background: Background = field(default_factory=Background)

    def ask_reset(self, email: str, address: str) -> None:
        """Somebody has forgotten the password of the account with this email address, they say.

        `address` is the network address of who asks. Raises TooManyAttempts, Overloaded, or Unavailable, whether there
        is an account or not.
        """
        self._ask(email, address, self._send_reset)

    def ask_account(self, email: str, address: str) -> None:
        """Somebody with this email address wants an account, they say. Raises as `ask_reset`."""
        self._ask(email, address, self._send_account)

    def _ask(self, email: str, address: str, send: Callable[[str, str], None]) -> None:
        self.attempts.begin([attempts.from_address(address)])
        try:
            known = normalised(email)
        except NotAccepted:
            known = ""
        self.background.put(lambda: send(known, address) if known else None)

    def _send_reset(self, email: str, address: str) -> None:
        account = self.people.find(email)
        if account is None or account.is_disabled or account.password is None:
            self._note("ask_reset", email, address, "no_account")
            return

        def text() -> str:
            token, _ = self.links.allow_reset(account.id, BY, RESET_LASTS)
            return (
                f"Somebody, probably you, wants to set another password for your account at {self.public_url}.\n\n"
                f"This link does it, once, within an hour:\n\n{self._url(Purpose.RESET, token)}\n\n"
                "If it was not you, do nothing: your password stays as it is."
            )

        self._send("ask_reset", email, address, "Another password", text)

    def _send_account(self, email: str, address: str) -> None:
        def text() -> str:
            if self.people.find(email) is not None:
                return (
                    f"Somebody, probably you, wants an account with this email address at {self.public_url}. It has "
                    f"one already: sign in at {self.public_url}/sign-in, where you can also ask for another password."
                )
            token, _ = self.links.invite(Role.VIEWER, email, BY)
            return (
                f"Somebody, probably you, wants an account with this email address at {self.public_url}.\n\n"
                f"This link makes it, once, within seven days:\n\n{self._url(Purpose.INVITATION, token)}\n\n"
                "If it was not you, do nothing: there will be no account."
            )

        self._send("sign_up", email, address, "Your account", text)

    def _send(self, what: str, email: str, address: str, subject: str, text: Callable[[], str]) -> None:
        try:
            self.attempts.begin([(attempts.MAIL, account_id(email))])
        except TooManyAttempts:
            return  # it was sent a moment ago, and more does nobody any good
        try:
            self.server.send(email, subject, text())
        except Unavailable:
            self._note(what, email, address, "not_sent")
            raise
        self._note(what, email, address, "done")

    def _note(self, what: str, email: str, address: str, result: str) -> None:
        self.audit.write(NOBODY, what, target=account_id(email), address=address, result=result)

    def _url(self, purpose: Purpose, token: str) -> str:
        return f"{self.public_url}/{purpose}?{urlencode({'token': token})}"
