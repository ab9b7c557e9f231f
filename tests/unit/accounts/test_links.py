"""A link is good once, for a while, for one purpose."""

import threading

import pytest

from imagestore.accounts.links import Purpose
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.errors import LinkRefused
from unit.accounts.conftest import Clock
from unit.memory_items import MemoryItems


def test_a_link_is_good_once(accounts: Accounts) -> None:
    token, link = accounts.links.invite(Role.TRAINER, "maria@example.org", "ada")
    assert accounts.links.use(Purpose.INVITATION, token) == link
    for _ in range(2):
        with pytest.raises(LinkRefused):
            accounts.links.use(Purpose.INVITATION, token)


def test_of_many_who_use_it_at_once_one_succeeds(accounts: Accounts) -> None:
    for _ in range(20):
        token, _link = accounts.links.invite(Role.ADMIN, None, "ada")
        together, used = threading.Barrier(8), list[bool]()

        def use(token: str = token, together: threading.Barrier = together, used: list[bool] = used) -> None:
            together.wait()
            try:
                accounts.links.use(Purpose.INVITATION, token)
            except LinkRefused:
                return
            used.append(True)

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert used == [True]


def test_an_invitation_resets_nothing_and_the_other_way_round(accounts: Accounts, maria: Account) -> None:
    invitation, _ = accounts.links.invite(Role.ADMIN, None, "ada")
    reset, _ = accounts.links.allow_reset(maria.id, "ada")
    with pytest.raises(LinkRefused):
        accounts.links.use(Purpose.RESET, invitation)
    with pytest.raises(LinkRefused):
        accounts.links.use(Purpose.INVITATION, reset)
    assert accounts.links.use(Purpose.RESET, reset).account == maria.id


def test_a_link_expires_also_where_cosmos_has_not_removed_it_yet(
    accounts: Accounts, items: MemoryItems, clock: Clock
) -> None:
    token, link = accounts.links.invite(Role.VIEWER, None, "ada")
    clock.turn(days=7)
    items.items[link.id] = (items.items[link.id][0], None)
    with pytest.raises(LinkRefused):
        accounts.links.use(Purpose.INVITATION, token)
    assert accounts.links.list() == []


def test_a_link_can_be_taken_back(accounts: Accounts) -> None:
    token, link = accounts.links.invite(Role.VIEWER, None, "ada")
    assert [one.id for one in accounts.links.list()] == [link.id]
    assert accounts.links.revoke(link.id)
    assert not accounts.links.revoke(link.id)
    with pytest.raises(LinkRefused):
        accounts.links.look(Purpose.INVITATION, token)


def test_neither_token_nor_anything_it_could_be_found_by_is_kept(accounts: Accounts, items: MemoryItems) -> None:
    token, _ = accounts.links.invite(Role.VIEWER, None, "ada")
    assert token not in str(items.items)
    assert token[:8] not in str(items.items)
