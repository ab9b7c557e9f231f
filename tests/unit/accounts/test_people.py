"""Accounts: one for each email address, and always an administrator."""

import threading
from dataclasses import replace

import pytest

from imagestore.accounts.email_address import normalised
from imagestore.accounts.people import Account, People, account_id, federated_id
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.errors import Conflict, LastAdmin, NotAccepted, NotFound
from unit.memory_items import MemoryItems


@pytest.mark.parametrize("written", ["Maria@Example.ORG", "  maria@example.org\n", "maria@ｅxample.org"])
def test_there_is_one_account_for_an_email_address_however_it_is_written(
    written: str, accounts: Accounts, maria: Account
) -> None:
    assert accounts.people.find(normalised(written)) == maria
    with pytest.raises(Conflict, match="already"):
        accounts.people.create(written, "Another", Role.ADMIN, "hash")
    assert accounts.people.find("maria@example.org") == maria


def test_two_domains_have_two_accounts(accounts: Accounts) -> None:
    one, other = (
        accounts.people.create(f"maria@{domain}", "Maria", Role.VIEWER, "hash")
        for domain in ("strasse.example", "straße.example")
    )
    assert one.id != other.id
    assert accounts.people.find(normalised("Maria@STRASSE.example")) == one


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\u202eb", "a\nb"])
def test_a_name_can_be_seen(name: str, accounts: Accounts) -> None:
    with pytest.raises(NotAccepted):
        accounts.people.create("x@example.org", name, Role.VIEWER, "hash")


def test_an_id_is_the_same_for_ever_and_tells_no_address() -> None:
    assert account_id("maria@example.org") == "account-8934e564515e9ed9a4f6ec252eb8d5bd"
    assert account_id(normalised("Mária@München.example")) == "account-b18c128633474e15b026fa49c7321a14"


def test_somebody_who_signs_in_elsewhere_is_not_who_has_the_same_address_here(
    accounts: Accounts, maria: Account
) -> None:
    assert maria.email is not None
    other = accounts.people.create_federated("https://issuer.example", "sub-1", maria.email, "Maria", Role.VIEWER)
    assert other.id == federated_id("https://issuer.example", "sub-1")
    assert other.id != maria.id
    assert accounts.people.find(maria.email) == maria


def test_the_last_administrator_stays(accounts: Accounts, admin: Account) -> None:
    people = accounts.people
    for refused in (
        lambda: people.set_role(admin.id, Role.TRAINER),
        lambda: people.set_disabled(admin.id, True),
        lambda: people.delete(admin.id),
    ):
        with pytest.raises(LastAdmin):
            refused()
    assert people.get(admin.id) == admin


def test_an_administrator_goes_once_there_is_another(accounts: Accounts, admin: Account, maria: Account) -> None:
    people = accounts.people
    people.set_role(maria.id, Role.ADMIN)
    people.set_disabled(maria.id, True)
    with pytest.raises(LastAdmin):
        people.delete(admin.id)
    people.set_disabled(maria.id, False)
    people.delete(admin.id)
    assert people.get(admin.id) is None
    with pytest.raises(LastAdmin):
        people.set_role(maria.id, Role.VIEWER)


def test_of_two_administrators_who_take_each_other_away_at_once_one_stays(items: MemoryItems) -> None:
    for turn in range(30):
        people = People(items)
        both = [people.create(f"{who}{turn}@example.org", who, Role.ADMIN, "hash") for who in ("a", "b")]
        for other in list(people.all()):
            if other.id not in {one.id for one in both}:
                people.set_role(other.id, Role.VIEWER)
        together = threading.Barrier(2)

        def take_away(id: str, people: People = people, together: threading.Barrier = together) -> None:
            together.wait()
            try:
                people.set_role(id, Role.VIEWER)
            except LastAdmin:
                return

        threads = [threading.Thread(target=take_away, args=[one.id]) for one in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(account.role is Role.ADMIN for account in people.all()) == 1


def test_changes_of_two_at_once_are_both_kept(accounts: Accounts, maria: Account, admin: Account) -> None:
    people = accounts.people
    did: list[bool] = []

    def change(account: Account) -> Account:
        if not did:
            did.append(True)
            people.set_role(maria.id, Role.TRAINER)
        return replace(account, name="Maria S.")

    people.change(maria.id, change)
    after = people.get(maria.id)
    assert after is not None
    assert (after.name, after.role) == ("Maria S.", Role.TRAINER)


def test_what_is_not_there_is_said(accounts: Accounts, maria: Account) -> None:
    session, kept = accounts.sessions.start(maria.id, "", "")
    assert session
    for id in ("account-0", "admins", kept.id):
        with pytest.raises(NotFound):
            accounts.people.set_role(id, Role.ADMIN)
        with pytest.raises(NotFound):
            accounts.people.delete(id)


def test_whether_there_is_anybody(accounts: Accounts) -> None:
    assert accounts.people.is_empty()
    accounts.people.create("maria@example.org", "Maria", Role.VIEWER, "hash")
    assert not accounts.people.is_empty()
