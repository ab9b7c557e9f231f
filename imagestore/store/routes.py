"""Which project classifies which uploads, and the live model of each project: `routes.json` in the container `models`.

A route maps a prefix of upload names to a project, which has a live model of its own. What no route names is classified
by the model of `active.json`, where version 0.2 has the only live model.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from imagestore.errors import NotARoute, NotFound
from imagestore.record import LONGEST_NAME, stored_name
from imagestore.store.blobs import Blobs
from imagestore.store.guarded import GuardedJson
from imagestore.store.models import Active, Models, PromotionEntry

ROUTES = "routes.json"
EVERYTHING = "*"
"""The pattern of the default route."""
MOST_ROUTES = 1000
PATTERN = r"^[^*]*\*$"
"""What people write of a route: the beginning of names, and a star."""
_PATTERN = re.compile(PATTERN)
_SLOWEST_CLOCK = 1.05
"""By how much longer a second may be on a worker's machine than here."""


@dataclass(frozen=True)
class Route:
    """Uploads whose name begins with `prefix` are classified by this project."""

    prefix: str
    project: str

    @property
    def pattern(self) -> str:
        """The route as people write it: `factory/*`."""
        return self.prefix + EVERYTHING


@dataclass(frozen=True)
class Routes:
    """The content of the file: the routes, the longest prefix first, and by project its live model."""

    routes: tuple[Route, ...] = ()
    projects: dict[str, Active] = field(default_factory=dict)

    def with_route(self, route: Route) -> "Routes":
        """With this route in place of another of the same prefix. Raises NotARoute if there are too many."""
        routes = [one for one in self.routes if one.prefix != route.prefix] + [route]
        if len(routes) > MOST_ROUTES:
            raise NotARoute(f"There are {MOST_ROUTES} routes already, which is the limit: imagestore route remove.")
        return replace(self, routes=tuple(sorted(routes, key=lambda one: (-len(one.prefix), one.prefix))))

    def without_route(self, prefix: str) -> "Routes":
        """Without the route of this prefix. Raises NotFound if there is none."""
        routes = tuple(one for one in self.routes if one.prefix != prefix)
        if len(routes) == len(self.routes):
            raise NotFound(f"There is no route '{prefix}{EVERYTHING}': imagestore route list.")
        return replace(self, routes=routes)

    def with_live(self, project: str, active: Active) -> "Routes":
        """With this live model of a project."""
        return replace(self, projects={**self.projects, project: active})


@dataclass(frozen=True)
class LiveModels:
    """What is live: the default route's model (None until a first promotion), and the routes with their projects'.

    `etags` are those of the two files, None for one that is not there.
    """

    default: Active | None
    routes: Routes
    etags: tuple[str | None, str | None] = (None, None)

    @property
    def default_project(self) -> str | None:
        """The project whose model is live by default; None until a first promotion."""
        return self.default.live.name if self.default else None

    def is_routed(self, project: str) -> bool:
        """Whether a route names this project, so that it has a live model of its own."""
        return any(one.project == project for one in self.routes.routes)

    def active(self, project: str) -> Active | None:
        """The live model of a project; None if it has none."""
        if self.is_routed(project):
            return self.routes.projects.get(project)
        return self.default if project == self.default_project else None

    def of(self, project: str | None) -> Active | None:
        """The live model of a project, or with None of the default route; None if it has none."""
        return self.default if project is None else self.active(project)

    def route_of(self, name: str) -> Route | None:
        """The longest route to a project with a live model that this upload falls under; None for the default one."""
        return next((one for one in self._usable() if stored_name(name).startswith(one.prefix)), None)

    def is_live(self, project: str, version: str) -> bool:
        """Whether this version is live in its project, or by default."""
        live = [active.live for active in (self.default, self.active(project)) if active is not None]
        return any((one.name, one.version) == (project, version) for one in live)

    def patterns(self, project: str) -> list[str]:
        """The routes for which a promotion of this project is."""
        own = [one.pattern for one in self.routes.routes if one.project == project]
        return [*own, EVERYTHING] if not own or project == self.default_project else own

    def by_prefix(self) -> list[tuple[str, Active]]:
        """What classifies under each prefix, the longest first, without the default route."""
        return [(one.prefix, self.routes.projects[one.project]) for one in self._usable()]

    def by_project(self) -> dict[str, PromotionEntry]:
        """The live models of the projects that routes name."""
        return {name: one.live for name, one in self.routes.projects.items() if self.is_routed(name)}

    def _usable(self) -> list[Route]:
        return [one for one in self.routes.routes if one.project in self.routes.projects]


@dataclass(frozen=True)
class ModelVersion:
    """A version of a model, the result of its evaluation (null if that was not kept), and whether it is live.

    `problem` is why its file cannot be used; null if it can, or if nobody has looked.
    """

    name: str
    version: str
    figures: dict[str, Any] | None
    is_live: bool
    problem: str | None = None


@dataclass(frozen=True)
class ModelList:
    """Versions of models, newest first.

    `live` is the default one, null until a first promotion; `previous` were live before, latest first. `routes` name
    the uploads that projects of their own classify, the longest first, and `projects` the live models of those.
    """

    versions: list[ModelVersion]
    live: PromotionEntry | None
    previous: list[PromotionEntry]
    routes: list[Route] = field(default_factory=list)
    projects: dict[str, PromotionEntry] = field(default_factory=dict)

    def live_of(self, project: str) -> PromotionEntry | None:
        """The live model of a project; None if it has none."""
        if project in {route.project for route in self.routes}:
            return self.projects.get(project)
        return self.live if self.live is not None and self.live.name == project else None


class RouteTable:
    """The routes and live models as they are stored. Every method raises Unavailable.

    No worker writes a record by what it read more than `look_every_s` seconds ago.
    """

    def __init__(
        self, blobs: Blobs, models: Models, look_every_s: float, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._file = GuardedJson(blobs, ROUTES, Routes, "the routes")
        self._models = models
        self._look_every_s = look_every_s
        self._sleep = sleep
        self._settled: str | None = None
        """The ETag of routes that every worker knows."""

    def read(self) -> LiveModels:
        """What is live now. Raises StoreError if one of the two files cannot be read."""
        routes, routes_etag = self._file.read()
        found = self._models.active()
        default, default_etag = found if found else (None, None)
        return LiveModels(default, routes or Routes(), (default_etag, routes_etag))

    def listing(self, most: int | None = None) -> ModelList:
        """The versions that were kept last, at most `most` of them, and which models are and were live."""
        found = self.read()
        versions = [
            ModelVersion(
                name,
                version,
                self._models.figures(name, version),
                found.is_live(name, version),
                self._models.problem(name, version),
            )
            for name, version in self._models.newest(most)
        ]
        live, previous = (found.default.live, list(found.default.previous)) if found.default else (None, [])
        return ModelList(versions, live, previous, list(found.routes.routes), found.by_project())

    def settle(self) -> None:
        """Wait until every worker knows what was written before this call. Whoever changes what is live says so only
        then: what is uploaded afterwards is classified by what is live now, and by nothing that was live before."""
        self._sleep(self._look_every_s * _SLOWEST_CLOCK)

    def write_routes(self, routes: Routes, replacing: LiveModels) -> LiveModels:
        """Write the routes in place of those read before; `settle` follows. Raises Conflict if others have changed
        them."""
        etag = self._file.write(routes, replacing.etags[1])
        return replace(replacing, routes=routes, etags=(replacing.etags[0], etag))

    def change_routes(self, changed: Callable[[Routes], Routes]) -> Routes:
        """Write what `changed` makes of the routes, again if others change them at the same time. It returns when every
        worker knows the outcome, also where another process has just written the same. Raises Conflict."""
        after = self._file.change(lambda routes: changed(routes or Routes()))
        etag = self._file.read()[1]
        if etag != self._settled:
            self.settle()
            self._settled = etag
        return after

    def write_default(self, active: Active, replacing: LiveModels) -> LiveModels:
        """Write what is live by default in place of what was read before; `settle` follows. Raises Conflict if others
        have changed it."""
        etag = self._models.put_active(active, replacing.etags[0])
        return replace(replacing, default=active, etags=(etag, replacing.etags[1]))


def prefix_of(pattern: str) -> str:
    """The prefix in a pattern such as `factory/*`; it is empty for the default route. Raises NotARoute."""
    pattern = stored_name(pattern)
    if not _PATTERN.fullmatch(pattern):
        raise NotARoute(f"'{pattern[:80]}' is no route: it takes the beginning of names and a star, such as factory/*.")
    if len(pattern) - 1 > LONGEST_NAME:
        raise NotARoute(f"The route has {len(pattern) - 1} characters before its star; the limit is {LONGEST_NAME}.")
    return pattern[:-1]
