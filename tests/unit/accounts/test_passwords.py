"""Passwords: not guessed easily, never kept, and never checked too many at once."""

import threading

import pytest

from imagestore.accounts.passwords import Passwords, check_strength
from imagestore.errors import NotAccepted, Overloaded
from unit.accounts.conftest import PASSWORD, QUICK


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "x" * 257,
        "password123",
        "qwertyuiop",
        "1234567890",
        "aaaaaaaaaaaa",
        "maria.schmidt",
        "iloveyou2026",
    ],
)
def test_a_password_that_is_easily_guessed_is_refused_with_the_reason(password: str) -> None:
    with pytest.raises(NotAccepted) as said:
        check_strength(password, "maria.schmidt@example.org", "Maria")
    assert len(str(said.value)) > 40
    assert not password or password not in str(said.value)


@pytest.mark.parametrize("password", [PASSWORD, "Kœnigsberger Klöpse 学", "x7#Kq!pL2m", "a" * 20 + PASSWORD])
def test_others_are_taken_whatever_they_are_made_of(password: str) -> None:
    check_strength(password, "maria@example.org", "Maria")


def test_a_hash_says_nothing_and_knows_its_password() -> None:
    passwords = Passwords(QUICK)
    first, second = (passwords.hash(PASSWORD) for _ in range(2))
    assert first != second
    assert PASSWORD not in first
    assert first.startswith("$argon2id$")
    assert passwords.is_right(PASSWORD, first)
    assert not passwords.is_right(PASSWORD + " ", first)
    assert not passwords.is_right(PASSWORD, "no hash")


def test_without_an_account_no_password_is_right_and_one_is_compared_all_the_same() -> None:
    compared = []

    class Counting(type(QUICK)):  # type: ignore[misc]
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            compared.append(hash)
            return bool(super().verify(hash, password))

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    assert not passwords.is_right("nobody's", None)
    assert not passwords.is_right(PASSWORD, None)
    assert len(compared) == 2


def test_no_more_are_checked_at_once_than_the_process_can_bear() -> None:
    busy, let_go = threading.Event(), threading.Event()

    class Slow(type(QUICK)):  # type: ignore[misc]
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            busy.set()
            assert let_go.wait(10)
            return False

    passwords = Passwords(Slow(time_cost=1, memory_cost=8, parallelism=1), at_once=1, patience_s=0.01)
    thread = threading.Thread(target=passwords.is_right, args=(PASSWORD, None))
    thread.start()
    assert busy.wait(10)
    with pytest.raises(Overloaded):
        passwords.is_right(PASSWORD, None)
    let_go.set()
    thread.join()
    assert passwords.is_right(PASSWORD, None) is False
