"""The web app with sign-in, over stores in memory, and people and programs of each role."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from starlette.testclient import TestClient

from imagestore.accounts.keys import Key
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from unit.accounts.conftest import PASSWORD

PUBLIC = "https://pictures.example.org"
COOKIE = "__Host-session"
Answer = Any


@dataclass(frozen=True)
class Person:
    """An account with a session and a key of its own."""

    account: Account
    session: str
    secret: str
    key: Key

    @property
    def cookie(self) -> dict[str, str]:
        """The header of a browser in which this person has signed in."""
        return {"Cookie": f"{COOKIE}={self.session}"}

    @property
    def bearer(self) -> dict[str, str]:
        """The header of a program with this person's key."""
        return {"Authorization": f"Bearer {self.secret}"}


def person(accounts: Accounts, role: Role, name: str | None = None) -> Person:
    """Somebody of this role."""
    shown = name or f"a {role}"
    email = f"{shown.replace(' ', '.')}@example.org"
    account = accounts.people.create(email, shown, role, accounts.passwords.hash(PASSWORD))
    secret, key = accounts.keys.create(f"key of {shown}", role, account.id)
    return Person(account, accounts.sign_in(account, "192.0.2.7", "test"), secret, key)


def form_of(page: Answer) -> dict[str, str]:
    """The hidden fields of the form in a page."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    return {name: unescape(value) for name, value in fields}


class Browser(TestClient):
    """A browser: it keeps cookies and sends what browsers send. It goes nowhere by itself."""

    def __init__(self, app: Any) -> None:
        super().__init__(app, base_url=PUBLIC, raise_server_exceptions=False, follow_redirects=False)

    def submit(self, address: str, page: Answer, **fields: str) -> Answer:
        """Send the form of a page, with these fields filled in."""
        headers = {"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"}
        return self.post(address, data={**form_of(page), **fields}, headers=headers)

    def sign_in(self, email: str, password: str = PASSWORD, next: str = "") -> Answer:
        """Sign in as a person does."""
        page = self.get("/sign-in", params={"next": next} if next else None)
        return self.submit("/sign-in", page, email=email, password=password)
