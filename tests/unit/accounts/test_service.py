"""Joining, signing in, other passwords; and what nobody learns from the answers."""

import threading
from dataclasses import replace

import pyotp
import pytest
from argon2 import PasswordHasher

from imagestore.accounts.attempts import ADDRESS as ADDRESS_LIMIT
from imagestore.accounts.attempts import PAIR, network
from imagestore.accounts.passwords import Passwords
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.errors import (
    Conflict,
    DeletionUnfinished,
    LinkRefused,
    NotAccepted,
    SignInRefused,
    TooManyAttempts,
    Unavailable,
)
from unit.accounts.conftest import ADDRESS, PASSWORD, Clock
from unit.memory_items import MemoryItems

OTHER = "wombat trellis oboe"


def said(accounts: Accounts, email: str, password: str, address: str = ADDRESS) -> str:
    with pytest.raises((SignInRefused, TooManyAttempts)) as caught:
        accounts.check_password(email, password, address)
    return f"{type(caught.value).__name__}: {caught.value}"


def test_the_right_password_signs_in(accounts: Accounts, maria: Account) -> None:
    assert accounts.check_password(" Maria@example.org", PASSWORD, ADDRESS) == maria
    token = accounts.sign_in(maria, ADDRESS, "Firefox")
    caller = accounts.callers.of_session(token)
    assert (caller.account, caller.role) == (maria.id, Role.CONTRIBUTOR)


def test_an_unknown_address_a_wrong_password_and_a_disabled_account_get_one_answer(
    accounts: Accounts, maria: Account
) -> None:
    wrong = said(accounts, "maria@example.org", OTHER)
    assert said(accounts, "nobody@example.org", PASSWORD) == wrong
    assert said(accounts, "no address", PASSWORD) == wrong
    accounts.set_disabled(maria.id, True)
    assert said(accounts, "maria@example.org", PASSWORD) == wrong
    elsewhere = accounts.people.create_federated("https://issuer.example", "1", "e@example.org", "E", Role.VIEWER)
    assert elsewhere.password is None
    assert said(accounts, "e@example.org", PASSWORD) == wrong


def test_who_tries_too_often_waits_and_learns_nothing(accounts: Accounts, maria: Account, clock: Clock) -> None:
    answers = {
        email: [said(accounts, email, OTHER) for _ in range(PAIR.most + 1)]
        for email in ("maria@example.org", "nobody@example.org")
    }
    assert answers["maria@example.org"] == answers["nobody@example.org"]
    assert "Try again in 15 minutes" in said(accounts, "maria@example.org", PASSWORD), "though it is right now"
    assert accounts.check_password("maria@example.org", PASSWORD, "192.0.2.8"), "who asks from elsewhere is let in"
    clock.turn(minutes=15)
    assert accounts.check_password("maria@example.org", PASSWORD, ADDRESS)


def test_of_many_guesses_at_once_no_more_are_compared_than_one_after_the_other(
    accounts: Accounts, maria: Account
) -> None:
    together, answers = threading.Barrier(16), list[str]()

    def guess() -> None:
        together.wait()
        answers.append(said(accounts, "maria@example.org", OTHER))

    threads = [threading.Thread(target=guess) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer.startswith("SignInRefused") for answer in answers) <= PAIR.most


def test_success_begins_the_count_anew(accounts: Accounts, maria: Account) -> None:
    for _ in range(4):
        for _ in range(PAIR.most - 1):
            said(accounts, "maria@example.org", OTHER)
        accounts.check_password("maria@example.org", PASSWORD, ADDRESS)


def test_one_address_cannot_try_all_accounts(accounts: Accounts) -> None:
    answers = [said(accounts, f"{number}@example.org", PASSWORD) for number in range(51)]
    assert answers[49].startswith("SignInRefused")
    assert answers[50].startswith("TooManyAttempts")


def test_addresses_of_one_ipv6_network_are_one_and_those_of_another_are_not(accounts: Accounts) -> None:
    """Else one attacker had as many addresses as there are."""
    answers = [said(accounts, f"{number}@example.org", PASSWORD, f"2001:db8:0:7::{number:x}") for number in range(51)]
    assert answers[49].startswith("SignInRefused")
    assert answers[50].startswith("TooManyAttempts")
    assert said(accounts, "0@example.org", PASSWORD, "2001:db8:0:8::1").startswith("SignInRefused")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("2001:db8:0:7:ffff::1", "2001:db8:0:7::/64"),
        ("2001:db8:0:7::", "2001:db8:0:7::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "unknown"),
    ],
)
def test_what_a_network_address_is_counted_under(address: str, counted: str) -> None:
    assert network(address) == counted


def test_an_invitation_makes_an_account_with_its_role_and_address(accounts: Accounts) -> None:
    token, _ = accounts.links.invite(Role.TRAINER, "maria@example.org", "ada")
    account = accounts.join(token, "evil@example.org", "Maria", PASSWORD, ADDRESS)
    assert (account.email, account.role) == ("maria@example.org", Role.TRAINER)
    assert accounts.check_password("maria@example.org", PASSWORD, ADDRESS) == account
    with pytest.raises(LinkRefused):
        accounts.join(token, "", "Maria", PASSWORD, ADDRESS)


def test_of_the_links_for_the_first_administrator_one_is_good(accounts: Accounts, maria: Account) -> None:
    """Each start prints one until somebody has used one; Maria, who is no administrator, takes it from nobody."""
    one, another = (accounts.links.invite(Role.ADMIN, None, "the machine")[0] for _ in range(2))
    assert accounts.join(one, "ada@example.org", "Ada", PASSWORD, ADDRESS).role is Role.ADMIN
    with pytest.raises(LinkRefused, match="there is one"):
        accounts.join(another, "evil@example.org", "E", PASSWORD, ADDRESS)


def test_a_password_that_is_refused_does_not_use_the_link_up(accounts: Accounts, maria: Account) -> None:
    invitation, _ = accounts.links.invite(Role.VIEWER, None, "ada")
    for email, name, password in (
        ("x@example.org", "X", "short"),
        ("x", "X", PASSWORD),
        ("x@example.org", "", PASSWORD),
    ):
        with pytest.raises(NotAccepted):
            accounts.join(invitation, email, name, password, ADDRESS)
    with pytest.raises(Conflict):
        accounts.join(invitation, "maria@example.org", "M", PASSWORD, ADDRESS)
    assert accounts.join(invitation, "x@example.org", "X", PASSWORD, ADDRESS)
    reset, _ = accounts.links.allow_reset(maria.id, "ada")
    with pytest.raises(NotAccepted):
        accounts.reset(reset, "maria@example.org", ADDRESS)
    assert accounts.reset(reset, OTHER, ADDRESS)


def test_a_reset_sets_another_password_and_ends_all_sessions_and_links(accounts: Accounts, maria: Account) -> None:
    session = accounts.sign_in(maria, ADDRESS, "")
    accounts.callers.of_session(session)
    first, _ = accounts.links.allow_reset(maria.id, "ada")
    second, _ = accounts.links.allow_reset(maria.id, "ada")
    accounts.reset(first, OTHER, ADDRESS)
    for refused in (first, second):
        with pytest.raises(LinkRefused):
            accounts.reset(refused, PASSWORD, ADDRESS)
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session)
    said(accounts, "maria@example.org", PASSWORD)
    assert accounts.check_password("maria@example.org", OTHER, ADDRESS)


def test_who_changes_a_password_knows_the_old_one(accounts: Accounts, maria: Account) -> None:
    with pytest.raises(SignInRefused):
        accounts.change_password(maria.id, OTHER, OTHER, ADDRESS)
    with pytest.raises(NotAccepted):
        accounts.change_password(maria.id, PASSWORD, "password123", ADDRESS)
    accounts.change_password(maria.id, PASSWORD, OTHER, ADDRESS)
    assert accounts.check_password("maria@example.org", OTHER, ADDRESS)


def test_an_old_password_cannot_be_guessed_from_a_stolen_session(accounts: Accounts, maria: Account) -> None:
    for _ in range(PAIR.most):
        with pytest.raises(SignInRefused):
            accounts.change_password(maria.id, OTHER, OTHER, ADDRESS)
    with pytest.raises(TooManyAttempts):
        accounts.change_password(maria.id, PASSWORD, OTHER, ADDRESS)


def test_a_password_is_hashed_anew_where_it_was_hashed_more_weakly(accounts: Accounts, maria: Account) -> None:
    stronger = replace(accounts, passwords=Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)))
    account = stronger.check_password("maria@example.org", PASSWORD, ADDRESS)
    assert account.password is not None
    assert "t=2" in account.password
    assert stronger.check_password("maria@example.org", PASSWORD, ADDRESS) == account


def test_a_deleted_account_leaves_nothing_behind(accounts: Accounts, maria: Account, admin: Account) -> None:
    session = accounts.sign_in(maria, ADDRESS, "")
    key, _ = accounts.keys.create("camera", Role.VIEWER, maria.id)
    reset, _ = accounts.links.allow_reset(maria.id, admin.id)
    accounts.callers.of_session(session)
    accounts.callers.of_bearer(key)
    accounts.delete(maria.id)
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session)
    with pytest.raises(SignInRefused):
        accounts.callers.of_bearer(key)
    with pytest.raises(LinkRefused):
        accounts.reset(reset, OTHER, ADDRESS)
    assert accounts.keys.list(maria.id) == []


def test_a_deletion_that_breaks_off_at_once_says_that_the_account_may_be_closed(
    accounts: Accounts, maria: Account, items: MemoryItems
) -> None:
    """Such as where the service closed it, and its answer was lost."""
    items.is_away = True
    with pytest.raises(DeletionUnfinished, match="may be closed already"):
        accounts.delete(maria.id)


def test_a_deletion_that_others_are_in_the_way_of_tells_no_one_to_try_again_who_cannot_sign_in(
    accounts: Accounts, maria: Account, items: MemoryItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = items.delete

    def changed_first(id: str, etag: str | None = None) -> bool:
        if id == maria.id:
            accounts.rename(id, f"{items.calls}")
        return delete(id, etag)

    monkeypatch.setattr(items, "delete", changed_first)
    with pytest.raises(DeletionUnfinished, match="An administrator deletes the account again"):
        accounts.delete(maria.id)


def test_an_account_whose_deletion_broke_off_is_not_let_in_again(
    accounts: Accounts, maria: Account, items: MemoryItems, clock: Clock
) -> None:
    """Its second factor may be gone."""
    accounts.factors.confirm(maria.id, pyotp.TOTP(accounts.factors.begin(maria.id)).at(clock()))
    breaking = Breaking(items, 1)
    with pytest.raises(DeletionUnfinished):
        accounts.delete(maria.id)
    for again in (False, True):
        with pytest.raises(Conflict, match="Delete it again"):
            accounts.set_disabled(maria.id, False)
        if not again:
            accounts.set_disabled(maria.id, True)
    said(accounts, "maria@example.org", PASSWORD)
    breaking.most = 100
    accounts.delete(maria.id)
    assert accounts.people.get(maria.id) is None


class Breaking:
    """Documents that are deleted `most` times and then no more: there the service has gone away."""

    def __init__(self, items: MemoryItems, most: int) -> None:
        self.most = most
        self._read = items.read
        self._delete, items.delete = items.delete, self.delete  # type: ignore[method-assign]

    def delete(self, id: str, etag: str | None = None) -> bool:
        if self._read(id) is None:
            return False
        if self.most == 0:
            raise Unavailable("deleting a document: ServiceRequestError")
        self.most -= 1
        return self._delete(id, etag)


@pytest.mark.parametrize("most", range(6))
def test_a_deletion_that_breaks_off_anywhere_leaves_nothing_to_another_with_that_address(
    most: int, accounts: Accounts, maria: Account, items: MemoryItems, clock: Clock
) -> None:
    session = accounts.sign_in(maria, ADDRESS, "")
    key, _ = accounts.keys.create("camera", Role.VIEWER, maria.id)
    made_with = accounts.keys.create("made with it", Role.VIEWER, maria.id, made_with=accounts.keys.find(key))[0]
    reset, _ = accounts.links.allow_reset(maria.id, "ada")
    code = pyotp.TOTP(accounts.factors.begin(maria.id)).at(clock())
    accounts.factors.confirm(maria.id, code)
    for good in (key, made_with):
        accounts.callers.of_bearer(good)
    invitation, _ = accounts.links.invite(Role.VIEWER, "maria@example.org", "ada")

    breaking = Breaking(items, most)
    with pytest.raises(DeletionUnfinished, match="An administrator deletes the account again"):
        accounts.delete(maria.id)
    said(accounts, "maria@example.org", PASSWORD)
    for one in (key, made_with):
        with pytest.raises(SignInRefused):
            accounts.callers.of_bearer(one)
    breaking.most = 100
    with pytest.raises(Conflict):
        accounts.join(invitation, "", "Another Maria", OTHER, ADDRESS)
    accounts.delete(maria.id)
    clock.turn(seconds=1)
    with pytest.raises(LinkRefused):
        accounts.join(invitation, "", "Another Maria", OTHER, ADDRESS)
    invitation, _ = accounts.links.invite(Role.VIEWER, "maria@example.org", "ada")
    another = accounts.join(invitation, "", "Another Maria", OTHER, ADDRESS)

    assert another.id == maria.id
    assert accounts.sessions.of(another.id) == []
    assert accounts.keys.list(another.id) == []
    assert accounts.factors.find(another.id) is None
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session)
    with pytest.raises(SignInRefused):
        accounts.callers.of_bearer(key)
    with pytest.raises(LinkRefused):
        accounts.reset(reset, PASSWORD, ADDRESS)


def test_what_is_older_than_an_account_is_not_its_own(accounts: Accounts, maria: Account, clock: Clock) -> None:
    """Such as what a request made that was under way while the account was deleted."""
    accounts.delete(maria.id)
    session = accounts.sign_in(maria, ADDRESS, "")
    key, _ = accounts.keys.create("camera", Role.VIEWER, maria.id)
    reset, _ = accounts.links.allow_reset(maria.id, "ada")
    clock.turn(seconds=1)
    accounts.people.create("maria@example.org", "Another Maria", Role.ADMIN, accounts.passwords.hash(OTHER))
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session)
    with pytest.raises(SignInRefused):
        accounts.callers.of_bearer(key)
    with pytest.raises(LinkRefused):
        accounts.reset(reset, PASSWORD, ADDRESS)


def test_who_joins_finds_nothing_that_another_left_behind(accounts: Accounts, maria: Account) -> None:
    """Whatever the clocks of the instances say."""
    accounts.delete(maria.id)
    session = accounts.sign_in(maria, ADDRESS, "")
    accounts.factors.begin(maria.id)
    token, _ = accounts.links.invite(Role.VIEWER, "maria@example.org", "ada")
    another = accounts.join(token, "", "Another Maria", PASSWORD, ADDRESS)
    assert another.id == maria.id
    assert accounts.factors.secret_begun(another.id) is None
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session)


def test_who_has_joined_is_invited_no_longer(accounts: Accounts) -> None:
    """The first mail was lost, or so it seemed: it would let in again whoever was deleted since."""
    lost, _ = accounts.links.invite(Role.TRAINER, "maria@example.org", "ada")
    another, _ = accounts.links.invite(Role.VIEWER, "mario@example.org", "ada")
    sent, _ = accounts.links.invite(Role.TRAINER, "maria@example.org", "ada")
    accounts.join(sent, "", "Maria", PASSWORD, ADDRESS)
    with pytest.raises(LinkRefused):
        accounts.join(lost, "", "Maria", PASSWORD, ADDRESS)
    assert accounts.join(another, "", "Mario", PASSWORD, ADDRESS)


@pytest.mark.parametrize("links", [1, 2])
def test_who_submits_an_invitation_twice_keeps_what_the_first_made(
    links: int, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other request, with the same link or another, has come as far as the password when the first is answered."""
    tokens = [accounts.links.invite(Role.VIEWER, "maria@example.org", "ada")[0] for _ in range(links)]
    hash, sessions = accounts.passwords.hash, list[str]()

    def join(token: str) -> Account:
        return accounts.join(token, "", "Maria", PASSWORD, ADDRESS)

    def first_is_faster(password: str) -> str:
        monkeypatch.undo()
        sessions.append(accounts.sign_in(join(tokens[0]), ADDRESS, ""))
        return hash(password)

    monkeypatch.setattr(accounts.passwords, "hash", first_is_faster)
    with pytest.raises(LinkRefused):
        join(tokens[-1])
    (session,) = sessions
    assert accounts.callers.of_session(session).role is Role.VIEWER


def test_links_and_client_secrets_cannot_be_guessed_for_long(accounts: Accounts, maria: Account) -> None:
    reset, _ = accounts.links.allow_reset(maria.id, "ada")
    for guess in (
        lambda: accounts.join("x", "x@example.org", "X", PASSWORD, ADDRESS),
        lambda: accounts.reset("x", OTHER, ADDRESS),
        lambda: accounts.client("key-0", "ims_x", ADDRESS),
    ):
        accounts.attempts.forget(ADDRESS_LIMIT, ADDRESS)
        for _ in range(ADDRESS_LIMIT.most):
            with pytest.raises((LinkRefused, SignInRefused)):
                guess()
        with pytest.raises(TooManyAttempts):
            guess()
    with pytest.raises(TooManyAttempts):
        accounts.reset(reset, OTHER, ADDRESS)
    assert accounts.reset(reset, OTHER, "192.0.2.8"), "and the link is still good"
