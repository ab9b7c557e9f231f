"""Accounts over documents in memory, with a clock that tests turn and passwords that are quick to check."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from imagestore.accounts.passwords import Passwords
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.accounts.signing import Tokens, keys_of_this_process
from unit.memory_items import MemoryItems

PASSWORD = "plover gazebo ninety"
ADDRESS = "192.0.2.7"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Clock:
    """A clock that stands still until it is turned."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 11, 25, 9, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.moment

    def turn(self, **by: float) -> None:
        """Let so much time pass."""
        self.moment += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def items(clock: Clock) -> MemoryItems:
    return MemoryItems(clock)


@pytest.fixture
def accounts(items: MemoryItems, clock: Clock) -> Accounts:
    tokens = Tokens(keys_of_this_process(), "https://pictures.example.org", clock)
    made = Accounts.over(items, MemoryItems(clock), tokens, passwords=Passwords(QUICK), clock=clock)
    object.__setattr__(made.callers, "_monotonic", lambda: clock.moment.timestamp())
    return made


@pytest.fixture
def maria(accounts: Accounts) -> Account:
    return accounts.people.create("maria@example.org", "Maria", Role.CONTRIBUTOR, accounts.passwords.hash(PASSWORD))


@pytest.fixture
def admin(accounts: Accounts) -> Account:
    return accounts.people.create("ada@example.org", "Ada", Role.ADMIN, accounts.passwords.hash(PASSWORD))
