"""Changes which models are live, and which uploads each of them classifies.

A project that a route names has a live model of its own. Any other project is promoted for what no route names. Each
change returns when every worker knows of it: what is uploaded afterwards is classified by what is live then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from imagestore.errors import Conflict, NotFound
from imagestore.record import utc
from imagestore.store import Active, LiveModels, PromotionEntry, Route, Stores
from imagestore.store.projects import ProjectState
from imagestore.store.routes import EVERYTHING, prefix_of

_HISTORY = 50


def make_live(
    stores: Stores, entry: PromotionEntry, found: LiveModels, came_before: tuple[PromotionEntry, ...] = ()
) -> None:
    """Make a version live: in its project where a route names that, and by default where none does or it is the
    default one. `came_before` is what a rollback of the first promotion goes back to.

    Raises Conflict if another was promoted since `found` was read, or a route to the project was given or taken away;
    Unavailable.
    """
    with _change(stores):
        if stores.routes.read().patterns(entry.name) != found.patterns(entry.name):
            raise Conflict("its routes")  # the gate compared for other uploads, and may have taken minutes
        if found.is_routed(entry.name):
            own = _promoted(entry, found.routes.projects.get(entry.name))
            found = stores.routes.write_routes(found.routes.with_live(entry.name, own), found)
        if not found.is_routed(entry.name) or found.default_project == entry.name:
            stores.routes.write_default(_promoted(entry, found.default, came_before), found)


def finish(stores: Stores, entry: PromotionEntry) -> None:
    """Make live by default too what is live in the default project, where `make_live` broke off between the two, or
    before every worker knew.

    Raises Conflict if another was promoted at the same time; Unavailable.
    """
    found = stores.routes.read()
    is_default = found.is_routed(entry.name) and found.default_project == entry.name
    with _change(stores):
        if is_default and found.default is not None and found.default.live.sha256 != entry.sha256:
            stores.routes.write_default(_promoted(entry, found.default), found)


def rollback(stores: Stores, by: str, project: str | None = None) -> PromotionEntry:
    """Make the model live again that was live before in this project, or with None by default.

    A version that a promotion made live both by default and in the default project goes in both. Raises NotFound if
    there is none before it, of the project if one is named; Conflict, Unavailable.
    """
    found = stores.routes.read()
    active = found.of(project)
    earlier = [one for one in active.previous[:1] if project in (None, one.name)] if active else []
    if active is None or not earlier:
        of = "" if project is None else f" of '{project}'"
        raise NotFound(f"There is no earlier model{of} to go back to.")
    before, gone = earlier[0], active.live
    written = stores.projects.read().projects.get(before.name)
    if written is not None and written.state is not ProjectState.OPEN:
        remedy = f": imagestore projects undelete {before.name}" if written.state is ProjectState.DELETED else ""
        raise Conflict(f"{before.name} {before.version} was live before, and its project is deleted{remedy}.")
    note = f"rolled back from {gone.name} {gone.version}"
    entry = PromotionEntry(before.name, before.version, before.sha256, utc(), by, note)

    def goes_back(side: Active | None) -> bool:
        hashes = [one.sha256 for one in (side.live, *side.previous[:1])] if side else []
        return hashes == [gone.sha256, before.sha256]

    own = found.routes.projects.get(gone.name) if found.is_routed(gone.name) else None
    with _change(stores):
        if own is not None and goes_back(own):
            back = Active(entry, own.previous[1:])
            found = stores.routes.write_routes(found.routes.with_live(gone.name, back), found)
        if found.default is not None and goes_back(found.default):
            stores.routes.write_default(Active(entry, found.default.previous[1:]), found)
    return entry


def add_route(stores: Stores, pattern: str, project: str, by: str) -> None:
    """Have the uploads under a pattern such as `factory/*` classified by a project; `*` makes its live model the
    default one.

    A project that is the default one keeps its live model for the route; another one has none until it is promoted,
    and until then the next longest route classifies. What is there already is classified again by `reprocess`. Raises
    NotARoute; NotFound if there is no such project, or for `*` if it has no live version; Conflict, Unavailable.
    """
    prefix = prefix_of(pattern)
    project = stores.projects.open(project).name
    found = stores.routes.read()
    if not prefix:
        return _make_default(stores, project, by, found)
    routes = found.routes.with_route(Route(prefix, project))
    if found.default is not None and found.default_project == project and not found.is_routed(project):
        own = tuple(one for one in found.default.previous if one.name == project)
        routes = routes.with_live(project, Active(found.default.live, own))
    with _change(stores):
        stores.routes.write_routes(routes, found)


def remove_route(stores: Stores, pattern: str) -> None:
    """Take a route away: what falls under it is classified by the next longest one, or by default.

    Raises NotARoute, NotFound, Conflict, Unavailable.
    """
    prefix = prefix_of(pattern)
    if not prefix:
        raise NotFound(f"The route {EVERYTHING} is always there; imagestore route add gives it to another project.")
    found = stores.routes.read()
    with _change(stores):
        stores.routes.write_routes(found.routes.without_route(prefix), found)


def forget(stores: Stores, project: str) -> None:
    """Take the versions of a project out of what a rollback can go back to. Raises Conflict, Unavailable."""
    found = stores.routes.read()
    kept = {name: _without(active, project) for name, active in found.routes.projects.items() if name != project}
    with _told_as_one():
        if kept != found.routes.projects:
            found = stores.routes.write_routes(replace(found.routes, projects=kept), found)
        if found.default is not None and (default := _without(found.default, project)) != found.default:
            stores.routes.write_default(default, found)


def _without(active: Active, project: str) -> Active:
    return replace(active, previous=tuple(one for one in active.previous if one.name != project))


def _make_default(stores: Stores, project: str, by: str, found: LiveModels) -> None:
    active = found.active(project)
    if active is None:
        raise NotFound(f"'{project}' has no live version: imagestore promote VERSION --project {project}.")
    if found.default is not None and found.default.live.sha256 == active.live.sha256:
        return stores.routes.settle()  # who made it so may not have waited yet
    stores.models.demand_usable(active.live.name, active.live.version)
    entry = replace(active.live, at=utc(), by=by, note=f"given the route {EVERYTHING}")
    with _change(stores):
        stores.routes.write_default(_promoted(entry, found.default), found)


def _promoted(entry: PromotionEntry, active: Active | None, came_before: tuple[PromotionEntry, ...] = ()) -> Active:
    return Active(entry, (active.live, *active.previous)[:_HISTORY] if active else came_before)


@contextmanager
def _change(stores: Stores) -> Iterator[None]:
    """A `with` block that changes what is live, as one change. It ends when every worker knows of it."""
    with _told_as_one():
        yield
    stores.routes.settle()


@contextmanager
def _told_as_one() -> Iterator[None]:
    """A `with` block that says of any Conflict inside what it means here."""
    try:
        yield
    except Conflict:
        raise Conflict("Another model was promoted, or a route changed, at the same time. Try again.") from None
