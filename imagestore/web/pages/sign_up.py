"""The page on which everybody may ask for an account, where a setting says so.

It asks for an email address alone, and a link that makes the account is sent there. So nobody has an account with the
address of somebody else, and the page tells nobody whether an address has one.
"""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from imagestore.accounts.email_address import LONGEST_EMAIL
from imagestore.accounts.mailed_links import MailedLinks
from imagestore.errors import AccessError
from imagestore.settings import Auth, SignUp
from imagestore.web.api.common import ServicesDep
from imagestore.web.pages.browser_session import client_address
from imagestore.web.pages.entrance import Field, entrance, read_form
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter()


@router.get("/sign-up")
def sign_up_page(request: Request, services: ServicesDep) -> Response:
    """Ask for an email address, where everybody may have an account."""
    _mail(services)
    return _form(request, services)


@router.post("/sign-up")
async def sign_up(request: Request, services: ServicesDep) -> Response:
    """Send a link with which a viewer's account is made."""
    mail = _mail(services)
    form = await read_form(request, services)
    email = form.get("email", "")
    try:
        await run_in_threadpool(mail.ask_account, email, client_address(request, services))
    except AccessError as error:
        return _form(request, services, email, error)
    lead = "If what you gave is an email address, a link to make your account is on its way there. It works once."
    return entrance(request, services, "Look into your mail", lead, "", "", links=[("/sign-in", "Sign in")])


def _form(request: Request, services: Services, email: str = "", error: AccessError | None = None) -> Response:
    return entrance(
        request,
        services,
        "Make an account",
        "With it you can look at the pictures. A link to make it is sent to your email address.",
        "/sign-up",
        "Send me the link",
        [email_field(email)],
        links=[("/sign-in", "I have an account")],
        error=error,
    )


def email_field(email: str) -> Field:
    """The field that asks for the email address to which a link is sent."""
    return Field("email", "Email address", "email", "username", email[:LONGEST_EMAIL], LONGEST_EMAIL)


def _mail(services: Services) -> MailedLinks:
    mail, options = services.accounts.mail, services.options
    if mail is None or options.sign_up is not SignUp.OPEN or options.auth is Auth.OFF:
        raise ApiProblem(404, "http", "There is nothing at this address.")
    return mail
