"""Publishes what an import trained under the names by which programs asked Custom Vision."""

import shlex
from collections.abc import Sequence

from imagestore.errors import Conflict, ImageStoreError
from imagestore.pipeline.models.projects import publish
from imagestore.store import Stores
from imagestore.store.projects import Project
from model.custom_vision.service import RemoteIteration


def names_of(iterations: Sequence[RemoteIteration]) -> tuple[str, ...]:
    """The names under which iterations are published there."""
    return tuple(dict.fromkeys(one.publish_name for one in iterations if one.publish_name))


def publish_as_there(stores: Stores, project: str, version: str, names: Sequence[str]) -> list[str]:
    """Publish a version under these names, but for those under which another version is published here.

    Returns a sentence for each: that it is, or why it is not and which command does it.
    """
    return [_published(stores, project, version, name) for name in names]


def how_to_publish(project: str, names: Sequence[str]) -> list[str]:
    """The command for each of these names, where there is no version yet."""
    return [
        f"Programs ask for '{name}' there. Once a version is trained: {_command(project, 'VERSION', name)}"
        for name in names
    ]


def _published(stores: Stores, project: str, version: str, name: str) -> str:
    def is_free(one: Project) -> None:
        if (had := one.published.get(name, version)) != version:
            raise Conflict(f"{had} is published so here.")

    try:
        publish(stores, project, version, name, demand=is_free)
    except ImageStoreError as error:
        return f"Not published as '{name}', as there: {error} To do so: {_command(project, version, name)}"
    return f"{project} {version} is published as '{name}', as there."


def _command(project: str, version: str, name: str) -> str:
    return f"imagestore projects publish {project} {version} --as {shlex.quote(name)}"
