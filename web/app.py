"""The web app: routes, errors, static files, and what starts and stops with it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from web import api, pages
from web.openapi import describe
from web.problems import install
from web.security import Guard
from web.site import Site

HERE = Path(__file__).resolve().parent


def create_app(environ: Mapping[str, str] | None = None) -> FastAPI:
    """The app for the stores that these environment variables name. SettingsError."""
    site = Site.read(os.environ if environ is None else environ)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        site.follower.start(asyncio.get_running_loop())
        yield
        await asyncio.to_thread(site.close)

    app = FastAPI(
        title="Intelligent Storage",
        version="1",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.site = site
    app.include_router(api.router)
    app.include_router(pages.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    @app.get(f"{api.PREFIX}/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> JSONResponse:
        return JSONResponse(describe(app))

    install(app, pages.problem_page)
    app.add_middleware(WithoutEmpty)
    app.add_middleware(Guard)
    return app


class WithoutEmpty:
    """A form sends its empty fields too, as `label=&q=cat`: for the pages they are as good as not there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and not scope["path"].startswith("/api/"):
            given = scope["query_string"].split(b"&")
            scope = {**scope, "query_string": b"&".join(pair for pair in given if not pair.endswith(b"="))}
        await self._app(scope, receive, send)
