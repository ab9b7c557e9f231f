"""The page on which everybody may make an account, where a setting says so.

With a mail server it asks for an email address alone, and sends a link there: the page so says to nobody whether an
address has an account. Without one it cannot help that.
"""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from imagestore.accounts.mailed_links import MailedLinks
from imagestore.accounts.people import LONGEST_EMAIL, Account
from imagestore.errors import AccessError, Conflict
from imagestore.settings import Auth, SignUp
from imagestore.web.api.common import ServicesDep
from imagestore.web.browser_session import agent_of, client_address, entered, note_attempt, note_refusal
from imagestore.web.entrance import Field, entrance, read_form
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services
from imagestore.web.sign_in import PASSWORD_HINT, known_account_id, new_account_fields

router = APIRouter()


@router.get("/sign-up")
def sign_up_page(request: Request, services: ServicesDep) -> Response:
    """Ask for what an account needs, where everybody may have one."""
    _check_open(services)
    return _form(request, services)


@router.post("/sign-up")
async def sign_up(request: Request, services: ServicesDep) -> Response:
    """Make a viewer's account, and begin its first session; with a mail server, send a link to do so."""
    _check_open(services)
    form = await read_form(request, services)
    if services.accounts.mail is not None:
        return await _send(request, services, services.accounts.mail, form)
    address = client_address(request, services)

    def make() -> tuple[Account, str]:
        account = services.accounts.sign_up(
            form.get("email", ""), form.get("name", ""), form.get("password", ""), address
        )
        return account, services.accounts.sign_in(account, address, agent_of(request))

    try:
        account, session = await run_in_threadpool(make)
    except (AccessError, Conflict) as error:
        await note_refusal(services, request, "sign_up", known_account_id(form.get("email", "")), error)
        return _form(request, services, form, error)
    await note_attempt(services, request, "sign_up", account.id, account.id, after={"role": str(account.role)})
    return await entered(request, services, session, "/")


async def _send(request: Request, services: Services, mail: MailedLinks, form: Mapping[str, str]) -> Response:
    try:
        await run_in_threadpool(mail.ask_account, form.get("email", ""), client_address(request, services))
    except AccessError as error:
        return _form(request, services, form, error)
    lead = "If what you gave is an email address, a link to make your account is on its way there. It works once."
    return entrance(request, services, "Look into your mail", lead, "", "", links=[("/sign-in", "Sign in")])


def _form(
    request: Request, services: Services, form: Mapping[str, str] | None = None, error: Exception | None = None
) -> Response:
    given = form or {}
    email, name = given.get("email", ""), given.get("name", "")
    by_mail = services.accounts.mail is not None
    lead = "With it you can look at the pictures. "
    lead += "A link to make it is sent to your email address." if by_mail else f"Its password has {PASSWORD_HINT}"
    return entrance(
        request,
        services,
        "Make an account",
        lead,
        "/sign-up",
        "Send me the link" if by_mail else "Make my account",
        [email_field(email)] if by_mail else new_account_fields(email, name),
        links=[("/sign-in", "I have an account")],
        error=error,
    )


def email_field(email: str) -> Field:
    """The field that asks for the email address to which a link is sent."""
    return Field("email", "Email address", "email", "username", email[:LONGEST_EMAIL], LONGEST_EMAIL)


def _check_open(services: Services) -> None:
    if services.options.sign_up is not SignUp.OPEN or services.options.auth is Auth.OFF:
        raise ApiProblem(404, "http", "There is nothing at this address.")
