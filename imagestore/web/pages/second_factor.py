"""Setting a second factor up on the page of one's account, and turning it off. It needs no scripts."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from imagestore.accounts.passwords import LONGEST
from imagestore.accounts.people import Account
from imagestore.accounts.second_factor import link_for_app
from imagestore.errors import SignInRefused
from imagestore.web.api.account import person
from imagestore.web.api.common import AddressDep, ServicesDep
from imagestore.web.guards.access import CallerDep
from imagestore.web.pages.account import back, is_factor_needed, page
from imagestore.web.pages.forms import FormDep, attempted, form_page
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/account/second-factor")
_IS_ON = "It is on. From now on you sign in with your password and a code of your app."
_RENEWED = "These are good from now on, and the recovery codes of before are useless. Your app stays as it is."


@router.get("")
def ask(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Ask for the password of who must set up a second factor before anything else."""
    if not caller.lacks_factor:
        return RedirectResponse("/account", 303)
    return _asked(request, services)


@router.post("", name="beginSecondFactor")
def begin(request: Request, services: ServicesDep, caller: CallerDep, address: AddressDep, form: FormDep) -> Response:
    """Make a secret for an app and show it, to who knows the password."""
    account, secret = person(services, caller), ""

    def make() -> None:
        nonlocal secret
        _check_password(services, account, form, address)
        secret = services.accounts.factors.begin(account.id)

    problem = attempted(make)
    if not problem:
        return _begun(request, services, account, secret)
    return _asked(request, services, problem) if caller.lacks_factor else page(request, services, caller, problem)


@router.post("/confirm", name="confirmSecondFactor")
def confirm(request: Request, services: ServicesDep, caller: CallerDep, address: AddressDep, form: FormDep) -> Response:
    """Turn it on with a first code, and show the recovery codes."""
    account, codes = person(services, caller), list[str]()
    problem = attempted(
        lambda: codes.extend(services.accounts.confirm_factor(account.id, form.get("code", ""), address, caller.by))
    )
    if not problem:
        return _shown(request, services, codes, _IS_ON)
    secret = services.accounts.factors.secret_begun(account.id)
    if secret is None:
        return _asked(request, services, problem) if caller.lacks_factor else page(request, services, caller, problem)
    return _begun(request, services, account, secret, problem)


@router.post("/codes", name="renewRecoveryCodes")
def renew_codes(
    request: Request, services: ServicesDep, caller: CallerDep, address: AddressDep, form: FormDep
) -> Response:
    """Make other recovery codes and show them, to who knows the password. Those of before are useless."""
    account, codes = person(services, caller), list[str]()

    def renew() -> None:
        _check_password(services, account, form, address)
        codes.extend(services.accounts.factors.renew_recovery(account.id))

    problem = attempted(renew)
    return page(request, services, caller, problem) if problem else _shown(request, services, codes, _RENEWED)


@router.post("/off", name="removeSecondFactor")
def turn_off(
    request: Request, services: ServicesDep, caller: CallerDep, address: AddressDep, form: FormDep
) -> Response:
    """Sign in without it from now on, for who knows the password."""
    account = person(services, caller)

    def remove() -> None:
        if is_factor_needed(services, account):
            raise ApiProblem(409, "second_factor_needed", "Your role needs a second factor, so it stays on.")
        _check_password(services, account, form, address)
        services.accounts.remove_factor(account.id)

    problem = attempted(remove)
    return page(request, services, caller, problem) if problem else back("off")


def _check_password(services: Services, account: Account, form: dict[str, str], address: str) -> None:
    if account.password is None:
        raise ApiProblem(409, "no_password", "You sign in elsewhere: how many factors you need is said there.")
    try:
        services.accounts.check_password(account.email, form.get("password", ""), address)
    except SignInRefused:
        raise ApiProblem(403, "wrong_password", "The password is wrong. Nothing was changed.") from None


def _asked(request: Request, services: Services, problem: ApiProblem | None = None) -> Response:
    return form_page(request, services, "second_factor.html", problem, codes=[], secret="", longest=LONGEST, done="")


def _shown(request: Request, services: Services, codes: list[str], lead: str) -> Response:
    return form_page(request, services, "second_factor.html", codes=codes, secret="", lead=lead, done="")


def _begun(
    request: Request, services: Services, account: Account, secret: str, problem: ApiProblem | None = None
) -> Response:
    import segno

    link = link_for_app(secret, account.email)
    picture = segno.make(link, error="m").svg_inline(scale=4, light="white")
    return form_page(
        request,
        services,
        "second_factor.html",
        problem,
        codes=[],
        secret=secret,
        link=link,
        picture=picture,
        done="",
    )
