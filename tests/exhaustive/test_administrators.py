"""Always an administrator: whatever the order of calls, and whatever dies in between, nobody stays on the list who is
gone, and one of those on it is there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from exhaustive.explore import World, explore
from exhaustive.memory import seen, step
from imagestore.accounts.administrators import ID
from imagestore.accounts.people import Account, People, account_id
from imagestore.accounts.roles import Role
from imagestore.errors import Conflict, LastAdmin, NotFound
from imagestore.store import Item
from unit.memory_items import MemoryItems

MOMENT = datetime(2026, 11, 25, 9, tzinfo=UTC)
ADA, MARA = account_id("ada@example.org"), account_id("mara@example.org")
Change = Callable[[People], object]


class SteppingItems(MemoryItems):
    """Documents that stop before every call, once `is_stepping`."""

    is_stepping = False

    def read(self, id: str) -> Item | None:
        self._step("read", id)
        found = super().read(id)
        return seen(found, found and found.etag)

    def create(self, document: Mapping[str, Any]) -> Item:
        self._step("create", document["id"])
        return self._told(lambda: super(SteppingItems, self).create(document))

    def replace(self, document: Mapping[str, Any], etag: str) -> Item:
        self._step("replace", document["id"], etag)
        return self._told(lambda: super(SteppingItems, self).replace(document, etag))

    def delete(self, id: str, etag: str | None = None) -> bool:
        self._step("delete", id, etag)
        try:
            return seen(super().delete(id, etag))
        except Conflict:
            seen("conflict")
            raise

    def brief(self) -> object:
        return tuple(sorted((id, item.etag) for id, (item, _) in self.items.items()))

    def _told(self, write: Callable[[], Item]) -> Item:
        try:
            written = write()
        except Conflict:
            seen("conflict")
            raise
        return seen(written, written.etag)

    def _step(self, *call: object) -> None:
        if self.is_stepping:
            step(*call)


@dataclass
class AccountsWorld(World):
    """A world of accounts."""

    def fingerprint(self) -> int:
        running = tuple(sorted((name, process.learned) for name, process in self.running.items()))
        return hash((self.stores.brief(), self.crashed, running))


def attempt(items: SteppingItems, change: Change) -> None:
    try:
        change(People(items, lambda: MOMENT))
    except (LastAdmin, NotFound, Conflict):
        return


def world(of_mara: Role | None, changes: Mapping[str, Change], *, may_die: bool = True) -> World:
    items = SteppingItems(lambda: MOMENT)
    people = People(items, lambda: MOMENT)
    people.create("ada@example.org", "Ada", Role.ADMIN, "hash")
    if of_mara is not None:
        people.create("mara@example.org", "Mara", of_mara, "hash")
    items.is_stepping = True
    made = AccountsWorld(items, tuple(changes) if may_die else ())
    for name, change in changes.items():
        made.spawn(name, partial(attempt, items, change))
    return made


def everybody(items: SteppingItems) -> dict[str, Account]:
    items.is_stepping = False
    people = {one.id: one for one in People(items, lambda: MOMENT).all()}
    items.is_stepping = True
    return people


def is_admin(account: Account | None) -> bool:
    return account is not None and account.role is Role.ADMIN and not account.is_disabled


def missing(items: SteppingItems) -> str | None:
    listed = items.items[ID][0].document["admins"]
    missed = [id for id, one in everybody(items).items() if is_admin(one) and id not in listed]
    return f"{missed} are missing from the list" if missed else None


def wrong(items: SteppingItems) -> str | None:
    people = everybody(items)
    if not any(map(is_admin, people.values())):
        return "nobody is an administrator"
    listed = items.items[ID][0].document["admins"]
    if ghosts := [id for id in listed if not is_admin(people.get(id))]:
        return f"{ghosts} are listed and are none"
    return None if listed else "nobody is listed"


def create(people: People) -> object:
    return people.create("mara@example.org", "Mara", Role.ADMIN, "hash")


def delete(id: str) -> Change:
    return lambda people: people.delete(id)


def give(id: str, role: Role) -> Change:
    return lambda people: people.set_role(id, role)


def disable(id: str) -> Change:
    return lambda people: people.set_disabled(id, True)


def rename(id: str) -> Change:
    return lambda people: people.rename(id, "M.")


@pytest.mark.parametrize(
    ("of_mara", "one", "another"),
    [
        pytest.param(Role.TRAINER, delete(MARA), give(MARA, Role.ADMIN), id="deleted while promoted"),
        pytest.param(Role.ADMIN, delete(MARA), give(MARA, Role.VIEWER), id="deleted while demoted"),
        pytest.param(Role.TRAINER, give(MARA, Role.VIEWER), give(MARA, Role.ADMIN), id="demoted while promoted"),
        pytest.param(None, create, create, id="created twice", marks=pytest.mark.thorough),
        pytest.param(Role.ADMIN, delete(MARA), rename(MARA), id="deleted while renamed", marks=pytest.mark.thorough),
        pytest.param(
            Role.ADMIN, disable(MARA), give(MARA, Role.ADMIN), id="disabled while promoted", marks=pytest.mark.thorough
        ),
    ],
)
def test_of_the_administrators_one_is_left(of_mara: Role | None, one: Change, another: Change) -> None:
    changes = {"one": one, "another": another, "the other administrator goes": give(ADA, Role.VIEWER)}
    ends, problems = explore(lambda: world(of_mara, changes), wrong)
    assert ends
    assert problems == []


@pytest.mark.parametrize("may_die", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_whom_two_make_an_administrator_at_once_is_on_the_list(may_die: bool) -> None:
    """Such as who signs in elsewhere for the first time, in two requests. Who dies there tries again."""
    changes = {"one": create, "another": create}
    ends, problems = explore(lambda: world(None, changes, may_die=may_die), missing)
    assert ends
    assert problems == []
