"""The list of the administrators, of whom one must always be left.

An account and the list are two documents, which cannot be written at once. Two rules keep them together, whatever order
the calls of several come in, and wherever one of them breaks off:

- Who takes an administrator away takes them off the list first, and only then changes or deletes the account as it was
  read before that.
- Who makes one announces them, then writes the account, and has the announcement confirmed at last. That write makes
  every change fail which somebody else based on the account as it was before. An announcement counts for nothing, and
  who takes the administrator away takes it back.

So everybody on the list is an administrator. Where somebody broke off, an administrator may be missing from it, who is
then not counted until somebody makes them one again.
"""

from collections.abc import Callable
from typing import Any

from imagestore.errors import Conflict, LastAdmin
from imagestore.store import Items

ID = "admins"
_TRIES = 8


class Administrators:
    """The list, a document of its own. Every method raises Unavailable, and Conflict where many change it at once."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def announce(self, id: str) -> int | None:
        """Say that this account is about to be written as an administrator's. Returns what confirms it.

        None if it is on the list already: then there is nothing to confirm.
        """
        number: int | None = None

        def announced(list: dict[str, Any]) -> dict[str, Any]:
            nonlocal number
            number = None if id in list["admins"] else list["announced"] + 1
            if number is None:
                return list
            return list | {"announced": number, "coming": list["coming"] | {id: number}}

        self._change(announced)
        return number

    def confirm(self, id: str, number: int) -> None:
        """The account was written: it is on the list from now on, unless somebody took it away since."""

        def confirmed(list: dict[str, Any]) -> dict[str, Any]:
            if list["coming"].get(id) != number:
                return list
            return list | {"admins": [*list["admins"], id], "coming": _without(list["coming"], id)}

        self._change(confirmed)

    def remove(self, id: str) -> None:
        """Take an account off the list, before it is changed or deleted. Raises LastAdmin if nobody would be left."""

        def removed(list: dict[str, Any]) -> dict[str, Any]:
            left = [one for one in list["admins"] if one != id]
            if not left:
                raise LastAdmin(
                    "This is the only administrator left, so nothing was changed. Make somebody else one first."
                )
            return list | {"admins": left, "coming": _without(list["coming"], id)}

        self._change(removed)

    def _change(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        for _ in range(_TRIES):
            item = self._items.read(ID)
            empty = {"id": ID, "type": ID, "admins": [], "coming": {}, "announced": 0}
            before = empty if item is None else empty | item.document
            after = change(before)
            if after == before:
                return
            try:
                if item is None:
                    self._items.create(after)
                else:
                    self._items.replace(after, item.etag)
            except Conflict:
                continue
            return
        raise Conflict("Others keep changing who is an administrator. Try again.")


def _without(coming: dict[str, int], id: str) -> dict[str, int]:
    return {one: number for one, number in coming.items() if one != id}
