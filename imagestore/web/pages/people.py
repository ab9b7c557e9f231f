"""The page of accounts, for administrators: who there is, with which role, and who is invited. It needs no scripts."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from imagestore.accounts.email_address import LONGEST_EMAIL
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.errors import NotFound
from imagestore.web.answers import OneTimeLink
from imagestore.web.api import accounts as operations
from imagestore.web.api.accounts import AccountId, LinkId
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards.access import CallerDep, NoteDep
from imagestore.web.pages.entrance import entrance
from imagestore.web.pages.forms import FormDep, attempted, form_page, role_in
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/people")
DONE = {
    "role": "The role is changed.",
    "disabled": "They are kept out from now on.",
    "enabled": "They may sign in again.",
    "sessions": "Their sessions have ended.",
    "factor": "The second factor is off: their password alone lets them in.",
    "uninvited": "The invitation is taken back.",
    "deleted": "The account is deleted.",
}
Done = Annotated[str, Query(max_length=20)]


@router.get("")
def people(request: Request, services: ServicesDep, done: Done = "") -> Response:
    """Who there is, and who is invited."""
    return _page(request, services, done=DONE.get(done, ""))


@router.post("/invitations", name="invite")
def invite(request: Request, services: ServicesDep, caller: CallerDep, note: NoteDep, form: FormDep) -> Response:
    """Invite somebody, and show the link, this one time."""
    made: list[OneTimeLink] = []
    email = form.get("email", "")[: LONGEST_EMAIL + 1]
    problem = attempted(lambda: made.append(operations.invite(request, services, caller, note, email, role_in(form))))
    said = f"Send this link to {email.strip()}. It makes an account, once, within seven days."
    return _page(request, services, problem, link=made[0] if made else None, link_says=said)


@router.post("/invitations/{id}/revoke", name="uninvite")
def uninvite(request: Request, services: ServicesDep, id: LinkId, form: FormDep) -> Response:
    """Take an invitation back."""
    problem = attempted(lambda: operations.uninvite(services, id))
    return _page(request, services, problem) if problem else _back("uninvited")


@router.post("/{id}/role", name="setRole")
def set_role(request: Request, services: ServicesDep, note: NoteDep, id: AccountId, form: FormDep) -> Response:
    """Give somebody another role."""
    problem = attempted(lambda: operations.set_role(services, note, id, role_in(form)))
    return _page(request, services, problem) if problem else _back("role")


@router.post("/{id}/disable", name="disable")
def disable(request: Request, services: ServicesDep, note: NoteDep, id: AccountId, form: FormDep) -> Response:
    """Keep somebody out."""
    problem = attempted(lambda: operations.disable(services, note, id))
    return _page(request, services, problem) if problem else _back("disabled")


@router.post("/{id}/enable", name="enable")
def enable(request: Request, services: ServicesDep, note: NoteDep, id: AccountId, form: FormDep) -> Response:
    """Let somebody in again."""
    problem = attempted(lambda: operations.enable(services, note, id))
    return _page(request, services, problem) if problem else _back("enabled")


@router.post("/{id}/sessions/end", name="endSessions")
def end_sessions(request: Request, services: ServicesDep, id: AccountId, form: FormDep) -> Response:
    """Sign somebody out everywhere."""
    problem = attempted(lambda: operations.end_sessions(services, id))
    return _page(request, services, problem) if problem else _back("sessions")


@router.post("/{id}/reset", name="allowReset")
def allow_reset(request: Request, services: ServicesDep, caller: CallerDep, id: AccountId, form: FormDep) -> Response:
    """Make a link with which somebody sets another password, and show it, this one time."""
    made: list[OneTimeLink] = []
    problem = attempted(lambda: made.append(operations.allow_reset(request, services, caller, id)))
    said = f"Send this link to {services.accounts.names.of(id)}. It sets another password, once, within a day."
    return _page(request, services, problem, link=made[0] if made else None, link_says=said)


@router.post("/{id}/second-factor/remove", name="removeSecondFactor")
def remove_second_factor(request: Request, services: ServicesDep, id: AccountId, form: FormDep) -> Response:
    """Take the second factor off of somebody who has lost it."""
    problem = attempted(lambda: operations.remove_second_factor(services, id))
    return _page(request, services, problem) if problem else _back("factor")


@router.get("/{id}/delete")
def delete_page(request: Request, services: ServicesDep, id: AccountId) -> Response:
    """Ask whether to delete an account."""
    return _delete_form(request, services, _account(services, id))


@router.post("/{id}/delete", name="deleteAccount")
def delete(request: Request, services: ServicesDep, note: NoteDep, id: AccountId, form: FormDep) -> Response:
    """Delete an account."""
    account = _account(services, id)
    problem = attempted(lambda: operations.delete_account(services, note, id))
    return _delete_form(request, services, account, problem) if problem else _back("deleted")


def _page(
    request: Request,
    services: Services,
    problem: ApiProblem | None = None,
    *,
    link: OneTimeLink | None = None,
    link_says: str = "",
    done: str = "",
) -> Response:
    return form_page(
        request,
        services,
        "people.html",
        problem,
        accounts=operations.list_accounts(services),
        invitations=operations.list_invitations(services),
        roles=list(Role),
        link=link,
        link_says=link_says,
        longest_email=LONGEST_EMAIL,
        done=done,
    )


def _delete_form(request: Request, services: Services, account: Account, problem: ApiProblem | None = None) -> Response:
    return entrance(
        request,
        services,
        f"Delete {account.name}",
        f"The account of {account.email or account.name} goes at once with its sessions and keys, and cannot be "
        "brought back. Pictures stay, and the audit log keeps what was done. To keep somebody out for a while, "
        "disable the account instead.",
        f"/people/{account.id}/delete",
        "Delete the account",
        links=[("/people", "Keep the account")],
        error=problem,
    )


def _account(services: Services, id: str) -> Account:
    account = services.accounts.people.get(id)
    if account is None:
        raise NotFound("There is no such account.")
    return account


def _back(done: str) -> Response:
    return RedirectResponse(f"/people?done={done}", 303)
