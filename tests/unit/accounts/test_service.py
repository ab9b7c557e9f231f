"""Joining, signing in, other passwords; and what nobody learns from the answers."""

import threading
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from imagestore.accounts.attempts import ADDRESS as ADDRESS_LIMIT
from imagestore.accounts.attempts import PAIR
from imagestore.accounts.passwords import Passwords
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.errors import Conflict, LinkRefused, NotAccepted, SignInRefused, TooManyAttempts
from unit.accounts.conftest import ADDRESS, PASSWORD, Clock

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


def test_sign_up_makes_viewers(accounts: Accounts, maria: Account) -> None:
    account = accounts.sign_up("new@example.org", "New", PASSWORD, ADDRESS)
    assert account.role is Role.VIEWER
    with pytest.raises(Conflict):
        accounts.sign_up("maria@example.org", "M", PASSWORD, ADDRESS)


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
