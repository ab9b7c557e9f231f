"""The pages for who has not signed in: sign in, accept an invitation, set another password; and to sign out.

They need no scripts. What is sent is checked for a token of our own form, and an answer never says whether there is an
account with an email address.
"""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from imagestore.accounts.email_address import LONGEST_EMAIL, normalised
from imagestore.accounts.links import Link, Purpose
from imagestore.accounts.passwords import LONGEST, SHORTEST
from imagestore.accounts.people import LONGEST_NAME, Account, account_id
from imagestore.errors import AccessError, Conflict, LinkRefused, NotAccepted, SignInRefused
from imagestore.settings import Auth, SignUp
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards.access import CallerDep
from imagestore.web.pages.browser_session import agent_of, client_address, entered, left, note_attempt, note_refusal
from imagestore.web.pages.entrance import LONGEST_NEXT, Field, entrance, read_form, safe_next
from imagestore.web.pages.openid_sign_in import begin_at
from imagestore.web.services import Services

router = APIRouter()
PASSWORD_HINT = f"{SHORTEST} characters at least; three or four words that do not go together are easy to remember."
_ASK_AN_ADMINISTRATOR = " An administrator can send you a link if you have forgotten the password."
Token = Annotated[str, Query(max_length=200)]
Next = Annotated[str, Query(max_length=LONGEST_NEXT)]


@router.get("/sign-in")
def sign_in_page(request: Request, services: ServicesDep, next: Next = "") -> Response:
    """Ask for email address and password."""
    if services.options.auth is Auth.OFF:
        return RedirectResponse(safe_next(next), 303)
    return _sign_in_form(request, services, next)


@router.post("/sign-in")
async def sign_in(request: Request, services: ServicesDep) -> Response:
    """Begin a session."""
    form = await read_form(request, services)
    email, address = form.get("email", ""), client_address(request, services)
    target = known_account_id(email)

    def check() -> tuple[Account, str, bool]:
        account = services.accounts.check_password(email, form.get("password", ""), address)
        if services.accounts.factors.find(account.id) is not None:
            return account, services.accounts.links.allow_code(account.id), True
        return account, services.accounts.sign_in(account, address, agent_of(request)), False

    try:
        account, token, needs_code = await run_in_threadpool(check)
    except AccessError as error:
        await note_refusal(services, request, "sign_in", target, error)
        return _sign_in_form(request, services, form.get("next", ""), email, error)
    if needs_code:
        await note_attempt(services, request, "sign_in", account.id, account.id, "code_asked")
        return _code_form(request, services, token, form.get("next", ""))
    await note_attempt(services, request, "sign_in", account.id, account.id)
    return await entered(request, services, token, form.get("next", ""))


@router.post("/sign-in/code", name="sign_in")
async def give_code(request: Request, services: ServicesDep) -> Response:
    """Begin a session for who gave the right password before, with the second factor."""
    form = await read_form(request, services)
    token, next, address = form.get("token", ""), form.get("next", ""), client_address(request, services)
    links = services.accounts.links
    target = ""

    def check() -> tuple[Account, str]:
        nonlocal target
        target = links.look(Purpose.CODE, token).account or ""
        account = services.accounts.check_code(target, form.get("code", ""), address)
        links.use(Purpose.CODE, token)
        return account, services.accounts.sign_in(account, address, agent_of(request), has_factor=True)

    try:
        account, session = await run_in_threadpool(check)
    except LinkRefused:
        late = SignInRefused("This took too long, or was completed already. Begin again with your password.")
        return _sign_in_form(request, services, next, error=late)
    except AccessError as error:
        await note_refusal(services, request, "sign_in", target, error)
        return _code_form(request, services, token, next, error)
    await note_attempt(services, request, "sign_in", account.id, account.id)
    return await entered(request, services, session, next)


@router.get("/sign-out")
def sign_out_page(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Ask whether to sign out: a mere link must not do it."""
    lead = f"You are signed in as {caller.name}."
    return entrance(request, services, "Sign out", lead, "/sign-out", "Sign out", links=[("/", "Stay signed in")])


@router.post("/sign-out")
async def sign_out(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """End the session."""
    await read_form(request, services)

    def end() -> None:
        services.accounts.sessions.end(caller.by, caller.account)
        services.accounts.callers.forget(caller.by)

    await run_in_threadpool(end)
    return left(services)


@router.get("/invitation")
def invitation_page(request: Request, services: ServicesDep, token: Token = "") -> Response:
    """Ask who was invited for a name and a password."""
    try:
        link = services.accounts.links.look(Purpose.INVITATION, token)
    except LinkRefused as error:
        return _refused(request, services, "Invitation", error)
    return _invitation_form(request, services, token, link)


@router.post("/invitation")
async def join(request: Request, services: ServicesDep) -> Response:
    """Make an account and begin its first session."""
    form = await read_form(request, services)
    token, address = form.get("token", ""), client_address(request, services)

    def make() -> tuple[Account, str]:
        account = services.accounts.join(
            token, form.get("email", ""), form.get("name", ""), form.get("password", ""), address
        )
        return account, services.accounts.sign_in(account, address, agent_of(request))

    try:
        account, session = await run_in_threadpool(make)
    except LinkRefused as error:
        await note_refusal(services, request, "join", "", error)
        return _refused(request, services, "Invitation", error)
    except (AccessError, Conflict) as error:
        link = await run_in_threadpool(services.accounts.links.look, Purpose.INVITATION, token)
        return _invitation_form(request, services, token, link, form, error)
    await note_attempt(services, request, "join", account.id, account.id, after={"role": str(account.role)})
    return await entered(request, services, session, "/")


@router.get("/reset")
def reset_page(request: Request, services: ServicesDep, token: Token = "") -> Response:
    """Ask for another password."""
    try:
        services.accounts.links.look(Purpose.RESET, token)
    except LinkRefused as error:
        return _refused(request, services, "Another password", error)
    return _reset_form(request, services, token)


@router.post("/reset")
async def reset(request: Request, services: ServicesDep) -> Response:
    """Set another password; all sessions of the account end. Who did it signs in with it."""
    form = await read_form(request, services)
    token = form.get("token", "")
    try:
        account = await run_in_threadpool(
            services.accounts.reset, token, form.get("password", ""), client_address(request, services)
        )
    except LinkRefused as error:
        await note_refusal(services, request, "reset", "", error)
        return _refused(request, services, "Another password", error)
    except AccessError as error:
        return _reset_form(request, services, token, error)
    await note_attempt(services, request, "reset", account.id, account.id)
    return RedirectResponse("/sign-in", 303)


def _sign_in_form(
    request: Request, services: Services, next: str, email: str = "", error: AccessError | None = None
) -> Response:
    has_mail = services.accounts.mail is not None
    links = [("/sign-up", "Make an account")] if has_mail and services.options.sign_up is SignUp.OPEN else []
    if has_mail:
        links = [("/sign-in/forgotten", "I have forgotten my password"), *links]
    query = urlencode({"next": safe_next(next)})
    elsewhere = [
        (f"{begin_at(one.options.id)}?{query}", f"Sign in with {one.options.name}")
        for one in services.accounts.issuers.for_sign_in
    ]
    return entrance(
        request,
        services,
        "Sign in",
        f"With the email address and the password of your account.{'' if has_mail else _ASK_AN_ADMINISTRATOR}",
        "/sign-in",
        "Sign in",
        [
            Field("email", "Email address", "email", "username", email[:LONGEST_EMAIL], LONGEST_EMAIL),
            Field("password", "Password", "password", "current-password", longest=LONGEST),
        ],
        kept={"next": safe_next(next)},
        links=[*elsewhere, *links],
        error=error,
    )


def _code_form(
    request: Request, services: Services, token: str, next: str, error: AccessError | None = None
) -> Response:
    return entrance(
        request,
        services,
        "Your second factor",
        "Give the code that your app shows now, or one of your recovery codes if you have lost it.",
        "/sign-in/code",
        "Sign in",
        [Field("code", "Code", "text", "one-time-code")],
        kept={"token": token, "next": safe_next(next)},
        links=[("/sign-in", "Begin again")],
        error=error,
    )


def _invitation_form(
    request: Request,
    services: Services,
    token: str,
    link: Link,
    form: Mapping[str, str] | None = None,
    error: Exception | None = None,
) -> Response:
    email = link.email or (form or {}).get("email", "")
    return entrance(
        request,
        services,
        "Welcome",
        f"You are invited as {_article(str(link.role))}. Choose a name that others see, and a password. "
        f"It has {PASSWORD_HINT}",
        "/invitation",
        "Make my account",
        new_account_fields(email, (form or {}).get("name", ""), is_fixed=link.email is not None),
        kept={"token": token},
        error=error,
    )


def _reset_form(request: Request, services: Services, token: str, error: Exception | None = None) -> Response:
    return entrance(
        request,
        services,
        "Another password",
        f"It ends your sessions everywhere; then sign in with it. It has {PASSWORD_HINT}",
        "/reset",
        "Set the password",
        [Field("password", "New password", "password", "new-password", longest=LONGEST)],
        kept={"token": token},
        error=error,
    )


def _refused(request: Request, services: Services, title: str, error: Exception) -> Response:
    return entrance(request, services, title, "", "", "", links=[("/sign-in", "Sign in")], error=error)


def new_account_fields(email: str, name: str, is_fixed: bool = False) -> list[Field]:
    """What who makes an account is asked for."""
    return [
        Field("email", "Email address", "email", "username", email[:LONGEST_EMAIL], LONGEST_EMAIL, is_fixed),
        Field("name", "Name", "text", "name", name[:LONGEST_NAME]),
        Field("password", "Password", "password", "new-password", longest=LONGEST),
    ]


def known_account_id(email: str) -> str:
    """The id that the account with this email address has, or would have; empty for what is none."""
    try:
        return account_id(normalised(email))
    except NotAccepted:
        return ""


def _article(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"
