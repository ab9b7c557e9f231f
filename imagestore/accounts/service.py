"""What people do with their accounts: join, sign in, set another password. It holds all the parts of this room."""

from collections.abc import Sequence
from dataclasses import dataclass

from imagestore.accounts import attempts, passwords
from imagestore.accounts.admission import Admission
from imagestore.accounts.attempts import Attempts
from imagestore.accounts.audit import Audit
from imagestore.accounts.belongings import Belongings
from imagestore.accounts.callers import Caller, Callers
from imagestore.accounts.email_address import normalised
from imagestore.accounts.issuers import Issuers
from imagestore.accounts.kept_answers import KeptAnswers
from imagestore.accounts.keys import Keys
from imagestore.accounts.links import Links, Purpose
from imagestore.accounts.mail import MailServer
from imagestore.accounts.mailed_links import MailedLinks
from imagestore.accounts.names import Names
from imagestore.accounts.openid import Identity, OpenId
from imagestore.accounts.passwords import Passwords
from imagestore.accounts.people import Account, People, account_id, checked_name
from imagestore.accounts.roles import Role
from imagestore.accounts.second_factor import FactorDemand, SecondFactors
from imagestore.accounts.sessions import Lengths, Sessions
from imagestore.accounts.signing import Tokens
from imagestore.accounts.tokens import Clock, now
from imagestore.errors import (
    Conflict,
    DeletionUnfinished,
    LinkRefused,
    NotAccepted,
    NotFound,
    SignInRefused,
    Unavailable,
)
from imagestore.store import Items

WRONG = "The email address or the password is wrong."
"""What is said of an unknown address, a wrong password and a disabled account alike."""


@dataclass(frozen=True)
class Accounts:
    """The parts, each made once per process. Every method raises Unavailable; those with a password Overloaded."""

    people: People
    links: Links
    sessions: Sessions
    keys: Keys
    attempts: Attempts
    audit: Audit
    passwords: Passwords
    tokens: Tokens
    callers: Callers
    names: Names
    factors: SecondFactors
    belongings: Belongings
    kept_answers: KeptAnswers
    admission: Admission
    issuers: Issuers
    demand: FactorDemand | None = None
    mail: MailedLinks | None = None

    @classmethod
    def over(
        cls,
        accounts: Items,
        audit: Items,
        tokens: Tokens,
        lengths: Lengths | None = None,
        passwords: Passwords | None = None,
        clock: Clock = now,
        issuers: Sequence[OpenId] = (),
        factor_from: Role | None = None,
        mail_server: MailServer | None = None,
        public_url: str = "",
    ) -> "Accounts":
        """The parts over the documents of the two containers; without `issuers` nobody signs in elsewhere.

        From the role `factor_from` on, who signs in with a password needs a second factor. A `mail_server` sends links,
        which begin with `public_url`, to who asks for them.
        """
        people, keys = People(accounts, clock), Keys(accounts, clock)
        sessions = Sessions(accounts, lengths, clock)
        factors = SecondFactors(accounts, clock)
        allowed = Issuers(issuers)
        log = Audit(audit, clock)
        demand = FactorDemand(factor_from) if factor_from is not None else None
        links, counted = Links(accounts, clock), Attempts(accounts, clock)
        kept = KeptAnswers(accounts, clock)
        belongings = Belongings(sessions, keys, links, factors, kept)
        admission = Admission(people, allowed, belongings, log)
        mail = None
        if mail_server is not None:
            mail = MailedLinks(mail_server, public_url, people, links, counted, log)
        return cls(
            people=people,
            links=links,
            sessions=sessions,
            keys=keys,
            attempts=counted,
            audit=log,
            passwords=passwords or Passwords(),
            tokens=tokens,
            callers=Callers(people, sessions, keys, tokens, admission, allowed, log, factors, demand),
            names=Names(people, keys),
            factors=factors,
            belongings=belongings,
            kept_answers=kept,
            demand=demand,
            mail=mail,
            admission=admission,
            issuers=allowed,
        )

    def check_password(self, email: str, password: str, address: str) -> Account:
        """The account with this email address and password, asked for from this network address.

        Raises SignInRefused, always with the same words and after the same time, or TooManyAttempts.
        """
        try:
            known = normalised(email)
        except NotAccepted:
            known = ""
        id = account_id(known)
        pair = attempts.for_account(id, address)
        self.attempts.begin([pair, attempts.from_address(address), (attempts.ACCOUNT, id)])
        account = self.people.get(id)
        is_right = self.passwords.is_right(password, account.password if account else None)
        if account is None or not is_right or account.is_disabled:
            raise SignInRefused(WRONG)
        self.attempts.forget(*pair)
        assert account.password is not None
        if self.passwords.is_outdated(account.password):
            hashed = self.passwords.hash(password)
            account = self.people.rehash(account.id, account.password, hashed)
        return account

    def check_code(self, id: str, code: str, address: str) -> Account:
        """The account with this id, whose password was right and whose second factor this code is.

        Raises SignInRefused, or TooManyAttempts.
        """
        pair = attempts.for_account(f"code {id}", address)
        self.attempts.begin([pair, (attempts.CODE, id)])
        account = self.people.get(id)
        if account is None or account.is_disabled or not self.factors.use(id, code):
            raise SignInRefused("This code is not right, or was used already. Wait for the next one.")
        self.attempts.forget(*pair)
        return account

    def confirm_factor(self, id: str, code: str, address: str, session: str) -> list[str]:
        """Turn a second factor on with a first code. Returns its recovery codes, which are shown once.

        The session with this id goes on. The others began with the password alone, and have ended.
        Raises NotFound, SignInRefused, TooManyAttempts, or Conflict.
        """
        self.attempts.begin([attempts.for_account(f"code {id}", address)])
        codes = self.factors.confirm(id, code)
        self.sessions.note_factor(session)
        self.callers.forget(id)
        return codes

    def remove_factor(self, id: str) -> bool:
        """Let somebody sign in with the password alone; False if they have no second factor.

        Where their role needs one, they must set up another before anything else.
        """
        was_there = self.factors.remove(id)
        self.callers.forget(id)
        return was_there

    def admit(self, identity: Identity) -> tuple[Account, bool]:
        """The account of who signed in elsewhere, and whether it was made just now. Raises SignInRefused."""
        account, is_new = self.admission.admit(identity)
        self.callers.forget(account.id)
        return account, is_new

    def sign_in(self, account: Account, address: str, agent: str, *, has_factor: bool = False) -> str:
        """Begin a session for who has proved to be this account, with a second factor or without.

        Returns the token for the cookie.
        """
        token, _ = self.sessions.start(account.id, address, agent, has_factor=has_factor)
        return token

    def join(self, token: str, email: str, name: str, password: str, address: str) -> Account:
        """Make an account with an invitation, which is used up. One for a certain email address ignores `email`.

        Raises LinkRefused, TooManyAttempts, NotAccepted, or Conflict if the address has an account. After the last
        three the invitation can be used again.
        """
        self.attempts.begin([attempts.from_address(address)])
        link = self.links.look(Purpose.INVITATION, token)
        is_for_the_first = link.role is Role.ADMIN and link.email is None
        if is_for_the_first and any(one.role is Role.ADMIN for one in self.people.all()):
            raise LinkRefused("This link was for the first administrator, and there is one. Ask them to invite you.")
        known = normalised(link.email or email)
        self._check_new(known, name, password)
        hashed = self.passwords.hash(password)
        if self.people.find(known) is None:  # else the form was sent twice, and the first one has made it
            self.belongings.delete(account_id(known))
        link = self.links.use(Purpose.INVITATION, token)
        account = self.people.create(known, name, link.role or Role.VIEWER, hashed)
        self.links.revoke_invitations(known)
        return account

    def reset(self, token: str, password: str, address: str) -> Account:
        """Set another password with a link, which is used up, and end all sessions.

        Raises LinkRefused, or TooManyAttempts or NotAccepted, after which the link can be used again.
        """
        self.attempts.begin([attempts.from_address(address)])
        link = self.links.look(Purpose.RESET, token)
        account = self.people.get(link.account or "")
        if account is None or link.created_at < account.created_at:
            raise LinkRefused("The account that this link was for is gone.")
        passwords.check_strength(password, account.email or "", account.name)
        hashed = self.passwords.hash(password)
        self.links.use(Purpose.RESET, token)
        return self._set_password(account.id, hashed)

    def change_password(self, id: str, old: str, new: str, address: str) -> Account:
        """Set another password for who knows the old one, and end all sessions.

        Raises NotFound, SignInRefused, TooManyAttempts, or NotAccepted.
        """
        account = self.people.get(id)
        if account is None or account.password is None:
            raise NotFound("This account has no password.")
        self._confirm_password(account, old, address)
        passwords.check_strength(new, account.email or "", account.name)
        return self._set_password(id, self.passwords.hash(new))

    def confirm(self, account: Account, session: str, password: str, address: str) -> None:
        """Have who asks show once more that they are who they are, before what cannot be undone.

        They know the account's password or, where it has none, have begun the session with this id in the last ten
        minutes. Raises SignInRefused, or TooManyAttempts.
        """
        if account.password is not None:
            self._confirm_password(account, password, address)
        elif not self.sessions.is_recent(session):
            raise SignInRefused("You signed in more than ten minutes ago. Nothing was changed: sign in again first.")

    def client(self, client_id: str, secret: str, address: str) -> Caller:
        """Which program asks for an access token, from this network address. Raises SignInRefused, TooManyAttempts."""
        try:
            return self.callers.of_client(client_id, secret)
        except SignInRefused:
            self.attempts.begin([attempts.from_address(address)])
            raise

    def sign_out_everywhere(self, id: str) -> int:
        """End all sessions of an account. Returns how many there were."""
        self.people.end_sessions(id)
        ended = self.sessions.end_all(id)
        self.callers.forget(id)
        return ended

    def rename(self, id: str, name: str) -> Account:
        """Give an account another display name. Raises NotFound, NotAccepted, or Conflict."""
        account = self.people.rename(id, name)
        self.callers.forget(id)
        return account

    def set_role(self, id: str, role: Role) -> Account:
        """Give an account another role. Raises NotFound, LastAdmin, or Conflict."""
        account = self.people.set_role(id, role)
        self.callers.forget(id)
        return account

    def set_disabled(self, id: str, is_disabled: bool) -> Account:
        """Keep an account out, with its keys, or let it in again. Raises NotFound, LastAdmin, or Conflict.

        One whose deletion has begun is not let in again.
        """
        account = self.people.set_disabled(id, is_disabled)
        if is_disabled:
            self.sessions.end_all(id)
        self.callers.forget(id)
        return account

    def delete(self, id: str) -> None:
        """Delete an account with all that belongs to it. Raises NotFound, LastAdmin, Conflict, or DeletionUnfinished.

        It is disabled first and goes last. Wherever this breaks off, nobody gets in with it, nobody makes another with
        its email address, administrators see it, and once more deletes the rest.
        """
        try:
            closed = self.people.close(id)
        except Unavailable as error:
            self.callers.forget(id)
            raise DeletionUnfinished(
                f"The account was not deleted, since a service does not answer ({error}). It may be closed already: "
                "whoever cannot sign in any more asks an administrator to delete it."
            ) from None
        try:
            self.belongings.delete(id)
            if closed.password is not None:  # else the address is only what an issuer said
                self.links.revoke_invitations(closed.email)
            self.people.delete(id)
        except (Unavailable, Conflict) as error:
            why = "a service does not answer" if isinstance(error, Unavailable) else "others changed it meanwhile"
            raise DeletionUnfinished(
                "The account is closed, and nobody can sign in to it. The rest of it could not be deleted, since "
                f"{why} ({error}). An administrator deletes the account again later."
            ) from None
        finally:
            self.callers.forget(id)

    def _check_new(self, email: str, name: str, password: str) -> None:
        shown = checked_name(name)
        passwords.check_strength(password, email, shown)
        if self.people.find(email) is not None:
            raise Conflict("There is an account with this email address already.")

    def _confirm_password(self, account: Account, password: str, address: str) -> None:
        pair = attempts.for_account(account.id, address)
        self.attempts.begin([pair, (attempts.ACCOUNT, account.id)])
        if not self.passwords.is_right(password, account.password):
            raise SignInRefused("The password is wrong. Nothing was changed.")
        self.attempts.forget(*pair)

    def _set_password(self, id: str, hashed: str) -> Account:
        account = self.people.set_password(id, hashed)
        self.sessions.end_all(id)
        self.links.revoke_for(id)
        self.callers.forget(id)
        return account
