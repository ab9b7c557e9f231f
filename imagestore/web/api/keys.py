"""API keys, with which programs ask. Several of one name may be good at once, so that they are exchanged in peace.

People make keys for themselves. With a key, a program exchanges that key and an administrator's program makes others:
none of them may do more than the key that made it, lasts longer, or outlives it.
"""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BeforeValidator, Field, StringConstraints

from imagestore.accounts.callers import Caller, Means
from imagestore.accounts.keys import DAYS, MOST_DAYS, Key
from imagestore.accounts.people import LONGEST_NAME, name_pattern
from imagestore.accounts.roles import Role, lower
from imagestore.errors import NotFound
from imagestore.store.models import NAME
from imagestore.web.answers import NewKey
from imagestore.web.api.account import person
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards.access import CallerDep, NoteDep
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/keys", tags=["Keys"])
KeyId = Annotated[str, Path(pattern="^key-[0-9a-f]{32}$", description="The key's id.")]


def _no_word(days: object) -> object:
    """Refuse `true` and "7", which pydantic takes for whole numbers; 7.0 is one, as JSON Schema says."""
    if isinstance(days, bool | str):
        raise ValueError("a number of days is written as 90")
    return days


Days = Annotated[
    int,
    Field(ge=1, le=MOST_DAYS),
    BeforeValidator(_no_word),
    Body(embed=True, description="For how many days it is good."),
]


@router.get("", operation_id="keys")
def list_keys(
    services: ServicesDep,
    caller: CallerDep,
    all: Annotated[bool, Query(description="Those of everybody, for administrators.")] = False,
) -> list[Key]:
    """One's keys, the newest first: what they are called and may do, and when they were used. Not the keys."""
    if not all and caller.means is not Means.LOCAL:
        return services.accounts.keys.list(caller.account)
    if caller.role is not Role.ADMIN:
        raise ApiProblem(403, "role_needed", "Only an administrator sees the keys of others.", more={"needed": "admin"})
    return services.accounts.keys.list()


@router.post("", status_code=201, operation_id="createKey")
def create_key(
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    name: Annotated[
        str, Body(embed=True, max_length=LONGEST_NAME, pattern=name_pattern(), description="What it is for.")
    ],
    role: Annotated[Role | None, Body(embed=True, description="What it may do; at most what you may.")] = None,
    days: Days = DAYS,
    projects: Annotated[
        list[Annotated[str, StringConstraints(pattern=NAME)]] | None,
        Body(embed=True, min_length=1, max_length=100, description="The projects that it is for alone."),
    ] = None,
) -> NewKey:
    """Make a key. It is shown once. Without a role it has yours; with a higher one it is refused.

    A person makes keys of their own. With an administrator's key one makes keys that end with it, whatever `days` says,
    and that are revoked with it.
    """
    made_with = _asking(services, caller)
    if made_with is not None and caller.role is not Role.ADMIN:
        detail = "A program with a key makes no keys, but for an administrator's. Sign in, and make it on your page."
        raise ApiProblem(403, "session_needed", detail)
    if made_with is not None:
        owner = made_with.account
    else:
        owner = None if caller.means is Means.LOCAL else person(services, caller).id
    given = role or caller.role
    if not caller.role.covers(given):
        detail = f"A key cannot do more than its owner: yours is the role {caller.role}."
        raise ApiProblem(403, "role_needed", detail, more={"needed": str(given)})
    return _made(note, *services.accounts.keys.create(name, given, owner, days, made_with, _known(services, projects)))


@router.post("/{id}/rotate", status_code=201, operation_id="rotateKey")
def rotate_key(services: ServicesDep, caller: CallerDep, note: NoteDep, id: KeyId, days: Days = DAYS) -> NewKey:
    """Make another key of the same name and role. The old one stays good until you revoke it or it expires.

    A person who has signed in gives a key more time so. With a key the new one expires when that key does, at the
    latest, and stays when the new one is used to revoke the old one.
    """
    key = _key(services, caller, id)
    role = lower(key.role, caller.role)
    made_with = _asking(services, caller)
    if made_with is None and caller.means is not Means.LOCAL:
        person(services, caller)
    note.before = {"key": key.id}
    return _made(note, *services.accounts.keys.create(key.name, role, key.account, days, made_with, key.projects))


@router.delete("/{id}", status_code=204, operation_id="revokeKey")
def revoke_key(services: ServicesDep, caller: CallerDep, note: NoteDep, id: KeyId) -> Response:
    """Make a key useless at once, with those that were made with it; on other instances of the app within half a
    minute."""
    key = _key(services, caller, id)
    ended = services.accounts.keys.revoke(key.id, caller.by)
    services.accounts.callers.forget(*ended)
    note.before = {"role": str(key.role), "account": key.account}
    note.after = {"also": also} if (also := [one for one in ended if one != key.id]) else {}
    return Response(status_code=204)


def _made(note: NoteDep, secret: str, key: Key) -> NewKey:
    note.after = {"key": key.id, "role": str(key.role), "expires_at": key.expires_at}
    return NewKey(secret, key)


def _known(services: Services, projects: list[str] | None) -> tuple[str, ...] | None:
    """The names of these projects. Raises NotFound if one is not there."""
    return None if projects is None else tuple(services.stores.projects.open(one).name for one in projects)


def _asking(services: Services, caller: Caller) -> Key | None:
    """The key with which is asked, or of which the token is; None for who has signed in and on this machine."""
    return services.accounts.keys.get(caller.by) if caller.means in (Means.KEY, Means.TOKEN) else None


def _key(services: Services, caller: Caller, id: str) -> Key:
    """The key with this id, if it is the caller's own or the caller is an administrator. Raises NotFound else."""
    key = services.accounts.keys.get(id)
    is_own = key is not None and (key.account == caller.account or key.id == caller.by)
    if key is None or not (is_own or caller.role is Role.ADMIN):
        raise NotFound("There is no such key of yours. It may have been revoked, or have expired.")
    return key
