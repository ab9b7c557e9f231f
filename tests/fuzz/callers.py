"""In whose name the fuzzer asks: somebody of each role, by a key or as a browser, and nobody.

What a request ends or deletes (sessions, keys, accounts, links) is made anew, so that there is always something there.
"""

import hashlib
import hmac
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from argon2 import PasswordHasher

from imagestore.accounts.passwords import Passwords
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.accounts.signing import Tokens, keys_of_this_process
from imagestore.configure import open_stores
from imagestore.web.rules import TABLE

SETTINGS = {
    "AUTH": "required",
    "SIGN_UP": "open",
    "TRUSTED_PROXIES": "1",
    "MAIL_SERVER": "localhost",
    "MAIL_PORT": "9",
    "MAIL_ENCRYPTION": "none",
    "MAIL_FROM": "fuzz@example.org",
}
"""Those of the app that is fuzzed: all of sign-in is on, and each request comes from another address."""
PASSWORD = "plover gazebo ninety"
FIELDS = (
    "email", "name", "password", "old", "new", "code", "role", "days", "next", "token", "username", "form", "done",
)  # fmt: skip
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_RENEWED_EVERY = 200
PAGES = sorted(
    (method, address)
    for method, address in (row.split(" ") for row in TABLE)
    if not address.startswith(("/api/v1", "/static"))
)
"""The pages, with those that forms are sent to."""


@dataclass
class Somebody:
    """Somebody of a role: a key, and a session with the token of its forms."""

    role: Role
    key: str
    session: str
    account: str

    @property
    def form(self) -> str:
        """The token that this browser's forms have."""
        return hmac.new(self.session.encode(), b"form", hashlib.sha256).hexdigest()


@dataclass
class Callers:
    """Those in whose names is asked, and ids of what may be ended. Safe to use from threads."""

    accounts: Accounts
    people: dict[Role, Somebody] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def over(cls, environ: Mapping[str, str]) -> "Callers":
        """Callers of the app over these stores."""
        stores = open_stores(environ)
        tokens = Tokens(keys_of_this_process(), "")
        made = cls(Accounts.over(stores.accounts, stores.audit, tokens, passwords=Passwords(_QUICK)))
        made.renew()
        return made

    def renew(self) -> None:
        """Make anew what is gone."""
        for role in Role:
            email = f"{role}@example.org"
            account = self.accounts.people.find(email) or self._made(email, role)
            if account.role is not role:
                account = self.accounts.people.set_role(account.id, role)
            if account.is_disabled:
                account = self.accounts.people.set_disabled(account.id, False)
            known = self.people.get(role)
            key = known.key if known and self.accounts.keys.find(known.key) else None
            session = known.session if known and self.accounts.sessions.find(known.session) else None
            self.people[role] = Somebody(
                role,
                key or self.accounts.keys.create("fuzz", role, account.id)[0],
                session or self.accounts.sign_in(account, "192.0.2.7", "fuzz"),
                account.id,
            )
        victim = self.accounts.people.find("victim@example.org") or self._made("victim@example.org", Role.VIEWER)
        self.accounts.sign_in(victim, "192.0.2.7", "fuzz")
        viewer = self.people[Role.VIEWER].account
        token, invitation = self.accounts.links.invite(Role.VIEWER, None, "fuzz")
        reset, _ = self.accounts.links.allow_reset(victim.id, "fuzz")
        self.ids = {
            "accounts": victim.id,
            "people": victim.id,
            "keys": self.accounts.keys.create("victim", Role.VIEWER, viewer)[1].id,
            "sessions": self.accounts.sessions.of(viewer)[0].id,
            "invitations": invitation.id,
            "invitation": token,
            "reset": reset,
        }

    def _made(self, email: str, role: Role) -> Account:
        return self.accounts.people.create(email, f"a {role}", role, self.accounts.passwords.hash(PASSWORD))

    def anybody(self, chance: random.Random) -> tuple[dict[str, bytes], Somebody | None]:
        """The headers of a request in somebody's name, an administrator's most often, and whose browser it is, if one
        asks."""
        with self.lock:
            self.asked += 1
            if self.asked % _RENEWED_EVERY == 0:
                self.renew()
            people = dict(self.people)
        headers = {"X-Forwarded-For": f"198.51.100.{chance.randrange(256)}, 203.0.113.{chance.randrange(256)}".encode()}
        if chance.random() < 0.1:
            return headers, None
        who = people[chance.choice([*Role, Role.ADMIN, Role.ADMIN, Role.ADMIN])]
        if chance.random() < 0.5:
            return headers | {"Authorization": b"Bearer " + who.key.encode()}, None
        return headers | {"Cookie": b"session=" + who.session.encode(), "Sec-Fetch-Site": b"same-origin"}, who

    def id_for(self, address: str, otherwise: str) -> str:
        """The id of something that is there, for an address with one."""
        return next((id for kind, id in self.ids.items() if f"/{kind}/{{id}}" in address), otherwise)

    def fields(self, chance: random.Random, form: str, text: str) -> bytes:
        """A form of the pages', of which each field is right or the text that is given."""
        right = {
            "email": "victim@example.org", "password": PASSWORD, "old": PASSWORD, "role": "viewer", "days": "30",
            "name": "Eve", "code": "123456", "token": chance.choice([*self.ids.values()]),
        }  # fmt: skip
        named = [name for name in FIELDS if chance.random() < 0.6 and name != "form"]
        values = [(name, text if chance.random() < 0.5 else quote(right.get(name, ""))) for name in named]
        return "&".join(f"{name}={value}" for name, value in [*values, ("form", form)]).encode()
