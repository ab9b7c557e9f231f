"""Who asks: the account or program behind a session's cookie, an API key or an access token.

What was found is kept for half a minute, so that a page with sixty pictures costs three reads and not 180. A session,
key or account that was ended elsewhere is so known here half a minute later at most; ended here, at once. While Cosmos
DB does not answer, who was known may go on looking for a while, but change nothing.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from imagestore.accounts.admission import Admission
from imagestore.accounts.audit import Audit
from imagestore.accounts.issuers import Issuers
from imagestore.accounts.keys import PREFIX, Key, Keys
from imagestore.accounts.openid import Identity
from imagestore.accounts.people import Account, People, federated_id
from imagestore.accounts.roles import Role, lower
from imagestore.accounts.second_factor import FactorDemand, SecondFactors
from imagestore.accounts.sessions import Sessions
from imagestore.accounts.signing import Tokens
from imagestore.accounts.tokens import id_of
from imagestore.errors import SignInRefused, Unavailable

KEPT_S = 30.0
STALE_S = 900.0
_MOST = 10_000


class Means(StrEnum):
    """By what the caller is known. `local`: by being on this machine, where nobody needs to sign in."""

    SESSION = "session"
    KEY = "key"
    TOKEN = "token"
    LOCAL = "local"


@dataclass(frozen=True)
class Caller:
    """Who asks. `account` is what records and the audit log name: an account's id, or that of a key without an owner.

    `by` is the id of the session or key. With `is_stale` it is only known who this was some minutes ago. Who
    `lacks_factor` must set up a second factor before anything else, since their role needs one. With `projects` the key
    is for these alone.
    """

    account: str
    name: str
    role: Role
    means: Means
    by: str = ""
    is_stale: bool = False
    lacks_factor: bool = False
    projects: tuple[str, ...] | None = None

    def may_use(self, project: str) -> bool:
        """Whether this project is among those that the caller's key is for."""
        return self.projects is None or project in self.projects


@dataclass(frozen=True)
class _Known:
    caller: Caller
    at: float


class Callers:
    """Finds out who asks. Every method raises Unavailable."""

    def __init__(
        self,
        people: People,
        sessions: Sessions,
        keys: Keys,
        tokens: Tokens,
        admission: Admission,
        issuers: Issuers,
        audit: Audit,
        factors: SecondFactors,
        demand: FactorDemand | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._keys = keys
        self._tokens = tokens
        self._admission = admission
        self._issuers = issuers
        self._audit = audit
        self._factors = factors
        self._demand = demand
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._forgotten = 0

    def of_session(self, token: str) -> Caller:
        """Who has this session. Raises SignInRefused if it has ended or its account may not sign in.

        One that began with the password alone has ended once the account has a second factor: whoever else knew the
        password is out.
        """

        def look() -> Caller | None:
            session = self._sessions.find(token)
            account = None if session is None else self._people.get(session.account)
            if session is None or account is None or account.is_disabled or session.created_at < account.good_from:
                return None
            has_factor = account.password is not None and self._factors.find(account.id) is not None
            if has_factor and not session.has_factor:
                return None
            lacks_factor = not has_factor and self._demand is not None and self._demand.is_for(account)
            return Caller(account.id, account.name, account.role, Means.SESSION, session.id, lacks_factor=lacks_factor)

        caller = self._ask(id_of("session", token), look)
        if caller is None:
            raise SignInRefused("Your session has ended. Sign in again.")
        return caller

    def of_bearer(self, credential: str) -> Caller:
        """Who has this API key or access token. Raises SignInRefused if it is none, or no longer good."""
        if credential.startswith(PREFIX):
            caller = self._ask(id_of("key", credential), lambda: self._of_key(self._keys.find(credential), Means.KEY))
            if caller is None:
                raise SignInRefused("This key is not known: it was revoked, has expired, or never was one.")
            return caller
        try:
            claims = self._tokens.check(credential)
        except SignInRefused:
            if not self._issuers.take_tokens:
                raise
            return self._of_elsewhere(self._issuers.check(credential))
        caller = self._ask(f"token {claims.key}", lambda: self._of_key(self._keys.get(claims.key), Means.TOKEN))
        if caller is None:
            raise SignInRefused("The key that this token was made with is not good any more.")
        return replace(caller, role=lower(caller.role, claims.role))

    def of_client(self, client_id: str, secret: str) -> Caller:
        """Which program asks for a token with this key's id and the key. Raises SignInRefused."""
        key = self._keys.find(secret)
        caller = self._of_key(key, Means.KEY)
        if key is None or caller is None or key.id != client_id:
            raise SignInRefused("There is no such client: client_id is the key's id, client_secret the key.")
        return caller

    def _of_elsewhere(self, identity: Identity) -> Caller:
        """For whom a program asks with a token of an OpenID issuer: somebody who has signed in here before.

        Where people cannot sign in at that issuer, the first token makes the account, and the roles in each count.
        """
        id = federated_id(identity.issuer, identity.subject)
        signs_in = self._issuers.of(identity).options.signs_in

        def look() -> Caller | None:
            account = self._people.get(id) if signs_in else self._admitted(identity)
            if account is None or account.is_disabled:
                return None
            return Caller(account.id, account.name, account.role, Means.TOKEN, identity.client)

        caller = self._ask(f"openid {id} {identity.client}", look)
        if caller is None:
            raise SignInRefused("This token is for somebody who has no account here: let them sign in once.")
        return caller

    def _admitted(self, identity: Identity) -> Account:
        account, is_new = self._admission.admit(identity)
        if is_new:
            after = {"role": str(account.role)}
            self._audit.write(account.id, "join", by=identity.client, target=account.id, after=after)
        return account

    def forget(self, *ids: str) -> None:
        """Look again at who has these sessions, keys or accounts: something about them was changed here."""
        with self._lock:
            self._forgotten += 1
            for name, known in list(self._known.items()):
                if {known.caller.by, known.caller.account} & set(ids):
                    del self._known[name]

    def _of_key(self, key: Key | None, means: Means) -> Caller | None:
        if key is None:
            return None
        if key.account is None:
            return Caller(key.id, key.name, key.role, means, key.id, projects=key.projects)
        owner = self._people.get(key.account)
        if owner is None or owner.is_disabled or key.created_at < owner.created_at:
            return None
        return Caller(owner.id, owner.name, lower(key.role, owner.role), means, key.id, projects=key.projects)

    def _ask(self, name: str, look: Callable[[], Caller | None]) -> Caller | None:
        moment = self._monotonic()
        with self._lock:
            known, forgotten = self._known.get(name), self._forgotten
        if known is not None and moment - known.at < KEPT_S:
            return known.caller
        try:
            caller = look()
        except Unavailable:
            if known is None or moment - known.at > STALE_S:
                raise
            return replace(known.caller, is_stale=True)
        if caller is not None and not caller.lacks_factor:  # who gets one may go on at once, on each instance
            with self._lock:
                if forgotten == self._forgotten:  # else what was found may be what was to be forgotten
                    self._known[name] = _Known(caller, moment)
                    self._known.move_to_end(name)
                    if len(self._known) > _MOST:
                        self._known.popitem(last=False)
        else:  # what is refused is not kept: anybody can make up as many as they like
            with self._lock:
                self._known.pop(name, None)
        return caller
