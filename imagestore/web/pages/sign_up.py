"""The page on which everybody may ask for an account, where a setting says so.

It asks for an email address alone, and a link that makes the account is sent there. So nobody has an account with the
address of somebody else, and the page tells nobody whether an address has one.
"""

from fastapi import APIRouter, Request, Response

from imagestore.accounts.mailed_links import MailedLinks
from imagestore.settings import Auth, SignUp
from imagestore.web.api.common import ServicesDep
from imagestore.web.pages.email_form import EmailForm
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter()
_FORM = EmailForm(
    title="Make an account",
    lead="With it you can look at the pictures. A link to make it is sent to your email address.",
    action="/sign-up",
    back="I have an account",
    sent="If what you gave is an email address, a link to make your account is on its way there. It works once.",
)


@router.get("/sign-up")
def sign_up_page(request: Request, services: ServicesDep) -> Response:
    """Ask for an email address, where everybody may have an account."""
    _mail(services)
    return _FORM.shown(request, services)


@router.post("/sign-up")
async def sign_up(request: Request, services: ServicesDep) -> Response:
    """Send a link with which a viewer's account is made."""
    return await _FORM.answered(request, services, _mail(services).ask_account)


def _mail(services: Services) -> MailedLinks:
    mail, options = services.accounts.mail, services.options
    if mail is None or options.sign_up is not SignUp.OPEN or options.auth is Auth.OFF:
        raise ApiProblem(404, "http", "There is nothing at this address.")
    return mail
