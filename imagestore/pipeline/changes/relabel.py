"""Renames, merges, splits and deletes a label of a project: in its labelled pictures, in corrections of what it
classifies, and in its tags, as Custom Vision's clients know them. A model keeps its own labels until it is trained
again.

Each is a change of many pictures (bulk.py) like others: what was before is written down first, and undoing puts it
back exactly. Which part a picture is for, its group and all else that is known of it stay as they are. Labelled
pictures are changed as Custom Vision's clients and the command line change them: what is known of each is replaced by
its ETag. Only which of them test is for trainings alone to decide.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from imagestore.errors import BadSplit, Conflict, Protected
from imagestore.pipeline.changes.documents import BulkChange, Changes, Kind, OnePicture, Outcome
from imagestore.pipeline.labelling.correct import checked_label
from imagestore.record import record_id
from imagestore.store import Stores
from imagestore.store.custom_vision import NEGATIVE, CustomVisionFile, Tag, derived, derived_tag
from imagestore.store.projects import Project
from imagestore.store.training import ListedPicture, Marks, TrainingPictures

MOST_RELABELLED = 100_000
CHANGED = "Somebody else has changed it since."
GONE = "It is deleted."
NAMELESS = 12
"""Of a labelled picture that came without a name, so many hex digits of its SHA-256 stand for one."""


@dataclass(frozen=True)
class Relabelling:
    """What is to be done to the label of a project: with `to`, that label stands in its place, else there is none.

    `uploads` (record ids) and `labelled` (SHA-256) are the pictures that it is done to, with all of the same content
    that have the label; None: all that have the label.
    """

    project: Project
    label: str
    to: str | None = None
    uploads: Collection[str] | None = None
    labelled: Collection[str] | None = None

    @property
    def is_split(self) -> bool:
        """Whether some pictures keep the label."""
        return self.uploads is not None or self.labelled is not None


def checked(asked: Relabelling) -> Relabelling:
    """The same with labels as they are stored. Raises NotALabel; Conflict if the project learns from the pictures of
    another, or both labels are one."""
    if asked.project.shares is not None:
        raise Conflict(
            f"'{asked.project.title}' learns from the pictures of '{asked.project.shares}': change its labels there."
        )
    label, to = checked_label(asked.label), None if asked.to is None else checked_label(asked.to)
    if label == to:
        raise Conflict(f"The label is '{label}' already.")
    return replace(asked, label=label, to=to)


def affected(stores: Stores, asked: Relabelling, listed: Iterable[ListedPicture] | None = None) -> list[OnePicture]:
    """What is to be changed: the tags first, then each picture, as a change writes it down at its beginning. `listed`
    are the labelled pictures that are there, where they were listed just now.

    Raises Conflict if no picture has the label, or the other one cannot be given; NotMigrated, Unavailable.
    """
    pictures, folder = TrainingPictures(stores.training, asked.project.pictures_in), asked.project.pictures_in
    pictures.demand_migrated(stores.projects.gone)
    there = [one for one in pictures.list() if one.is_there] if listed is None else list(listed)
    with_label = {one.sha256: one for one in there if asked.label in one.labels}
    projects = stores.projects.read()
    corrected, contents = dict[str, str](), dict[str, str | None]()
    for name, project, sha256 in stores.records.corrected_as(asked.label):
        if projects.pictures_of(project) == folder:
            corrected[record_id(name)], contents[record_id(name)] = name, sha256
    labelled, uploads = list(with_label), list(corrected)
    if asked.is_split:
        labelled, uploads = list(dict.fromkeys(asked.labelled or ())), list(dict.fromkeys(asked.uploads or ()))
        if without := len({*labelled, *uploads} - with_label.keys() - corrected.keys()):
            raise Conflict(
                f"{without:,} of these pictures have no label '{asked.label}' that a person gave them in "
                f"'{asked.project.title}'. Look at them again; nothing was changed."
            )
        chosen = {*labelled, *(contents[one] for one in uploads)} - {None}
        labelled = list(dict.fromkeys([*labelled, *(one for one in with_label if one in chosen)]))
        uploads = list(dict.fromkeys([*uploads, *(one for one in corrected if contents[one] in chosen)]))
    count = len(labelled) + len(uploads)
    if not count:
        raise Conflict(f"No picture of '{asked.project.title}' has the label '{asked.label}'.")
    if count > MOST_RELABELLED:
        raise Conflict(f"A change of a label takes up to {MOST_RELABELLED:,} pictures; there are {count:,}.")
    in_use = {label for one in there for label in one.labels}
    files = {one.name: stores.custom_vision.read(one.name) for one in _of_folder(stores, folder)}
    _demand_free(asked, in_use, files.values(), has_negatives=any(one.negative for one in there))
    tags = [_tags(name, file, asked, in_use) for name, file in files.items()]
    return [
        *(one for one in tags if one is not None),
        *(OnePicture(one, with_label[one].source or one[:NAMELESS], kind=Kind.LABELLED) for one in labelled),
        *(OnePicture(one, corrected[one]) for one in uploads),
    ]


class Labelled:
    """What a change does to labelled pictures and tags. Every method raises Unavailable."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def planned(self, change: BulkChange, one: OnePicture) -> OnePicture:
        """With what it is, and what it is to be."""
        if one.kind is Kind.TAGS:
            return one
        try:
            found, is_there = self._pictures(change).facts(one.id), self._pictures(change).has(one.id)
        except (Protected, BadSplit) as error:
            return one.left_alone(f"{error}")
        if found is None or not is_there:
            return one.left_alone(GONE)
        old, *new = change.labels
        marks = found[0].marks
        if old not in marks.labels:
            return replace(one, marks=marks, outcome=Outcome.SAME)
        labels = dict.fromkeys(label for each in marks.labels for label in (new if each == old else [each]))
        return replace(one, marks=marks, marks_after=Marks(tuple(labels), marks.negative, change.id))

    def applied(self, change: BulkChange, one: OnePicture, may: Callable[[], bool]) -> OnePicture:
        """With what came of it."""
        if one.kind is Kind.TAGS:
            is_done = self._stores.custom_vision.exchange_tags(one.id, one.tags, one.tags_after, may)
            return replace(one, outcome=Outcome.DONE) if is_done else one.left_alone(CHANGED)
        assert one.marks is not None
        assert one.marks_after is not None
        now, why = self._exchanged(change, one, one.marks, one.marks_after, may)
        return replace(one, outcome=Outcome.DONE) if now == one.marks_after else one.left_alone(why)

    def undone(self, change: BulkChange, one: OnePicture) -> OnePicture:
        """With what came of putting it back. One that was left alone is written too: who read it before must fail."""
        was_left, why = one.outcome is Outcome.LEFT_ALONE, CHANGED
        if one.kind is Kind.TAGS:
            is_back = self._stores.custom_vision.exchange_tags(one.id, one.tags_after, one.tags)
        elif one.marks is None or one.marks_after is None:
            return one
        else:
            now, why = self._exchanged(change, one, one.marks_after, one.marks, lambda: True)
            is_back = now == one.marks
        if was_left:
            return one
        return replace(one, undone=Outcome.DONE) if is_back else replace(one, undone=Outcome.LEFT_ALONE, why=why)

    def _exchanged(
        self, change: BulkChange, one: OnePicture, before: Marks, after: Marks, may: Callable[[], bool]
    ) -> tuple[Marks | None, str]:
        """What is said of a picture after `exchange`, and why it is left alone if that is not what was to be said."""
        try:
            now = self._pictures(change).exchange(one.id, before, after, may)
        except (Protected, BadSplit) as error:  # of this picture alone
            return None, f"{error}"
        return now, GONE if now is None else CHANGED

    def _pictures(self, change: BulkChange) -> TrainingPictures:
        return TrainingPictures(self._stores.training, change.folder or "")


def settled(stores: Stores, folder: str) -> frozenset[tuple[str, str]]:
    """The changes of the labels of a folder's pictures, which are all done: what a training has read between two equal
    answers has each label under one name. Raises Conflict if one is not done; Unavailable."""
    changes = list(Changes(stores.jobs).of_folder(folder))
    if (under_way := next((one for one in changes if one.state.is_open), None)) is not None:
        done = under_way.changed + under_way.same + under_way.left_alone
        raise Conflict(
            f"The label '{under_way.labels[0]}' is being changed, and {done:,} of {under_way.pictures:,} pictures are "
            f"done. Try again once all are; if it has stopped: imagestore changes continue {under_way.id}, or undo."
        )
    return frozenset((one.id, str(one.state)) for one in changes)


def _of_folder(stores: Stores, folder: str) -> list[Project]:
    return [one for one in stores.projects.list() if one.pictures_in == folder]


def _demand_free(
    asked: Relabelling, in_use: Collection[str], files: Iterable[CustomVisionFile], *, has_negatives: bool
) -> None:
    """Raises Conflict if a label differs from the wanted one by upper and lower case alone, or the tag of pictures of
    none of the labels is called so."""
    if asked.to is None:
        return
    tags = [tag for file in files for tag in file.tags]
    negatives = {tag.name.casefold() for tag in tags if tag.type == NEGATIVE} or (
        {NEGATIVE.casefold()} if has_negatives else set()
    )
    if asked.to.casefold() in negatives:
        raise Conflict(f"'{asked.to}' is what pictures of none of the labels are called. Choose another name.")
    others = {*in_use, *(tag.name for tag in tags)} - ({asked.label} if not asked.is_split else set())
    if asked.to not in others and (near := [one for one in others if one.casefold() == asked.to.casefold()]):
        raise Conflict(f"There is a label '{near[0]}' already, which differs by upper and lower case alone: give that.")


def _tags(project: str, file: CustomVisionFile, asked: Relabelling, in_use: Collection[str]) -> OnePicture | None:
    """What is to become of a project's tags, None if nothing: a renamed one keeps its id, and knows its former name,
    which models still say; of two that become one, that of the second label stays."""
    written = {tag.name: tag for tag in file.tags if tag.type != NEGATIVE}
    former = {name for tag in written.values() for name in tag.former} - written.keys()
    old, new = written.get(asked.label), None if asked.to is None else written.get(asked.to)
    if asked.is_split or asked.label in former:  # the tag goes on to be, under its name
        if asked.to is None or asked.to not in former:
            return None
        after = _begun(file, project, asked.to)  # else it would be the tag that was called so before
        return OnePicture(project, asked.label, kind=Kind.TAGS, tags_after=(after,))
    before = tuple(tag for tag in (old, new) if tag is not None)
    if asked.to is None:
        return OnePicture(project, asked.label, kind=Kind.TAGS, tags=before) if before else None
    if new is None:
        new = _begun(file, project, asked.to) if asked.to in in_use else old or _begun(file, project, asked.label)
    names = dict.fromkeys([*new.former, *(old.former if old else ()), asked.label])
    names.pop(asked.to, None)
    after = replace(new, name=asked.to, former=tuple(names))
    return OnePicture(project, asked.label, kind=Kind.TAGS, tags=before, tags_after=(after,))


def _begun(file: CustomVisionFile, project: str, label: str) -> Tag:
    """The tag of a label that no client has begun, with an id that no other tag has, such as one that was renamed."""
    tag, taken, number = derived_tag(project, label), {one.id for one in file.tags}, 0
    id = tag.id
    while id in taken:
        number += 1
        id = derived(tag.id, str(number))
    return replace(tag, id=id)
