"""What the API and the pages show of a record: not its vector, and where it was taken not to everybody.

A record holds the location only with KEEP_LOCATION. Whether this request may see it is said in `request.state`, as
`hide_location`, which `access.py` sets before a route runs.
"""

from dataclasses import replace
from typing import Annotated, overload

from fastapi import Depends, Request

from imagestore.accounts.callers import Caller
from imagestore.accounts.roles import Role
from imagestore.record import Record, without_location
from imagestore.store.documents import from_json, to_json
from imagestore.web.answers import Duplicates, Listing


def hidden_from(caller: Caller | None) -> bool:
    """Whether the location is to be hidden from this caller: from viewers, where people sign in."""
    return caller is not None and caller.role is Role.VIEWER


def hides_location(request: Request) -> bool:
    """Whether the location is to be left out of what this request is answered."""
    return bool(getattr(request.state, "hide_location", True))


HideLocation = Annotated[bool, Depends(hides_location)]


@overload
def shown(answer: Record, hide_location: bool) -> Record: ...
@overload
def shown(answer: Listing, hide_location: bool) -> Listing: ...
@overload
def shown(answer: Duplicates, hide_location: bool) -> Duplicates: ...
def shown(answer: Record | Listing | Duplicates, hide_location: bool) -> Record | Listing | Duplicates:
    """The answer, without vectors, and without any location if that is to be hidden."""

    def one(record: Record) -> Record:
        plain = record.with_vector(None)
        return without_location(plain) if hide_location else plain

    if isinstance(answer, Record):
        return one(answer)
    if isinstance(answer, Listing):
        return replace(answer, items=[one(record) for record in answer.items])
    return replace(answer, exact=[one(record) for record in answer.exact], near=[one(record) for record in answer.near])


def shown_json(record: bytes, hide_location: bool) -> bytes:
    """The record in this JSON as JSON, without any location if that is to be hidden."""
    return to_json(without_location(from_json(record))) if hide_location else record
