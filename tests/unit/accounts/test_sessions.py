"""Sessions end: when nothing is asked for long, after their longest time, and when somebody ends them."""

from imagestore.accounts.people import Account
from imagestore.accounts.service import Accounts
from unit.accounts.conftest import ADDRESS, Clock
from unit.memory_items import MemoryItems


def test_a_session_ends_after_a_while_without_a_request(accounts: Accounts, maria: Account, clock: Clock) -> None:
    token, _ = accounts.sessions.start(maria.id, ADDRESS, "Firefox")
    clock.turn(minutes=119)
    assert accounts.sessions.find(token) is not None
    clock.turn(minutes=119)
    assert accounts.sessions.find(token) is not None, "it was asked for in between"
    clock.turn(minutes=120)
    assert accounts.sessions.find(token) is None


def test_a_session_ends_at_last_however_often_it_is_used(accounts: Accounts, maria: Account, clock: Clock) -> None:
    token, _ = accounts.sessions.start(maria.id, ADDRESS, "Firefox")
    for _ in range(167):
        clock.turn(hours=1)
        assert accounts.sessions.find(token) is not None
    clock.turn(hours=1)
    assert accounts.sessions.find(token) is None


def test_a_session_that_cosmos_has_not_removed_yet_is_over(
    accounts: Accounts, maria: Account, clock: Clock, items: MemoryItems
) -> None:
    for hours in (2, 168):
        token, session = accounts.sessions.start(maria.id, ADDRESS, "Firefox")
        items.items[session.id] = (items.items[session.id][0], None)
        clock.turn(hours=hours)
        assert accounts.sessions.find(token) is None


def test_use_is_noted_every_five_minutes_and_not_with_each_request(
    accounts: Accounts, maria: Account, clock: Clock, items: MemoryItems
) -> None:
    token, session = accounts.sessions.start(maria.id, ADDRESS, "Firefox")
    before = items.read(session.id)
    clock.turn(minutes=4)
    assert accounts.sessions.find(token) == session
    assert items.read(session.id) == before
    clock.turn(minutes=1)
    seen = accounts.sessions.find(token)
    assert seen is not None
    assert seen.seen_at == "2026-11-25T09:05:00.000Z"
    assert accounts.sessions.of(maria.id) == [seen]


def test_a_session_is_ended_by_its_owner_alone(accounts: Accounts, maria: Account, admin: Account) -> None:
    token, session = accounts.sessions.start(maria.id, ADDRESS, "Firefox")
    assert not accounts.sessions.end(session.id, admin.id)
    assert not accounts.sessions.end(maria.id, maria.id), "an account is no session"
    assert accounts.sessions.find(token) is not None
    assert accounts.sessions.end(session.id, maria.id)
    assert accounts.sessions.find(token) is None


def test_the_token_is_not_kept(accounts: Accounts, maria: Account, items: MemoryItems) -> None:
    token, _ = accounts.sessions.start(maria.id, ADDRESS, "x" * 5000)
    assert token not in str(items.items)
    assert len(str(items.items)) < 3000, "nor is all that a browser says of itself"
