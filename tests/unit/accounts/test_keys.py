"""API keys: shown once, expiring, revoked one by one."""

from collections.abc import Mapping
from typing import Any

import pytest

from imagestore.accounts.keys import PREFIX
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.errors import NotAccepted, NotFound
from imagestore.store import Item
from unit.accounts.conftest import Clock
from unit.memory_items import MemoryItems


def test_a_key_is_known_until_it_expires(accounts: Accounts, maria: Account, clock: Clock, items: MemoryItems) -> None:
    secret, key = accounts.keys.create("camera", Role.CONTRIBUTOR, maria.id, days=30)
    assert secret.startswith(PREFIX)
    assert secret.startswith(key.begins)
    assert len(key.begins) < len(secret) // 3
    clock.turn(days=29.9)
    assert accounts.keys.find(secret) is not None
    items.items[key.id] = (items.items[key.id][0], None)
    clock.turn(days=0.1)
    assert accounts.keys.find(secret) is None
    assert accounts.keys.list() == []


def test_two_keys_of_one_name_are_good_at_once_so_that_nothing_stops_while_they_are_exchanged(
    accounts: Accounts, maria: Account
) -> None:
    old, old_key = accounts.keys.create("camera", Role.VIEWER, maria.id)
    new, _ = accounts.keys.create("camera", Role.VIEWER, maria.id)
    assert accounts.keys.find(old)
    assert accounts.keys.find(new)
    assert accounts.keys.revoke(old_key.id)
    assert accounts.keys.find(old) is None
    assert accounts.keys.find(new)


def test_when_it_was_used_is_noted(accounts: Accounts, maria: Account, clock: Clock, items: MemoryItems) -> None:
    secret, key = accounts.keys.create("camera", Role.VIEWER, maria.id)
    assert key.used_at is None
    clock.turn(hours=1)
    accounts.keys.find(secret)
    (listed,) = accounts.keys.list(maria.id)
    assert listed.used_at == "2026-11-25T10:00:00.000Z"
    before = items.read(key.id)
    accounts.keys.find(secret)
    assert items.read(key.id) == before, "a write with each request would cost too much"


def test_a_key_is_not_kept(accounts: Accounts, items: MemoryItems) -> None:
    secret, key = accounts.keys.create("camera", Role.VIEWER, None)
    assert secret not in str(items.items)
    assert secret.removeprefix(key.begins) not in str(items.items)


@pytest.mark.parametrize("secret", ["", "ims_", "ims_x", "key-0", "x" * 10_000])
def test_what_is_no_key_is_none(accounts: Accounts, secret: str) -> None:
    assert accounts.keys.find(secret) is None


def test_only_keys_are_revoked(accounts: Accounts, maria: Account) -> None:
    assert not accounts.keys.revoke(maria.id)
    assert accounts.people.get(maria.id) == maria
    with pytest.raises(NotAccepted):
        accounts.keys.create("a\nb", Role.VIEWER, None)


def test_a_key_that_is_revoked_while_it_makes_another_leaves_none(
    accounts: Accounts, items: MemoryItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key = accounts.keys.create("importer", Role.VIEWER, None)
    create = items.create

    def revoked_first(document: Mapping[str, Any]) -> Item:
        accounts.keys.revoke(key.id)
        return create(document)

    monkeypatch.setattr(items, "create", revoked_first)
    with pytest.raises(NotFound):
        accounts.keys.create("importer", Role.VIEWER, None, made_with=key)
    assert accounts.keys.list() == []


def test_a_successor_stays_when_it_ends_its_predecessor_and_ends_with_what_came_before(accounts: Accounts) -> None:
    _, first = accounts.keys.create("first", Role.VIEWER, None)
    _, second = accounts.keys.create("second", Role.VIEWER, None, made_with=first)
    _, third = accounts.keys.create("third", Role.VIEWER, None, made_with=second)
    assert accounts.keys.revoke(second.id, by=third.id) == (second.id,)
    kept = accounts.keys.get(third.id)
    assert kept is not None
    assert kept.made_with == first.id
    assert sorted(accounts.keys.revoke(first.id)) == sorted([first.id, third.id])


def test_with_an_account_go_the_keys_that_were_made_with_its_keys(accounts: Accounts, maria: Account) -> None:
    _, hers = accounts.keys.create("hers", Role.VIEWER, maria.id)
    accounts.keys.create("another's", Role.VIEWER, None, made_with=hers)
    accounts.keys.revoke_all(maria.id)
    assert accounts.keys.list() == []
