"""What Custom Vision's clients ask of a project and nobody else does: `<project>/custom-vision.json` in `models`.

A tag is a label with an id that stays when it is renamed; an iteration is a version of the model, or a training that
has not ended. Labels and versions that came another way have ids that follow from their names.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from imagestore.errors import Conflict
from imagestore.store.blobs import Blobs
from imagestore.store.guarded import GuardedJson
from imagestore.store.models import demand_name

FILE = "custom-vision.json"
SUGGESTIONS_FILE = "suggestions.json"
MOST_SUGGESTIONS = 10_000
"""Of how many pictures what is suggested is kept."""
_MOST_SUGGESTED = 10
_TRIES = 20
REGULAR, NEGATIVE = "Regular", "Negative"
"""The types of a tag. The tag of pictures of none of the labels is called Negative too, if nobody has begun it."""
NAMESPACE = uuid.UUID("6f1a2f3e-6d6f-5c0c-8f0e-3d1b7a9c5e21")
"""Ids that follow from a name are UUIDs of version 5 in this namespace."""


@dataclass(frozen=True)
class Tag:
    """A label as Custom Vision's clients know it. `type` is Regular or Negative; `former` are names that it had, which
    models that were trained then still say."""

    id: str
    name: str
    description: str | None = None
    type: str = REGULAR
    former: tuple[str, ...] = ()


@dataclass(frozen=True)
class Iteration:
    """A training. `job` did it, and `version` is what it made, null before that is known to have ended."""

    id: str
    name: str
    created_at: str
    job: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class TagClaim:
    """What Custom Vision said of one tag."""

    name: str
    precision: float
    recall: float
    average_precision: float | None = None


@dataclass(frozen=True)
class Claim:
    """What Custom Vision said of an iteration that was trained there, and of each tag."""

    name: str
    created: str | None
    precision: float
    recall: float
    average_precision: float | None = None
    tags: tuple[TagClaim, ...] = ()


@dataclass(frozen=True)
class CustomVisionFile:
    """The content of the file. `claims` are what Custom Vision said of what was trained there."""

    description: str | None = None
    domain: str | None = None
    tags: tuple[Tag, ...] = ()
    iterations: tuple[Iteration, ...] = ()
    deleted_iterations: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Suggestions:
    """What a version said of pictures that had no tag: `pictures` has, by SHA-256, tags with their probabilities."""

    version: str
    pictures: dict[str, dict[str, float]]


class CustomVisionTable:
    """These files. Every method raises Unavailable, or StoreError if a file cannot be read."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def read(self, project: str) -> CustomVisionFile:
        """What is written of a project."""
        return self._file(project).read()[0] or CustomVisionFile()

    def change(self, project: str, changed: Callable[[CustomVisionFile], CustomVisionFile]) -> CustomVisionFile:
        """Change it, again if others do at the same time. Returns how it is now. Raises Conflict."""
        demand_name(project)
        return self._file(project).change(lambda file: changed(file or CustomVisionFile()))

    def exchange_tags(
        self, project: str, before: tuple[Tag, ...], after: tuple[Tag, ...], may: Callable[[], bool] = lambda: True
    ) -> bool:
        """Put these tags in place of others, unless somebody has changed one of them since, or has begun another of the
        same name. Returns whether they are there then.

        `may` is asked last before each attempt to write. If they are there already, the file is written again as it is:
        whoever has read it to write something else finds that it has changed. Raises Conflict.
        """
        demand_name(project)
        file, ids = self._file(project), {tag.id for tag in (*before, *after)}
        names = {tag.name.casefold() for tag in after}
        for _ in range(_TRIES):
            found, etag = file.read()
            content = found or CustomVisionFile()
            there = {tag for tag in content.tags if tag.id in ids}
            others = [tag for tag in content.tags if tag.id not in ids]
            if (
                there not in (set(before), set(after))
                or any(tag.name.casefold() in names for tag in others)
                or not may()
            ):
                return False
            try:
                file.write(replace(content, tags=_in_place(content.tags, before, after)), etag)
            except Conflict:
                continue
            return True
        raise Conflict("Others kept changing the project. Try again.")

    def trained(self, project: str, job: str, version: str) -> None:
        """Note which version a training has made, if one of these clients began it. Raises Conflict."""
        if not any(one.job == job and one.version is None for one in self.read(project).iterations):
            return

        def noted(file: CustomVisionFile) -> CustomVisionFile:
            return replace(
                file,
                iterations=tuple(replace(i, version=version) if i.job == job else i for i in file.iterations),
            )

        self.change(project, noted)

    def suggested(self, project: str, version: str) -> dict[str, dict[str, float]]:
        """What this version said of pictures, by SHA-256, as far as it was kept."""
        found = self._suggestions(project).read()[0]
        return found.pictures if found is not None and found.version == version else {}

    def suggest(self, project: str, version: str, said: dict[str, dict[str, float]]) -> None:
        """Keep what this version says of pictures, in place of what another said. Raises Conflict."""
        demand_name(project)

        def added(before: Suggestions | None) -> Suggestions:
            known = before.pictures if before is not None and before.version == version else {}
            shortened = {
                sha256: dict(sorted(of.items(), key=lambda one: -one[1])[:_MOST_SUGGESTED])
                for sha256, of in said.items()
            }
            every = {**known, **shortened}
            return Suggestions(version, dict(list(every.items())[-MOST_SUGGESTIONS:]))

        self._suggestions(project).change(added)

    def _suggestions(self, project: str) -> GuardedJson[Suggestions]:
        return GuardedJson(self._blobs, f"{project}/{SUGGESTIONS_FILE}", Suggestions, "the suggestions")

    def _file(self, project: str) -> GuardedJson[CustomVisionFile]:
        return GuardedJson(self._blobs, f"{project}/{FILE}", CustomVisionFile, "the project")


def derived(*parts: str) -> str:
    """The id that follows from these names."""
    return str(uuid.uuid5(NAMESPACE, "\n".join(parts)))


def derived_tag(project: str, label: str) -> Tag:
    """The tag of a label that no client of this project has begun."""
    return Tag(derived("tag", project, label), label)


def _in_place(tags: tuple[Tag, ...], before: tuple[Tag, ...], after: tuple[Tag, ...]) -> tuple[Tag, ...]:
    """The tags with `after` in place of `before`, each where the one with its id stood; new ones at the end."""
    wanted = {tag.id: tag for tag in after}
    gone = {tag.id for tag in before} - wanted.keys()
    kept = [wanted.pop(tag.id, tag) for tag in tags if tag.id not in gone]
    return (*kept, *wanted.values())
