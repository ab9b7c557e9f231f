"""The page for who has forgotten their password, where a mail server sends the link that sets another one.

The answer is the same after the same work, whether there is an account with the address or not.
"""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from imagestore.accounts.mailed_links import MailedLinks
from imagestore.errors import AccessError
from imagestore.settings import Auth
from imagestore.web.api.common import ServicesDep
from imagestore.web.pages.browser_session import client_address
from imagestore.web.pages.entrance import entrance, read_form
from imagestore.web.pages.sign_up import email_field
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/sign-in/forgotten")


@router.get("")
def forgotten_page(request: Request, services: ServicesDep) -> Response:
    """Ask for the email address of the account."""
    _mail(services)
    return _form(request, services)


@router.post("")
async def ask_reset(request: Request, services: ServicesDep) -> Response:
    """Send a link to who has an account with this email address and a password."""
    mail = _mail(services)
    form = await read_form(request, services)
    email = form.get("email", "")
    try:
        await run_in_threadpool(mail.ask_reset, email, client_address(request, services))
    except AccessError as error:
        return _form(request, services, email, error)
    lead = (
        "If there is an account with this email address and a password, a link that sets another password is on its "
        "way there. It works once, within an hour. If none comes, ask an administrator."
    )
    return entrance(request, services, "Look into your mail", lead, "", "", links=[("/sign-in", "Sign in")])


def _form(request: Request, services: Services, email: str = "", error: AccessError | None = None) -> Response:
    return entrance(
        request,
        services,
        "Forgotten the password?",
        "A link that sets another one is sent to the email address of your account.",
        "/sign-in/forgotten",
        "Send me the link",
        [email_field(email)],
        links=[("/sign-in", "Back")],
        error=error,
    )


def _mail(services: Services) -> MailedLinks:
    mail = services.accounts.mail
    if mail is None or services.options.auth is Auth.OFF:
        raise ApiProblem(404, "http", "There is nothing at this address: no mail server is set (MAIL_SERVER).")
    return mail
