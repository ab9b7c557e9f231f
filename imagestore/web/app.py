"""The web app: routes, errors, static files, and what starts and stops with it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from importlib import resources
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from imagestore.web import api
from imagestore.web.api.common import check_parameters
from imagestore.web.custom_vision import api as custom_vision
from imagestore.web.custom_vision.errors import in_their_form, is_theirs
from imagestore.web.guards.access import Access, Routes
from imagestore.web.guards.access_log import AccessLog, is_left_out
from imagestore.web.guards.idempotency import Idempotency
from imagestore.web.guards.security import ApiCors, Guard, OwnHeaders
from imagestore.web.load.admission import Admission, own_gate
from imagestore.web.load.allowances import Allowances
from imagestore.web.load.door import Door
from imagestore.web.load.rates import Rates
from imagestore.web.load.refusals import Refusals
from imagestore.web.models.watching import DriftLog
from imagestore.web.openapi import describe
from imagestore.web.pages import (
    account,
    audit,
    changes,
    forgotten,
    jobs,
    label,
    labels,
    openid_sign_in,
    people,
    pictures,
    second_factor,
    sign_in,
    sign_up,
    similar,
    train,
    version,
    watch,
    webhooks,
)
from imagestore.web.pages.rendering import problem_page
from imagestore.web.pages.static_files import STATIC, KeptFiles
from imagestore.web.problems import install
from imagestore.web.services import Services

_SWAGGER_UI = Path(str(resources.files("fastapi_offline"))) / "static"
_NOT_COMPRESSED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "image/*", "application/octet-stream")
"""Event streams, and files as their owner uploaded them."""


_ROUTES = APIRouter()
"""All routes, put together once: a second app in this process, as the tests have many, does not pay for it again."""
_ROUTES.include_router(api.router)
for _theirs in custom_vision.ROUTERS:
    _ROUTES.include_router(_theirs)
for _part in (
    sign_in, sign_up, forgotten, openid_sign_in, account, second_factor, people, audit, changes, label, labels, jobs,
    similar, train, watch, pictures, version, webhooks,
):  # fmt: skip
    _ROUTES.include_router(_part.router, include_in_schema=False)


def create_app(environ: Mapping[str, str] | None = None) -> FastAPI:
    """The app for the stores that these environment variables name. Raises SettingsError."""
    return app_of(Services.read(os.environ if environ is None else environ))


def app_of(services: Services) -> FastAPI:
    """The app over these services, which it starts and closes."""
    feed = services.change_feed
    asked = services.index, services.stores, services.live_model, services.verdicts
    drift_log = DriftLog(*asked, lambda: feed.problem is None)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        describe(app)  # which takes a while, and every request to the API needs it
        services.change_feed.start(asyncio.get_running_loop())
        drift_log.start()
        yield
        drift_log.stop()
        await asyncio.to_thread(services.close)

    app = FastAPI(
        title="Intelligent Storage",
        version="1",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"operation_spans": False, "logs": False, "auto_configure": False, "exclude": is_left_out},
    )
    app.state.services = services
    app.router.routes.extend(_ROUTES.routes)
    app.mount("/static/swagger", KeptFiles(_SWAGGER_UI), name="swagger")
    app.mount("/static", KeptFiles(STATIC), name="static")

    @app.get(f"{api.PREFIX}/openapi.json", include_in_schema=False, dependencies=[Depends(check_parameters)])
    def openapi(request: Request) -> JSONResponse:
        return JSONResponse(describe(app))

    install(app, problem_page, lambda path: in_their_form if is_theirs(path) else None)
    options, refusals, own_headers = services.options, Refusals(), OwnHeaders(services.public)
    rates, routes, gate = Rates(options.most_per_minute), Routes(app), own_gate()
    app.state.door = Door(
        routes, gate, rates, refusals, own_headers, services.public, options.auth, options.trusted_proxies
    )
    app.add_middleware(Idempotency, kept=services.accounts.kept_answers)
    app.add_middleware(Allowances, rates=rates, refusals=refusals, most=options.most_at_once)
    app.add_middleware(Access, services=services, page=problem_page)
    app.add_middleware(DropEmptyParameters)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5, exclude_content_types=_NOT_COMPRESSED)
    app.add_middleware(
        Admission,
        routes=routes,
        gate=gate,
        rates=rates,
        refusals=refusals,
        auth=options.auth,
        trusted_proxies=options.trusted_proxies,
        slowest=options.slowest_body,
    )
    if services.options.allowed_origins:
        app.add_middleware(ApiCors, origins=services.options.allowed_origins)
    app.add_middleware(Guard, public=services.public, auth=services.options.auth, own_headers=own_headers)
    app.add_middleware(AccessLog)
    return app


class DropEmptyParameters:
    """Drops empty query parameters, which a form sends for blank fields."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on without them."""
        if scope["type"] == "http" and not scope["path"].startswith("/api/"):
            given = scope["query_string"].split(b"&")
            scope = {**scope, "query_string": b"&".join(pair for pair in given if not pair.endswith(b"="))}
        await self._app(scope, receive, send)
