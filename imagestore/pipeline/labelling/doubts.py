"""Answers to a training's doubts: a picture's labels are right, or others are; pictures that are taken out; and the
last answer undone."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from imagestore.errors import Conflict, NotFound
from imagestore.pipeline.labelling.correct import checked_label
from imagestore.store import Stores
from imagestore.store.labelling import Doubt, LearningCurve, labelling
from imagestore.store.projects import Project
from imagestore.store.said import Marks, Replaced, Said
from imagestore.store.training import ListedPicture, PictureFacts, TrainingPictures

_TRIES = 20


@dataclass(frozen=True)
class Answered:
    """A labelled picture after an answer, or after that was undone."""

    sha256: str
    labels: list[str]
    is_checked: bool


@dataclass(frozen=True)
class LabellingState:
    """What the training of a version found out about labels, as far as that is still of interest: `doubts` are those of
    the `found` that nobody has answered, the most doubtful first. `sentences` say it for a person."""

    version: str
    gathered_at: str
    pictures: int
    found: int
    doubts: list[Doubt]
    curve: LearningCurve | None
    sentences: list[str]


def state(
    stores: Stores, project: Project, listed: Iterable[ListedPicture], version: str | None = None
) -> LabellingState | None:
    """What the training of a version, or of the newest, found out; None if there is no version or that was not kept.
    `listed` are the project's labelled pictures. Raises Unavailable."""
    if version is None:
        kept = [number for _, number in stores.models.versions(project.name)]
        version = max(kept, key=int, default=None)
    found = None if version is None else labelling(stores.models, project.name, version)
    if version is None or found is None:
        return None
    doubts = still_open(found.doubts, listed)
    return LabellingState(
        version, found.gathered_at, found.pictures, found.found, doubts, found.curve, found.sentences()
    )


def still_open(doubts: Collection[Doubt], listed: Iterable[ListedPicture]) -> list[Doubt]:
    """The doubts that nobody has answered: of pictures that are there with the labels that they had, and of which
    nobody has said that these are right. Those of corrected uploads stay as they are."""
    asked = {doubt.sha256 for doubt in doubts}
    there = {one.sha256: one for one in listed if one.sha256 in asked and one.is_there and not one.is_checked}

    def is_open(doubt: Doubt) -> bool:
        if doubt.upload is not None:
            return True
        found = there.get(doubt.sha256)
        return found is not None and set(found.labels) == set(doubt.labels)

    return [doubt for doubt in doubts if is_open(doubt)]


def answer(stores: Stores, project: Project, sha256: str, labels: Sequence[str], instead_of: Sequence[str]) -> Answered:
    """Say that a picture has these labels, none of which it has if it shows none, where it has `instead_of` now. If
    they are the same, these were doubted and are right. No training asks again about them.

    Raises NotALabel; NotFound if there is no such picture; Conflict if it has other labels by now, or cannot have
    these; Unavailable.
    """
    _demand_own(project)
    wanted = tuple(dict.fromkeys(checked_label(label) for label in labels))
    if len(wanted) > 1 and not project.has_several:
        raise Conflict(f"A picture of '{project.title}' has one label; here are {len(wanted)}.")

    def answered(facts: PictureFacts) -> PictureFacts:
        if set(facts.labels) != set(instead_of) or facts.negative == bool(facts.labels):
            raise Conflict("Somebody has changed the labels of this picture since. Look at it again.")
        now = facts.labels if set(wanted) == set(facts.labels) else wanted
        return _saying(facts, Said(Marks(now, not now), now))

    return _change(stores, project, sha256, answered)


def take_out(stores: Stores, project: Project, sha256: str, *, for_good: bool = False) -> Answered:
    """Take a picture's labels away, so that it is neither learned from nor tested with, and waits for others; with
    `for_good`, delete it. Raises NotFound; Conflict if the project learns from the pictures of another; Unavailable."""
    _demand_own(project)
    if not for_good:
        return _change(stores, project, sha256, lambda facts: _saying(facts, Said()))
    _demand_there(stores, project, sha256)
    TrainingPictures(stores.training, project.pictures_in).remove_picture(sha256)
    return Answered(sha256, [], is_checked=False)


def undo(stores: Stores, project: Project, sha256: str) -> Answered:
    """Put back what was said of a picture before the last answer. Raises NotFound; Conflict if it was changed since;
    Unavailable."""

    def undone(facts: PictureFacts) -> PictureFacts:
        if facts.replaced is None or facts.replaced.after != Said(facts.marks, facts.checked):
            raise Conflict("There is no answer to undo: this picture was changed since.")
        return replace(_saying(facts, facts.replaced.before), replaced=None)

    return _change(stores, project, sha256, undone)


def _change(stores: Stores, project: Project, sha256: str, changed: Callable[[PictureFacts], PictureFacts]) -> Answered:
    pictures = TrainingPictures(stores.training, project.pictures_in)
    _demand_there(stores, project, sha256)

    for _ in range(_TRIES):
        facts, etag = pictures.facts(sha256) or (PictureFacts(), None)
        now = changed(facts)
        try:
            pictures.put_facts(sha256, now, etag)
        except Conflict:
            continue
        return Answered(sha256, list(now.labels), now.is_checked)
    raise Conflict("Others kept writing what is known of this picture. Try again.")


def _demand_own(project: Project) -> None:
    if project.shares is not None:
        raise Conflict(f"'{project.title}' learns from the pictures of '{project.shares}': say it there.")


def _demand_there(stores: Stores, project: Project, sha256: str) -> None:
    if not TrainingPictures(stores.training, project.pictures_in).has(sha256):
        raise NotFound(f"'{project.title}' has no labelled picture {sha256[:12]}…; it may have been taken away.")


def _saying(facts: PictureFacts, said: Said) -> PictureFacts:
    return replace(
        facts.marked(said.marks), checked=said.checked, replaced=Replaced(Said(facts.marks, facts.checked), said)
    )
