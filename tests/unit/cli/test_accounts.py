"""The command line invites, over stores in memory; tests/integration/test_sign_in.py goes the whole way."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from imagestore.accounts.links import Links, Purpose
from imagestore.accounts.people import People
from imagestore.accounts.roles import Role
from imagestore.cli import stores
from imagestore.cli.accounts import app, first_invitation
from imagestore.cli.run import _invite_the_first
from imagestore.errors import Conflict, NotAccepted
from imagestore.settings import Auth, Settings
from imagestore.store import Stores
from unit.memory_items import MemoryItems


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Stores:
    made = cast(Stores, SimpleNamespace(accounts=MemoryItems(), audit=MemoryItems()))
    monkeypatch.setattr(stores, "opened", lambda: made)
    monkeypatch.setattr(stores, "settings", lambda: Settings(public_url="https://pictures.example.org"))
    return made


def invite(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["invite", *arguments])


def test_the_link_that_is_printed_makes_an_account_with_the_role(opened: Stores) -> None:
    done = invite("Maria@Example.org", "--role", "trainer")
    assert done.exit_code == 0
    (line,) = done.stdout.splitlines()
    before, _, token = line.partition("token=")
    assert before == "https://pictures.example.org/invitation?"
    link = Links(opened.accounts).use(Purpose.INVITATION, token)
    assert (link.role, link.email) == (Role.TRAINER, "maria@example.org")
    (entry,) = opened.audit.find("entry")
    assert (entry.document["who"], entry.document["what"]) == ("command-line", "invite")
    assert token not in str(entry)


def test_who_has_an_account_and_what_is_no_address_is_refused(opened: Stores) -> None:
    People(opened.accounts).create("maria@example.org", "Maria", Role.VIEWER, "hash")
    assert isinstance(invite("maria@example.org").exception, Conflict)
    assert isinstance(invite("maria").exception, NotAccepted)
    assert invite("x@example.org", "--role", "root").exit_code == 2


def test_the_first_administrator_is_invited_while_there_is_no_account(
    opened: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    required = Settings(auth=Auth.REQUIRED, public_url="http://localhost:8000")
    _invite_the_first(opened, Settings())
    assert capsys.readouterr().out == ""
    _invite_the_first(opened, required)
    shown = capsys.readouterr().out
    token = shown.partition("http://localhost:8000/invitation?token=")[2].split()[0]
    link = Links(opened.accounts).use(Purpose.INVITATION, token)
    assert (link.role, link.email) == (Role.ADMIN, None)
    People(opened.accounts).create("maria@example.org", "Maria", Role.VIEWER, "hash")
    assert first_invitation(opened, "") is None
