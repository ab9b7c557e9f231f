"""Projects as people handle them: what one holds, deleting one, taking that back, and what is gone for good."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from imagestore.errors import Conflict, NotAProject, NotFound
from imagestore.pipeline.models.live import forget
from imagestore.record import utc
from imagestore.store import Active, LiveModels, PromotionEntry, Route, Stores
from imagestore.store.blobs import Blobs
from imagestore.store.projects import PUBLISHED, Change, Project, ProjectState, ProjectSummary, free_title
from imagestore.store.routes import Routes
from imagestore.store.training import MINE, SPLIT, at_once


def summaries(stores: Stores, undelete_days: int) -> list[ProjectSummary]:
    """All projects, the first one first, and those that are deleted too. Raises Unavailable."""
    found, versions = stores.routes.read(), defaultdict[str, list[str]](list)
    for name, version in stores.models.versions():
        versions[name].append(version)
    return [_summary(one, versions[one.name], found, undelete_days) for one in stores.projects.list()]


def summary(stores: Stores, project: Project, undelete_days: int) -> ProjectSummary:
    """One project. Raises Unavailable."""
    versions = [version for _, version in stores.models.versions(project.name)]
    return _summary(project, versions, stores.routes.read(), undelete_days)


def _summary(project: Project, versions: list[str], found: LiveModels, undelete_days: int) -> ProjectSummary:
    active, gone = found.active(project.name), gone_after(project, undelete_days)
    return ProjectSummary(
        project.name,
        project.title,
        project.labels_per_picture,
        versions,
        active.live.version if active else None,
        _live_for(project.name, found),
        project.created,
        project.deleted,
        utc(gone) if gone else None,
        project.published,
    )


def _live_for(project: str, found: LiveModels) -> list[str]:
    """The patterns of the uploads that a project classifies, or will once it has a live version."""
    is_used = found.is_routed(project) or found.default_project == project
    return found.patterns(project) if is_used else []


def delete_project(stores: Stores, name: str, by: str) -> Project:
    """Delete a project. Nothing is lost yet: see `undelete_project` and `purge`.

    Raises NotFound; Conflict if it is the first project, is deleted already, or classifies uploads; Unavailable.
    """
    project = stores.projects.open(name)
    if project.name == MINE:
        raise Conflict("The first project is always there: imagestore training remove takes its pictures away.")
    if patterns := _live_for(project.name, stores.routes.read()):
        raise Conflict(
            f"'{project.title}' classifies {', '.join(patterns)}. Give that to another project first: "
            "imagestore route add, imagestore route remove, imagestore rollback."
        )
    return stores.projects.change(project.name, lambda one, _: replace(one, deleted=one.deleted or Change(utc(), by)))


def undelete_project(stores: Stores, name: str) -> Project:
    """Take back that a project was deleted. Where another is called as it was since, its title gets a number. Raises
    NotFound if there is none, or it is gone for good; Conflict if it is not deleted; Unavailable."""

    def back(project: Project, others: dict[str, Project]) -> Project:
        if project.state is ProjectState.OPEN:
            raise Conflict(f"The project '{project.title}' is not deleted.")
        if project.state is ProjectState.PURGED:
            raise NotFound(f"The project '{project.title}' is gone for good.")
        return replace(project, deleted=None, title=free_title(project.title, others))

    return stores.projects.change(name, back)


def publish(
    stores: Stores,
    project: str,
    version: str,
    name: str,
    *,
    is_only_name: bool = False,
    demand: Callable[[Project], None] = lambda _: None,
) -> Project:
    """Let programs ask for a version by a name, in place of what was published under it. Uploads are classified by what
    is live, as before. With `is_only_name`, the version is published under no other name from then on. `demand` is
    called with the project as it is before, and what it raises is passed on.

    Raises NotAProject if it cannot be a name; NotFound if there is no such version; Conflict if nobody has looked
    whether the version can be used, or it cannot; Unavailable.
    """
    if not re.fullmatch(PUBLISHED, name):
        raise NotAProject(
            f"{name[:80]!a} cannot be a name to publish under: it takes 1 to 64 letters, digits, spaces and . _ -, and "
            "begins with a letter, a digit or _."
        )
    found = stores.projects.open(project)
    if not stores.models.has(found.name, version):
        raise NotFound(f"There is no version {version} of '{found.title}': imagestore projects show {found.name}.")
    demand_admitted(stores, found.name, version)

    def with_it(one: Project, _: object) -> Project:
        demand(one)
        others = {key: had for key, had in one.published.items() if had != version or not is_only_name}
        return replace(one, published={**others, name: version})

    return stores.projects.change(found.name, with_it)


def unpublish(stores: Stores, project: str, name: str) -> Project:
    """Take back that a version is published under a name. Raises NotFound, Unavailable."""
    found = stores.projects.open(project)

    def without(one: Project, _: object) -> Project:
        if name not in one.published:
            raise NotFound(f"Nothing of '{one.title}' is published under the name '{name}'.")
        return replace(one, published={key: version for key, version in one.published.items() if key != name})

    return stores.projects.change(found.name, without)


PINNED = "custom-vision"
"""The folder of uploads that a version classifies which need not be live."""


def pinned_prefix(stores: Stores, project: Project, version: str, sha256: str, by: str) -> str:
    """The prefix of upload names that this version classifies, whatever is live. A route to it is made.

    In the table of routes such a version stands as a project of its own, `<project>@<version>`, which no project can be
    called. Raises Conflict, Unavailable.
    """
    prefix, pinned = f"{PINNED}/{project.name}/{version}/", f"{project.name}@{version}"

    def with_it(routes: Routes) -> Routes:
        if any(one.prefix == prefix for one in routes.routes):
            return routes
        entry = PromotionEntry(project.name, version, sha256, utc(), by, "for what Custom Vision's clients send")
        return routes.with_route(Route(prefix, pinned)).with_live(pinned, Active(entry))

    stores.routes.change_routes(with_it)
    return prefix


def _unpin(stores: Stores, project: str) -> None:
    """Take away the routes to versions of a project that is gone for good. Raises Conflict, Unavailable."""

    def without(routes: Routes) -> Routes:
        others = tuple(one for one in routes.routes if not one.project.startswith(f"{project}@"))
        live = {name: one for name, one in routes.projects.items() if not name.startswith(f"{project}@")}
        return Routes(others, live)

    stores.routes.change_routes(without)


def demand_admitted(stores: Stores, project: str, version: str, sha256: str | None = None) -> None:
    """Raises Conflict unless a job, or the training, has found that this version, with this SHA-256 if one is given,
    can be used; Unavailable."""
    found = stores.models.inspection(project, version)
    if found is None or sha256 not in (None, found.sha256):
        raise Conflict(
            f"Nobody has looked yet whether {project} {version} can be used: imagestore models inspect {version} "
            f"--project {project} does."
        )
    if not found.is_admitted:
        raise Conflict(f"{project} {version} cannot be used: {found.why}")


def gone_after(project: Project, undelete_days: int) -> datetime | None:
    """From when on (UTC) a deleted project may be purged; None if it is not deleted."""
    if project.deleted is None:
        return None
    return datetime.fromisoformat(project.deleted.at) + timedelta(days=undelete_days)


def purge(
    stores: Stores,
    undelete_days: int,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    is_busy: Callable[[Project], bool] = lambda _: False,
) -> Iterator[tuple[Project, int]]:
    """Delete the pictures and versions of projects that were deleted longer ago than so many days, and say of each how
    many files. Begun again, it goes on where it was stopped. A project that `is_busy`, since a job works on it, is left
    to the next time: who purges asks imagestore/jobs/projects.py.

    Raises Unavailable.
    """

    def ends(project: Project, _: object = None) -> Project:
        until = gone_after(project, undelete_days)
        return replace(project, is_purged=project.is_purged or (until is not None and until <= now()))

    for project in stores.projects.read().projects.values():
        if project.deleted is not None and is_busy(project):
            continue
        if not project.is_purged and ends(project).is_purged and not _live_for(project.name, stores.routes.read()):
            project = stores.projects.change(project.name, ends)
        if project.is_purged:
            _unpin(stores, project.name)
            forget(stores, project.name)
            pictures = 0 if project.shares else _delete_all(stores.training, project.name)
            files = pictures + stores.models.delete_all(project.name)
            if files:
                yield project, files


def _delete_all(blobs: Blobs, folder: str) -> int:
    names = [blob.name for page, _ in blobs.list(prefix=f"{folder}/") for blob in page]
    split = f"{folder}/{SPLIT}"
    at_once(blobs.delete, [name for name in names if name != split])
    blobs.delete(split)  # last, since without it the rest would pass for labels of an earlier version
    return len(names)
