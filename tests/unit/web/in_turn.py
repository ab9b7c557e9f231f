"""Two instances of the web app over the same stores, which answer in turn: what one does, the other must know."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from imagestore.accounts.callers import KEPT_S, Callers
from imagestore.accounts.names import Names
from imagestore.web.app import app_of
from imagestore.web.index.change_feed import ChangeFeedReader
from imagestore.web.index.index import Index
from imagestore.web.openapi import describe
from imagestore.web.services import RecentUploads, Services


class InTurn:
    """An app that has each request answered by the next of its instances, once all have read the change feed."""

    def __init__(self, instances: list[FastAPI]) -> None:
        self._instances = instances
        self._next: Iterator[FastAPI] = itertools.cycle(instances)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        for instance in self._instances:
            services: Services = instance.state.services
            services.change_feed._catch_up()
        await next(self._next)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        async with contextlib.AsyncExitStack() as stack:
            await receive()
            for instance in self._instances:
                await stack.enter_async_context(instance.router.lifespan_context(instance))
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def another(services: Services, folder: Path) -> Services:
    """Another instance: what a process keeps is its own, and what the stores keep is shared.

    Who asks is looked up anew each time, as half a minute after the last time.
    """
    accounts, later = services.accounts, itertools.count(step=KEPT_S + 1)
    callers = Callers(
        accounts.people,
        accounts.sessions,
        accounts.keys,
        accounts.tokens,
        accounts.admission,
        accounts.issuers,
        accounts.audit,
        accounts.factors,
        accounts.demand,
        lambda: next(later),
    )
    object.__setattr__(accounts.callers, "_monotonic", lambda: next(later))
    index = Index(folder / "another.sqlite")
    return replace(
        services,
        index=index,
        change_feed=ChangeFeedReader(services.stores, index, 0.01),
        recent=RecentUploads(),
        accounts=replace(accounts, callers=callers, names=Names(accounts.people, accounts.keys)),
    )


def in_turn(app: FastAPI, folder: Path) -> InTurn:
    """This app and another instance of it."""
    other = app_of(another(app.state.services, folder))
    other.openapi_schema = describe(app)
    return InTurn([app, other])
