"""The page of one's own account: name, password, sessions, keys, one's data, and leaving. It needs no scripts."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from imagestore.accounts.callers import Caller, Means
from imagestore.accounts.keys import MOST_DAYS
from imagestore.accounts.passwords import LONGEST, SHORTEST
from imagestore.accounts.people import LONGEST_NAME, Account
from imagestore.accounts.roles import Role
from imagestore.web.api import account as operations
from imagestore.web.api import keys
from imagestore.web.api.account import SessionId, person
from imagestore.web.api.common import AddressDep, ServicesDep
from imagestore.web.guards import cookies
from imagestore.web.guards.access import CallerDep, NoteDep
from imagestore.web.pages.browser_session import agent_of, left
from imagestore.web.pages.entrance import Field, entrance
from imagestore.web.pages.forms import FormDep, attempted, form_page, role_in
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter()
DONE = {
    "name": "Your name is changed.",
    "password": "Your password is changed. Your other sessions have ended.",
    "session": "The session has ended.",
    "off": "The second factor is off: your password alone lets you in.",
    "revoked": "The key is useless from now on.",
}
_LASTS = {30: "30 days", 90: "90 days", 365: "a year"}
Done = Annotated[str, Query(max_length=20)]


@router.get("/account")
def account_page(request: Request, services: ServicesDep, caller: CallerDep, done: Done = "") -> Response:
    """Who one is, where one is signed in, and one's keys."""
    return page(request, services, caller, done=DONE.get(done, ""))


@router.post("/account/name", name="rename")
def rename(request: Request, services: ServicesDep, caller: CallerDep, form: FormDep) -> Response:
    """Change one's name."""
    account = person(services, caller)
    problem = attempted(lambda: services.accounts.rename(account.id, form.get("name", "")))
    return page(request, services, caller, problem) if problem else back("name")


@router.post("/account/password", name="changePassword")
def change_password(
    request: Request, services: ServicesDep, caller: CallerDep, address: AddressDep, form: FormDep
) -> Response:
    """Set another password. All sessions end, and one begins anew for who asks."""
    has_factor = services.accounts.sessions.has_factor(caller.by)
    problem = attempted(
        lambda: operations.change_password(services, caller, address, form.get("old", ""), form.get("new", ""))
    )
    if problem:
        return page(request, services, caller, problem)
    account = services.accounts.people.get(caller.account)
    if account is None:
        return left(services)
    response = back("password")
    token = services.accounts.sign_in(account, address, agent_of(request), has_factor=has_factor)
    cookies.set_session(response, token, services.public.is_https)
    return response


@router.post("/account/sessions/end", name="signOutEverywhere")
def sign_out_everywhere(services: ServicesDep, caller: CallerDep, form: FormDep) -> Response:
    """End all of one's sessions."""
    operations.sign_out_everywhere(services, caller)
    return left(services)


@router.post("/account/sessions/{id}/end", name="endSession")
def end_session(request: Request, services: ServicesDep, caller: CallerDep, id: SessionId, form: FormDep) -> Response:
    """End one of one's sessions."""
    problem = attempted(lambda: operations.end_session(services, caller, id))
    if problem:
        return page(request, services, caller, problem)
    return left(services) if id == caller.by else back("session")


@router.post("/account/keys", name="createKey")
def create_key(request: Request, services: ServicesDep, caller: CallerDep, note: NoteDep, form: FormDep) -> Response:
    """Make a key and show it, this one time."""
    secret = ""

    def make() -> None:
        nonlocal secret
        secret = keys.create_key(
            services, caller, note, form.get("name", ""), role_in(form), _days(form.get("days", ""))
        ).secret

    problem = attempted(make)
    return page(request, services, caller, problem, secret=secret)


@router.post("/account/keys/{id}/revoke", name="revokeKey")
def revoke_key(
    request: Request, services: ServicesDep, caller: CallerDep, note: NoteDep, id: keys.KeyId, form: FormDep
) -> Response:
    """Make a key useless."""
    problem = attempted(lambda: keys.revoke_key(services, caller, note, id))
    return page(request, services, caller, problem) if problem else back("revoked")


@router.get("/account/data")
def data(services: ServicesDep, caller: CallerDep) -> Response:
    """All that is kept of one's person, as a file."""
    kept = msgspec.json.format(msgspec.json.encode(operations.my_data(services, caller)), indent=2)
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"', "Cache-Control": "no-store"}
    return Response(kept, 200, headers, "application/json")


@router.get("/account/delete")
def delete_page(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Ask whether one's account shall be deleted."""
    return _delete_form(request, services, person(services, caller))


@router.post("/account/delete", name="deleteMe")
def delete(request: Request, services: ServicesDep, caller: CallerDep, address: AddressDep, form: FormDep) -> Response:
    """Delete one's account; who has a password must know it, who has none must have signed in just now."""
    account = person(services, caller)
    problem = attempted(lambda: operations.delete_me(services, caller, address, form.get("password", "")))
    return _delete_form(request, services, account, problem) if problem else left(services)


def page(
    request: Request,
    services: Services,
    caller: Caller,
    problem: ApiProblem | None = None,
    *,
    secret: str = "",
    done: str = "",
) -> Response:
    """The page; `problem` says what was wrong with a form of it, and `secret` is a key to show this one time."""
    is_person = caller.means is Means.SESSION
    account = services.accounts.people.get(caller.account) if is_person else None
    return form_page(
        request,
        services,
        "account.html",
        problem,
        account=account,
        factor=services.accounts.factors.find(account.id) if account else None,
        is_factor_needed=account is not None and is_factor_needed(services, account),
        sessions=operations.sessions(services, caller) if account else [],
        keys=services.accounts.keys.list(caller.account) if account else [],
        roles=[role for role in Role if caller.role.covers(role)],
        lasts=_LASTS,
        longest=LONGEST,
        longest_name=LONGEST_NAME,
        shortest=SHORTEST,
        secret=secret,
        done=done,
    )


def is_factor_needed(services: Services, account: Account) -> bool:
    """Whether this account's role needs a second factor."""
    demand = services.accounts.demand
    return demand is not None and demand.is_for(account)


def _delete_form(request: Request, services: Services, account: Account, problem: ApiProblem | None = None) -> Response:
    password = Field("password", "Password", "password", "current-password", longest=LONGEST)
    again = [] if account.password else [("/sign-in?next=/account/delete", "Sign in again")]
    return entrance(
        request,
        services,
        "Delete my account",
        "Your name, email address, sessions and keys are deleted at once and cannot be brought back. Pictures stay. "
        "What you did stays in the audit log, without your name and email address but with the network addresses you "
        f"did it from, until each entry is {services.options.audit_days} days old.",
        "/account/delete",
        "Delete my account",
        [password] if account.password else [],
        links=[*again, ("/account/data", "Get my data first"), ("/account", "Keep my account")],
        error=problem,
    )


def back(done: str) -> Response:
    """Lead to the page, which says what was done."""
    return RedirectResponse(f"/account?done={done}", 303)


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:6]) <= MOST_DAYS:
        raise ApiProblem(422, "bad_request", f"A key is good for 1 to {MOST_DAYS:,} days.")
    return int(text)
