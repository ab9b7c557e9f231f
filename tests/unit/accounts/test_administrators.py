"""The list of administrators; tests/exhaustive/test_administrators.py tries every order of calls."""

import pytest

from imagestore.accounts.administrators import ID, Administrators
from imagestore.errors import LastAdmin
from unit.memory_items import MemoryItems


def listed(items: MemoryItems) -> list[str]:
    item = items.read(ID)
    return [] if item is None else item.document["admins"]


def test_who_is_announced_is_listed_once_that_is_confirmed(items: MemoryItems) -> None:
    administrators = Administrators(items)
    number = administrators.announce("ada")
    assert number is not None
    assert listed(items) == []
    administrators.confirm("ada", number)
    administrators.confirm("ada", number)
    assert listed(items) == ["ada"]
    assert administrators.announce("ada") is None


def test_who_was_taken_away_meanwhile_is_not_confirmed(items: MemoryItems) -> None:
    administrators = Administrators(items)
    for id in ("ada", "mara"):
        number = administrators.announce(id)
        assert number is not None
        if id == "mara":
            administrators.remove(id)
        administrators.confirm(id, number)
    assert listed(items) == ["ada"]


def test_an_announcement_that_another_took_the_place_of_is_not_confirmed(items: MemoryItems) -> None:
    administrators = Administrators(items)
    first, second = administrators.announce("ada"), administrators.announce("ada")
    assert first is not None
    assert second is not None
    administrators.confirm("ada", first)
    assert listed(items) == []
    administrators.confirm("ada", second)
    assert listed(items) == ["ada"]


def test_announcements_do_not_count_for_the_last_one(items: MemoryItems) -> None:
    items.create({"id": ID, "type": ID, "admins": ["ada"]})  # without announcements, as before there were any
    administrators = Administrators(items)
    administrators.announce("mara")
    with pytest.raises(LastAdmin):
        administrators.remove("ada")
    assert listed(items) == ["ada"]
