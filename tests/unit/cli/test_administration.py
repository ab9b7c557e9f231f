"""`imagestore accounts` and `imagestore keys` do the same over the stores and with an administrator's key."""

from collections.abc import Iterator

import pyotp
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imagestore.accounts.belongings import Belongings
from imagestore.accounts.people import People
from imagestore.accounts.roles import Role
from imagestore.cli import servers
from imagestore.cli import stores as cli_stores
from imagestore.errors import Unavailable
from imagestore.settings import Settings
from imagestore.store import Stores
from imagestore.web.services import Services
from unit.web.conftest import guarded, guarded_app, people, services, stores
from unit.web.signed_in import COOKIE, PUBLIC, Browser, Person

from .distant import Command, command

__all__ = ["guarded", "guarded_app", "people", "services", "stores"]


@pytest.fixture(params=["over the stores", "over the API"])
def imagestore(
    request: pytest.FixtureRequest,
    guarded_app: FastAPI,
    people: dict[Role, Person],
    stores: Stores,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Command]:
    """The command line: on the machine with the stores, and elsewhere with an administrator's key."""
    with TestClient(guarded_app, raise_server_exceptions=False) as http:
        run = command(http, monkeypatch, capsys, people[Role.ADMIN].secret)
        if request.param == "over the stores":
            monkeypatch.delenv(servers.SERVER_VARIABLE)
            monkeypatch.setattr(cli_stores, "opened", lambda: stores)
            monkeypatch.setattr(cli_stores, "settings", lambda: Settings(public_url=PUBLIC))
        yield run


def test_somebody_is_invited(imagestore: Command) -> None:
    done = imagestore("accounts", "invite", "Maria@Example.org", "--role", "trainer")
    assert done.code == 0
    assert done.out.startswith(f"{PUBLIC}/invitation?token=")
    assert len(done.out.splitlines()) == 1
    assert "no email address" in imagestore("accounts", "invite", "maria").err


def test_accounts_are_listed(imagestore: Command, people: dict[Role, Person]) -> None:
    listed = imagestore("accounts", "list").out
    for one in people.values():
        assert one.account.id in listed
        assert one.account.email in listed


def test_a_role_is_given_by_email_address_and_the_last_administrator_keeps_theirs(
    imagestore: Command, people: dict[Role, Person], stores: Stores
) -> None:
    viewer, admin = people[Role.VIEWER].account, people[Role.ADMIN].account
    assert (
        imagestore("accounts", "role", viewer.email.upper(), "trainer").out.strip() == "a viewer has the role trainer."
    )
    changed = People(stores.accounts).get(viewer.id)
    assert changed is not None
    assert changed.role is Role.TRAINER
    refused = imagestore("accounts", "role", admin.id, "viewer")
    assert refused.code == 1
    assert "the only administrator left" in refused.err
    assert "There is no account 'nobody@example.org'" in imagestore("accounts", "disable", "nobody@example.org").err


def test_who_is_disabled_comes_in_no_more_until_enabled(
    imagestore: Command, people: dict[Role, Person], guarded: Services
) -> None:
    viewer = people[Role.VIEWER]
    assert "cannot sign in" in imagestore("accounts", "disable", viewer.account.email).out
    assert "disabled" in imagestore("accounts", "list").out
    assert guarded.accounts.sessions.find(viewer.session) is None
    assert "can sign in again" in imagestore("accounts", "enable", viewer.account.email).out


def test_sessions_end(imagestore: Command, people: dict[Role, Person], guarded: Services) -> None:
    trainer = people[Role.TRAINER]
    assert "signed out everywhere" in imagestore("accounts", "sign-out", trainer.account.email).out
    assert guarded.accounts.sessions.find(trainer.session) is None
    assert COOKIE in trainer.cookie["Cookie"]


def test_a_second_factor_is_taken_off_and_that_is_on_record(
    imagestore: Command, people: dict[Role, Person], guarded: Services
) -> None:
    viewer, factors = people[Role.VIEWER].account, guarded.accounts.factors
    secret = factors.begin(viewer.id)
    factors.confirm(viewer.id, pyotp.TOTP(secret).now())
    assert "second factor" in imagestore("accounts", "list").out
    assert "with the password alone" in imagestore("accounts", "remove-second-factor", viewer.email).out
    assert factors.find(viewer.id) is None
    assert "second factor" not in imagestore("accounts", "list").out
    (entry,) = guarded.accounts.audit.search(what="removeSecondFactor", result="done")
    assert entry.target == viewer.id
    again = imagestore("accounts", "remove-second-factor", viewer.email)
    assert (again.code, "no second factor" in again.err) == (1, True)


def test_who_has_forgotten_the_password_gets_a_link_though_nobody_else_administers(
    imagestore: Command, people: dict[Role, Person], guarded: Services, guarded_app: FastAPI
) -> None:
    admin = people[Role.ADMIN].account
    done = imagestore("accounts", "reset", admin.email)
    (url,) = done.out.splitlines()
    assert url.startswith(f"{PUBLIC}/reset?token=")
    assert "within a day" in done.err
    browser = Browser(guarded_app)
    address = url.removeprefix(PUBLIC)
    assert browser.submit("/reset", browser.get(address), password="wombat trellis oboe").status_code == 303
    assert browser.get(address).status_code == 410
    assert browser.sign_in(admin.email, "wombat trellis oboe").status_code == 303
    (entry,) = guarded.accounts.audit.search(what="allowReset")
    assert entry.target == admin.id
    elsewhere = guarded.accounts.people.create_federated("https://issuer.example", "1", "", "Ada", Role.VIEWER)
    assert "signs in elsewhere" in imagestore("accounts", "reset", elsewhere.id).err


def test_an_address_that_only_looks_like_that_of_an_account_is_of_none(imagestore: Command, guarded: Services) -> None:
    guarded.accounts.people.create("maria@strasse.example", "Maria", Role.VIEWER, "hash")
    assert "There is no account" in imagestore("accounts", "delete", "maria@straße.example", "--yes").err


def test_an_account_is_deleted_if_it_is_said_twice(
    imagestore: Command, people: dict[Role, Person], stores: Stores
) -> None:
    viewer = people[Role.VIEWER].account
    assert imagestore("accounts", "delete", viewer.email).code == 1, "nobody says yes"
    assert People(stores.accounts).get(viewer.id) is not None
    assert imagestore("accounts", "delete", viewer.email, "--yes").out.strip() == "a viewer has no account any more."
    assert People(stores.accounts).get(viewer.id) is None


def test_a_deletion_that_breaks_off_is_on_record(
    imagestore: Command, people: dict[Role, Person], guarded: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: Belongings, account: str) -> None:
        raise Unavailable("deleting a document: ServiceRequestError")

    viewer = people[Role.VIEWER].account
    monkeypatch.setattr(Belongings, "delete", away)
    done = imagestore("accounts", "delete", viewer.email, "--yes")
    assert (done.code, "The account is closed" in done.err) == (1, True)
    entries = list(guarded.accounts.audit.search(what="deleteAccount"))
    assert entries, "each attempt is on record, and the client makes several"
    for entry in entries:
        assert (entry.target, entry.before) == (viewer.id, {"role": "viewer"})
        assert entry.result in ("deletion_unfinished", "503")


def test_keys_are_listed_exchanged_and_revoked(
    imagestore: Command, people: dict[Role, Person], guarded: Services
) -> None:
    key, secret = people[Role.TRAINER].key, people[Role.TRAINER].secret
    listed = imagestore("keys", "list")
    assert key.begins in listed.out
    assert secret not in listed.out
    made = imagestore("keys", "rotate", key.begins + "…")
    (new,) = made.out.splitlines()
    other = guarded.accounts.keys.find(new)
    assert other is not None
    assert (other.name, other.role, other.account) == (key.name, key.role, key.account)
    assert f"imagestore keys revoke {key.id}" in made.err
    assert "Several keys are called 'key of a trainer'" in imagestore("keys", "revoke", key.name).err
    assert "is revoked" in imagestore("keys", "revoke", key.id).out
    assert guarded.accounts.keys.find(secret) is None
    assert "There is no key 'no such'" in imagestore("keys", "revoke", "no such").err


def test_a_key_is_made(imagestore: Command, guarded: Services, people: dict[Role, Person]) -> None:
    made = imagestore("keys", "create", "importer", "--role", "trainer", "--days", "3000")
    (secret,) = made.out.splitlines()
    key = guarded.accounts.keys.find(secret)
    assert key is not None
    assert (key.name, key.role) == ("importer", Role.TRAINER)
    admin = people[Role.ADMIN].key
    if key.made_with is not None:
        assert (key.made_with, key.expires_at) == (admin.id, admin.expires_at)
    assert ("It ends with the key that made it" in made.err) == (key.made_with is not None)


def test_what_was_changed_is_in_the_audit_log(
    imagestore: Command, people: dict[Role, Person], guarded: Services
) -> None:
    viewer = people[Role.VIEWER].account
    imagestore("accounts", "role", viewer.id, "trainer")
    imagestore("accounts", "disable", viewer.id)
    imagestore("accounts", "enable", viewer.id)
    imagestore("keys", "revoke", people[Role.CONTRIBUTOR].key.id)
    entries = {entry.what: entry for entry in guarded.accounts.audit.search()}
    assert entries["setRole"].target == viewer.id
    assert (entries["setRole"].before, entries["setRole"].after) == ({"role": "viewer"}, {"role": "trainer"})
    within, out = {"is_disabled": False}, {"is_disabled": True}
    assert (entries["disable"].before, entries["disable"].after) == (within, out)
    assert (entries["enable"].before, entries["enable"].after) == (out, within)
    assert entries["revokeKey"].target == people[Role.CONTRIBUTOR].key.id
