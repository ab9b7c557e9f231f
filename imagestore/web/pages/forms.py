"""Pages with forms, which need no scripts: the page gives each form a token, and what is sent must have it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Response

from imagestore.accounts.roles import Role
from imagestore.errors import AccessError, Conflict, NotAWebhook, NotFound
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards import cookies
from imagestore.web.pages.entrance import read_form
from imagestore.web.pages.rendering import render
from imagestore.web.problems import ApiProblem, problem_of
from imagestore.web.services import Services


async def _sent(request: Request, services: ServicesDep) -> dict[str, str]:
    return await read_form(request, services)


FormDep = Annotated[dict[str, str], Depends(_sent)]
"""What a form of ours sent; a form of another site is refused with 403."""


def form_page(
    request: Request, services: Services, name: str, problem: ApiProblem | None = None, **values: object
) -> Response:
    """A page with forms, made from this template. It is kept nowhere; `problem` says what was wrong with the last."""
    is_https = services.public.is_https
    values["wrong"] = problem.detail if problem else ""
    values["own_form"] = cookies.form_token(request, is_https)
    response = render(request, name, problem.status if problem else 200, **values)
    if problem:
        response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    cookies.keep_form(request, response, is_https)
    return response


def attempted(do: Callable[[], object]) -> ApiProblem | None:
    """Do something that a form asks for. Returns what to say on the page if it is refused. Raises Unavailable."""
    try:
        do()
    except (AccessError, ApiProblem, Conflict, NotAWebhook, NotFound) as error:
        return problem_of(error)
    return None


def role_in(form: dict[str, str]) -> Role:
    """The role that was chosen in a form. Raises ApiProblem 422."""
    try:
        return Role(form.get("role", ""))
    except ValueError:
        raise ApiProblem(422, "bad_request", f"Choose a role: {', '.join(Role)}.") from None
