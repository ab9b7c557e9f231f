"""Who asks is looked up rarely, and who was ended is known soon."""

import pytest

from imagestore.accounts.callers import Means
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.errors import SignInRefused, Unavailable
from unit.accounts.conftest import ADDRESS, Clock
from unit.memory_items import MemoryItems


def test_many_requests_cost_three_reads(accounts: Accounts, maria: Account, items: MemoryItems) -> None:
    token = accounts.sign_in(maria, ADDRESS, "")
    before = items.calls
    for _ in range(60):
        assert accounts.callers.of_session(token).account == maria.id
    assert items.calls == before + 3


def test_what_was_ended_elsewhere_is_known_half_a_minute_later(
    accounts: Accounts, maria: Account, admin: Account, clock: Clock
) -> None:
    session = accounts.sign_in(maria, ADDRESS, "")
    key, kept = accounts.keys.create("camera", Role.VIEWER, maria.id)
    accounts.callers.of_session(session)
    accounts.callers.of_bearer(key)
    clock.turn(seconds=1)
    accounts.people.set_disabled(maria.id, True)  # as another instance would
    accounts.callers.of_session(session)
    clock.turn(seconds=30)
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session)
    with pytest.raises(SignInRefused):
        accounts.callers.of_bearer(key)
    accounts.people.set_disabled(maria.id, False)
    assert accounts.callers.of_bearer(key).by == kept.id
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session), "it began before the account was disabled"


def test_what_was_ended_here_is_known_at_once(accounts: Accounts, maria: Account) -> None:
    session = accounts.sign_in(maria, ADDRESS, "")
    assert accounts.callers.of_session(session).role is Role.CONTRIBUTOR
    accounts.set_role(maria.id, Role.VIEWER)
    assert accounts.callers.of_session(session).role is Role.VIEWER
    accounts.sign_out_everywhere(maria.id)
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session)


def test_a_session_that_a_search_missed_is_ended_too(accounts: Accounts, maria: Account, clock: Clock) -> None:
    session = accounts.sign_in(maria, ADDRESS, "")
    clock.turn(seconds=1)
    accounts.people.end_sessions(maria.id)
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session)


def test_a_key_allows_no_more_than_its_owner_may(accounts: Accounts, maria: Account) -> None:
    strong, _ = accounts.keys.create("strong", Role.ADMIN, maria.id)
    weak, _ = accounts.keys.create("weak", Role.VIEWER, maria.id)
    assert accounts.callers.of_bearer(strong).role is Role.CONTRIBUTOR
    assert accounts.callers.of_bearer(weak).role is Role.VIEWER


def test_a_key_without_an_owner_stands_for_itself(accounts: Accounts) -> None:
    secret, key = accounts.keys.create("importer", Role.TRAINER, None)
    caller = accounts.callers.of_bearer(secret)
    assert (caller.account, caller.role, caller.means) == (key.id, Role.TRAINER, Means.KEY)


def test_a_token_is_good_as_long_as_its_key(accounts: Accounts, maria: Account) -> None:
    secret, key = accounts.keys.create("camera", Role.CONTRIBUTOR, maria.id)
    assert accounts.callers.of_client(key.id, secret).account == maria.id
    token = accounts.tokens.make(key.id, maria.id, Role.VIEWER)
    caller = accounts.callers.of_bearer(token)
    assert (caller.account, caller.role, caller.means) == (maria.id, Role.VIEWER, Means.TOKEN)
    assert accounts.callers.of_bearer(accounts.tokens.make(key.id, maria.id, Role.ADMIN)).role is Role.CONTRIBUTOR
    accounts.keys.revoke(key.id)
    accounts.callers.forget(key.id)
    with pytest.raises(SignInRefused):
        accounts.callers.of_bearer(token)


def test_a_client_is_its_key_and_no_other(accounts: Accounts, maria: Account) -> None:
    secret, key = accounts.keys.create("camera", Role.VIEWER, maria.id)
    another, other = accounts.keys.create("other", Role.VIEWER, maria.id)
    for id, given in ((key.id, another), (other.id, secret), (key.id, ""), (key.id, key.id), ("", secret)):
        with pytest.raises(SignInRefused):
            accounts.callers.of_client(id, given)


def test_while_cosmos_is_away_who_was_known_may_look_and_no_more(
    accounts: Accounts, maria: Account, items: MemoryItems, clock: Clock
) -> None:
    known, unknown = (accounts.sign_in(maria, ADDRESS, "") for _ in range(2))
    assert not accounts.callers.of_session(known).is_stale
    items.is_away = True
    clock.turn(minutes=10)
    assert accounts.callers.of_session(known).is_stale
    with pytest.raises(Unavailable):
        accounts.callers.of_session(unknown)
    clock.turn(minutes=6)
    with pytest.raises(Unavailable):
        accounts.callers.of_session(known)


def test_what_anybody_makes_up_takes_no_memory(accounts: Accounts) -> None:
    for number in range(100):
        with pytest.raises(SignInRefused):
            accounts.callers.of_bearer(f"ims_{number}")
        with pytest.raises(SignInRefused):
            accounts.callers.of_session(str(number))
    assert len(accounts.callers._known) == 0


def test_a_look_that_was_under_way_puts_nobody_back(
    accounts: Accounts, maria: Account, items: MemoryItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read the account before that was changed, and ends after."""
    session = accounts.sign_in(maria, ADDRESS, "")
    get = accounts.people.get

    def changed_meanwhile(id: str) -> Account | None:
        found = get(id)
        monkeypatch.undo()
        accounts.set_disabled(id, True)
        return found

    monkeypatch.setattr(accounts.people, "get", changed_meanwhile)
    assert accounts.callers.of_session(session).account == maria.id, "it was asked before"
    with pytest.raises(SignInRefused):
        accounts.callers.of_session(session)
