"""Ids are shown as names, looked up rarely."""

from imagestore.accounts.names import GONE, KEPT_S, Names
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from unit.memory_items import MemoryItems


def test_an_id_is_shown_as_a_name_as_long_as_there_is_one(
    accounts: Accounts, maria: Account, items: MemoryItems
) -> None:
    seconds = [0.0]
    names = Names(accounts.people, accounts.keys, lambda: seconds[0])
    _, key = accounts.keys.create("camera", Role.VIEWER, None)
    before = items.calls
    for _ in range(20):
        assert [names.of(id) for id in (maria.id, key.id, "root")] == ["Maria", "camera", "root"]
    assert items.calls == before + 2
    accounts.delete(maria.id)
    seconds[0] = KEPT_S
    assert names.of(maria.id) == GONE


def test_while_cosmos_is_away_a_page_shows_what_is_known(
    accounts: Accounts, maria: Account, admin: Account, items: MemoryItems
) -> None:
    seconds = [0.0]
    names = Names(accounts.people, accounts.keys, lambda: seconds[0])
    names.of(maria.id)
    items.is_away, seconds[0] = True, 1000.0
    assert names.of(maria.id) == "Maria"
    assert names.of(admin.id) == admin.id
