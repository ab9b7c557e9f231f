"""Who there is, and with which role: for administrators."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Body, Path, Query, Request, Response

from imagestore.accounts.email_address import LONGEST_EMAIL, normalised
from imagestore.accounts.links import Link, Purpose
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.errors import Conflict, NotFound
from imagestore.web.answers import AccountInfo, Invitation, OneTimeLink
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards.access import AuditNote, CallerDep, NoteDep
from imagestore.web.services import Services

router = APIRouter(prefix="/accounts", tags=["Accounts"])
invitations = APIRouter(prefix="/invitations", tags=["Accounts"])
AccountId = Annotated[str, Path(pattern="^account-[0-9a-f]{32}$", description="The account's id.")]
LinkId = Annotated[str, Path(pattern="^link-[0-9a-f]{32}$", description="The invitation's id.")]


@router.get("", operation_id="accounts")
def list_accounts(services: ServicesDep) -> list[AccountInfo]:
    """All accounts, by name."""
    with_factor = services.accounts.factors.accounts()
    found = [info(one, one.id in with_factor) for one in services.accounts.people.all()]
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


@invitations.get("", operation_id="invitations")
def list_invitations(services: ServicesDep) -> list[Invitation]:
    """Invitations that nobody has accepted yet, the newest first. Their links are not kept."""
    return [_invitation(link) for link in services.accounts.links.list() if link.purpose is Purpose.INVITATION]


@invitations.post("", status_code=201, operation_id="invite")
def invite(
    request: Request,
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    email: Annotated[
        str,
        Body(
            embed=True,
            max_length=LONGEST_EMAIL,
            description="Whom to invite.",
            json_schema_extra={"format": "email"},
        ),
    ],
    role: Annotated[Role, Body(embed=True, description="The role that the account will have.")] = Role.VIEWER,
) -> OneTimeLink:
    """Make a link with which somebody makes an account. It is shown once: send it to them."""
    address = normalised(email)
    if services.accounts.people.find(address) is not None:
        raise Conflict("There is an account with this email address already. Change its role instead.")
    token, link = services.accounts.links.invite(role, address, caller.account)
    note.target, note.after = link.id, {"role": str(role)}
    return one_time_link(services, request, token, link)


@invitations.delete("/{id}", status_code=204, operation_id="uninvite")
def uninvite(services: ServicesDep, id: LinkId) -> Response:
    """Take an invitation back."""
    if not services.accounts.links.revoke(id):
        raise NotFound("There is no such invitation. It may have been accepted, or have expired.")
    return Response(status_code=204)


@router.put("/{id}/role", operation_id="setRole")
def set_role(
    services: ServicesDep,
    note: NoteDep,
    id: AccountId,
    role: Annotated[Role, Query(description="The role that the account will have.")],
) -> AccountInfo:
    """Give an account another role. The last administrator keeps theirs."""
    before = _account(services, id)
    after = services.accounts.set_role(id, role)
    note.before, note.after = {"role": str(before.role)}, {"role": str(after.role)}
    return _info(services, after)


@router.put("/{id}/disabled", operation_id="disable")
def disable(services: ServicesDep, note: NoteDep, id: AccountId) -> AccountInfo:
    """Keep somebody out: sessions end, and keys stop working. Not the last administrator."""
    return _set_disabled(services, note, id, True)


@router.delete("/{id}/disabled", operation_id="enable")
def enable(services: ServicesDep, note: NoteDep, id: AccountId) -> AccountInfo:
    """Let somebody in again."""
    return _set_disabled(services, note, id, False)


@router.delete("/{id}/sessions", status_code=204, operation_id="endSessions")
def end_sessions(services: ServicesDep, id: AccountId) -> Response:
    """End all sessions of somebody."""
    services.accounts.sign_out_everywhere(_account(services, id).id)
    return Response(status_code=204)


@router.delete("/{id}/second-factor", status_code=204, operation_id="removeSecondFactor")
def remove_second_factor(services: ServicesDep, id: AccountId) -> Response:
    """Let somebody who has lost their second factor sign in with the password alone."""
    if not services.accounts.remove_factor(id):
        raise NotFound("There is no such account, or it has no second factor.")
    return Response(status_code=204)


@router.post("/{id}/reset", status_code=201, operation_id="allowReset")
def allow_reset(request: Request, services: ServicesDep, caller: CallerDep, id: AccountId) -> OneTimeLink:
    """Make a link with which somebody sets another password. It is shown once: send it to them."""
    account = _account(services, id)
    if account.password is None:
        raise Conflict("This account has no password: its owner signs in elsewhere.")
    token, link = services.accounts.links.allow_reset(id, caller.account)
    return one_time_link(services, request, token, link)


@router.delete("/{id}", status_code=204, operation_id="deleteAccount")
def delete_account(services: ServicesDep, note: NoteDep, id: AccountId) -> Response:
    """Delete an account with its sessions and keys. Not the last administrator's."""
    note.before = {"role": str(_account(services, id).role)}
    services.accounts.delete(id)
    return Response(status_code=204)


def _set_disabled(services: Services, note: AuditNote, id: str, is_disabled: bool) -> AccountInfo:
    before = _account(services, id)
    after = services.accounts.set_disabled(id, is_disabled)
    note.before, note.after = {"is_disabled": before.is_disabled}, {"is_disabled": after.is_disabled}
    return _info(services, after)


def _info(services: Services, account: Account) -> AccountInfo:
    return info(account, services.accounts.factors.find(account.id) is not None)


def info(account: Account, has_second_factor: bool) -> AccountInfo:
    """An account as administrators see it."""
    return AccountInfo(
        id=account.id,
        name=account.name,
        email=account.email,
        role=account.role,
        is_disabled=account.is_disabled,
        created_at=account.created_at,
        issuer=account.issuer,
        has_second_factor=has_second_factor,
    )


def one_time_link(services: Services, request: Request, token: str, link: Link) -> OneTimeLink:
    """A link as it is shown to who made it, once."""
    url = services.public.link(f"/{link.purpose}?{urlencode({'token': token})}", request.headers)
    return OneTimeLink(link.id, url, link.expires_at)


def _invitation(link: Link) -> Invitation:
    return Invitation(link.id, link.email, link.role or Role.VIEWER, link.by, link.created_at, link.expires_at)


def _account(services: Services, id: str) -> Account:
    account = services.accounts.people.get(id)
    if account is None:
        raise NotFound("There is no such account.")
    return account
