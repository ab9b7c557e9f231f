"""The page for who has forgotten their password, where a mail server sends the link that sets another one.

The answer is the same after the same work, whether there is an account with the address or not.
"""

from fastapi import APIRouter, Request, Response

from imagestore.accounts.mailed_links import MailedLinks
from imagestore.settings import Auth
from imagestore.web.api.common import ServicesDep
from imagestore.web.pages.email_form import EmailForm
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/sign-in/forgotten")
_FORM = EmailForm(
    title="Forgotten the password?",
    lead="A link that sets another one is sent to the email address of your account.",
    action="/sign-in/forgotten",
    back="Back",
    sent="If there is an account with this email address and a password, a link that sets another password is on its "
    "way there. It works once, within an hour. If none comes, ask an administrator.",
)


@router.get("")
def forgotten_page(request: Request, services: ServicesDep) -> Response:
    """Ask for the email address of the account."""
    _mail(services)
    return _FORM.shown(request, services)


@router.post("")
async def ask_reset(request: Request, services: ServicesDep) -> Response:
    """Send a link to who has an account with this email address and a password."""
    return await _FORM.answered(request, services, _mail(services).ask_reset)


def _mail(services: Services) -> MailedLinks:
    mail = services.accounts.mail
    if mail is None or services.options.auth is Auth.OFF:
        raise ApiProblem(404, "http", "There is nothing at this address: no mail server is set (MAIL_SERVER).")
    return mail
