"""The account of who asks: who one is, where one is signed in, and what is kept of one."""

from dataclasses import replace
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Path, Response

from imagestore.accounts.audit import NOBODY, Audit, Entry
from imagestore.accounts.callers import Caller, Means
from imagestore.accounts.passwords import LONGEST
from imagestore.accounts.people import Account
from imagestore.errors import NotFound, SignInRefused
from imagestore.web.answers import Me, PersonalData, SessionInfo
from imagestore.web.api.common import AddressDep, ServicesDep
from imagestore.web.guards.access import CallerDep
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/account", tags=["Account"])
SessionId = Annotated[str, Path(pattern="^session-[0-9a-f]{32}$", description="The session's id.")]
_Password = Annotated[str, Body(embed=True, min_length=1, max_length=LONGEST)]
_OwnPassword = Annotated[
    str, Body(embed=True, max_length=LONGEST, description="The account's password; of no account without one.")
]


@router.get("", operation_id="me")
def me(services: ServicesDep, caller: CallerDep) -> Me:
    """Who is asking, with which role and by which means: a session, a key, a token, or by being on this machine."""
    account = services.accounts.people.get(caller.account) if caller.means is not Means.LOCAL else None
    return Me(caller.account, caller.name, account.email if account else None, caller.role, caller.means)


@router.delete("", status_code=204, operation_id="deleteMe")
def delete_me(services: ServicesDep, caller: CallerDep, address: AddressDep, password: _OwnPassword = "") -> Response:
    """Delete one's account with its sessions and keys. The password is asked for, or a sign-in of the last ten minutes
    where the account has none.

    The audit log keeps its id and the network addresses one asked from, until an entry is too old (AUDIT_DAYS).
    """
    account = person(services, caller)
    try:
        services.accounts.confirm(account, caller.by, password, address)
    except SignInRefused as error:
        raise ApiProblem(403, "wrong_password" if account.password else "sign_in_again", f"{error}") from None
    services.accounts.delete(account.id)
    return Response(status_code=204)


@router.get("/data", operation_id="myData")
def my_data(services: ServicesDep, caller: CallerDep) -> PersonalData:
    """All that is kept of one's person, as one file."""
    account = person(services, caller)
    accounts = services.accounts
    kept: dict[str, Any] = msgspec.to_builtins(account)
    return PersonalData(
        account=kept
        | {
            "password": "a hash, which is kept" if account.password else None,
            "second_factor": "on" if accounts.factors.find(account.id) else "off",
        },
        sessions=accounts.sessions.of(account.id),
        keys=accounts.keys.list(account.id),
        audit=_entries_about(accounts.audit, account),
    )


@router.put("/password", status_code=204, operation_id="changePassword")
def change_password(
    services: ServicesDep, caller: CallerDep, address: AddressDep, old: _Password, new: _Password
) -> Response:
    """Set another password. All sessions of the account end, the one that asks included."""
    account = person(services, caller)
    try:
        services.accounts.change_password(account.id, old, new, address)
    except SignInRefused as error:
        raise ApiProblem(403, "wrong_password", f"{error}") from None
    return Response(status_code=204)


@router.get("/sessions", operation_id="sessions")
def sessions(services: ServicesDep, caller: CallerDep) -> list[SessionInfo]:
    """Where one is signed in."""
    return [
        SessionInfo(one.id, one.created_at, one.seen_at, one.expires_at, one.address, one.agent, one.id == caller.by)
        for one in services.accounts.sessions.of(caller.account)
    ]


@router.delete("/sessions", status_code=204, operation_id="signOutEverywhere")
def sign_out_everywhere(services: ServicesDep, caller: CallerDep) -> Response:
    """End all of one's sessions."""
    services.accounts.sign_out_everywhere(person(services, caller).id)
    return Response(status_code=204)


@router.delete("/sessions/{id}", status_code=204, operation_id="endSession")
def end_session(services: ServicesDep, caller: CallerDep, id: SessionId) -> Response:
    """End one of one's sessions."""
    if not services.accounts.sessions.end(id, caller.account):
        raise NotFound("You have no such session. It may have ended.")
    services.accounts.callers.forget(id)
    return Response(status_code=204)


def _entries_about(audit: Audit, account: Account) -> list[Entry]:
    """What somebody did, and what was done to their account, the newest first.

    Of others who did it only the id is told: where they asked from, and with what, is theirs. What is older than the
    account is of another with its id.
    """
    since = account.created_at
    entries = {entry.id: entry for entry in audit.search(who=account.id, since=since, limit=None)}
    for entry in audit.search(target=account.id, since=since, limit=None):
        is_others = entry.who not in (account.id, NOBODY)
        entries.setdefault(entry.id, replace(entry, by="", address="") if is_others else entry)
    return sorted(entries.values(), key=lambda entry: entry.id, reverse=True)


def person(services: Services, caller: Caller) -> Account:
    """The account of who asks, for what a person does with it: with a session, not with a key.

    Raises ApiProblem 403 or 409.
    """
    if caller.means is Means.LOCAL:
        raise ApiProblem(409, "no_account", "Nobody signs in here (AUTH=off), so there is no account of yours.")
    account = services.accounts.people.get(caller.account) if caller.means is Means.SESSION else None
    if account is None:
        raise ApiProblem(403, "session_needed", "Only a person who has signed in may do this, not a key or token.")
    return account
