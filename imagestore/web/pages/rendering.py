"""Makes pages of templates."""

import functools
from pathlib import Path

import jinja2
from fastapi import Request
from fastapi.templating import Jinja2Templates
from starlette.responses import Response

from imagestore import plots
from imagestore.accounts.callers import Caller, Means
from imagestore.proportion import percent
from imagestore.record import Status
from imagestore.text import visible
from imagestore.web.guards import cookies
from imagestore.web.pages import charts, facts, formatting
from imagestore.web.problems import ApiProblem
from imagestore.web.rules import may
from imagestore.web.services import Services

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_TEMPLATES, plots.FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        visible,
        percent,
        formatting.as_seen,
        formatting.caption,
        formatting.moment,
        formatting.dollars,
        formatting.duration,
        formatting.headline,
        formatting.next_day,
        formatting.p_value,
        formatting.reason,
    ):
        environment.filters[function.__name__] = function
    environment.globals |= {
        "static": "/static/{}".format,
        "statuses": formatting.STATUSES,
        "timeline": facts.timeline,
        "camera_facts": facts.camera_facts,
        "Status": Status,
        "charts": charts,
        "plots": plots,
    }
    return environment


templates = Jinja2Templates(env=_environment())


def render(request: Request, name: str, status: int = 200, **values: object) -> Response:
    """A page. In it `caller` is who asks, None where nobody has signed in.

    `may` tells whether they may use the route of a row of the table of routes.
    """
    services: Services = request.app.state.services
    caller: Caller | None = getattr(request.state, "caller", None)
    values["caller"] = caller
    values["may"] = functools.partial(may, caller)
    values["who"] = services.accounts.names.of
    values["is_local"] = caller is not None and caller.means is Means.LOCAL
    values["form"] = cookies.form_token(request, services.public.is_https) if caller else None
    values["feed_problem"] = services.change_feed.problem if caller else None
    values["last_event"] = getattr(request.state, "last_event", None)
    return templates.TemplateResponse(request, name, values, status)


def problem_page(request: Request, problem: ApiProblem) -> Response:
    """An error as a page."""
    return render(request, "problem.html", problem.status, problem=problem)
