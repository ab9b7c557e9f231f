"""The labelled pictures of a project that are kept, corrected uploads, and which of them test.

Held in memory are one line for each picture (listed), and of each that is learned from or tested with a thumbnail and a
look; never more than one picture's bytes for each thread that reads.
"""

import contextlib
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from imagestore.errors import BadTrainingData, Conflict
from imagestore.pipeline.changes.relabel import settled
from imagestore.store import Stores
from imagestore.store.training import (
    ListedPicture,
    Marks,
    Part,
    PictureFacts,
    SplitFile,
    TrainingPictures,
    at_once,
    known_parts,
)
from model.progress import BeginStage, unheard
from model.training import look_alikes
from model.training.corrected import corrected
from model.training.examples import NONE, THUMB_SIDE, Example, Labelled, read
from model.training.grouping import grouped
from model.training.kept_arrays import KeptArrays
from model.training.labels import KEEP_UNDER_ONE, NONE_CALLED, agreed
from model.training.split import Member, Split, member_of
from preprocess import Limits

_TRIES = 5


@dataclass(frozen=True)
class Chosen:
    """Some of the pictures and their group numbers int [n]: pictures that look alike are in one group."""

    examples: list[Example]
    groups: np.ndarray


@dataclass(frozen=True)
class TrainingSet:
    """A project's pictures as one listing shows them, the parts that are known of them, and the split's file with its
    ETag (None if there is none)."""

    pictures: TrainingPictures
    listed: list[ListedPicture]
    split: Split
    file: SplitFile
    etag: str | None

    @property
    def labelled(self) -> list[Labelled]:
        """Each picture that is there."""
        return [
            Labelled(
                one.labels,
                one.source or one.sha256,
                _reader_of(self.pictures, one.sha256),
                sha256=one.sha256,
                group=one.group,
            )
            for one in self.listed
            if one.is_there and (one.labels or one.negative)
        ]


def open_set(stores: Stores, project: str) -> TrainingSet:
    """The training set of a project, to look at. Raises NotMigrated, BadSplit, Unavailable."""
    return _opened(stores, project)


def _opened(stores: Stores, project: str, progress: BeginStage = unheard, *, telling: bool = False) -> TrainingSet:
    """With `telling`, groups that earlier versions did not tell the listing are read for the last time."""
    pictures = TrainingPictures(stores.training, project)
    pictures.demand_migrated(lambda: stores.projects.gone())
    settled(stores, project)
    # Its file comes first: what another training decides after that makes its ETag another.
    file, etag = pictures.split()
    listed = list(pictures.list())
    if asked := [one.sha256 for one in listed if one.may_have_group]:
        begun = progress("Updating", len(asked))
        found = at_once(lambda sha256: pictures.group_of(sha256, telling=telling), asked, begun)
        groups = dict(zip(asked, found, strict=True))
        listed = [replace(one, group=groups.get(one.sha256, one.group), may_have_group=False) for one in listed]
    centre = None if file.centre is None else np.frombuffer(file.centre, np.float32)
    split = Split(known_parts(listed, file), file.similarity, centre, _recall(pictures), file.lowest, file.turned)
    return TrainingSet(pictures, listed, split, file, etag)


def begin(stores: Stores, project: str, progress: BeginStage = unheard) -> TrainingSet:
    """The training set of a project, to add to and to divide: what an earlier training decided stands in the pictures'
    own JSON now, and the listing tells their groups.

    Raises NotMigrated, BadSplit, Conflict, Unavailable.
    """
    for _ in range(_TRIES):
        found = _opened(stores, project, progress, telling=True)
        if found.etag is not None and not found.file.pending:
            return found
        try:
            _settle(found.pictures, found.file, found.etag, progress)
        except Conflict:
            continue
    raise Conflict("Others kept changing the training set.")


def with_content(sources: list[Labelled], progress: Callable[[], None], *, has_several: bool = False) -> list[Labelled]:
    """The files with the SHA-256 of their content. With `has_several`, a content that has several labels comes once,
    with all of them.

    Raises BadTrainingData if one content has two labels otherwise, or is there with a label and without one.
    """
    found, labels = [], defaultdict[str, dict[str, str]](dict)
    for source in sources:
        sha256 = hashlib.sha256(source.read()).hexdigest()
        for label in source.labels or (NONE,):
            labels[sha256].setdefault(label, source.name)
        found.append(replace(source, sha256=sha256))
        progress()
    demand_one_label(labels, has_several=has_several)
    if not has_several:
        return found
    first = {source.sha256 or "": source for source in reversed(found)}
    return [replace(first[sha256], labels=_real(labels[sha256])) for sha256 in labels]


def demand_one_label(
    labels: Mapping[str, dict[str, str]], remedy: str = "Keep each under one.", *, has_several: bool = False
) -> None:
    """Raises BadTrainingData if a content has several labels, or with `has_several` both labels and none; `labels` are
    its files by label, by SHA-256."""
    if twice := [
        found
        for found in labels.values()
        if len({label.casefold() for label in found}) > 1 and (NONE in found or not has_several)
    ]:
        files = " and ".join(f"{name} under {label or NONE_CALLED}" for label, name in sorted(twice[0].items()))
        raise BadTrainingData(
            f"{len(twice)} picture{'s are' if len(twice) > 1 else ' is'} there under more than one label, such as "
            f"{files}. {remedy}"
        )


def demand_same_labels(known: TrainingSet, new: list[Labelled], *, has_several: bool = False) -> None:
    """Raises BadTrainingData if a new file has another label than the same content that is kept, unless `has_several`
    says that both may hold."""
    kept = defaultdict[str, list[Labelled]](list)
    for source in known.labelled:
        kept[source.sha256 or ""].append(source)
    labels = {
        source.sha256 or "": {
            label: one.name for one in (*kept[source.sha256 or ""], source) for label in one.labels or (NONE,)
        }
        for source in new
    }
    demand_one_label(labels, KEEP_UNDER_ONE, has_several=has_several)


def keep(
    known: TrainingSet,
    sources: list[Labelled],
    progress: Callable[[], None],
    examples: Iterable[Example] = (),
    *,
    relabel: bool = False,
    has_several: bool = False,
) -> set[str]:
    """Keep labelled files, whose SHA-256 are known, unless they are kept already. Returns which were new.

    With `relabel`, what is there gets the labels that it has here; with `has_several`, it gets those too. By what they
    are recognised once they are gone comes from the `examples`. Raises Unavailable.
    """
    listed = {one.sha256: one for one in known.listed}
    seen = {example.sha256: member_of(example) for example in examples}
    first = {source.sha256 or "": source for source in reversed(sources)}

    def one(sha256: str) -> bool:
        source, before = first[sha256], listed.get(sha256)
        there, labels = before if before is not None and before.is_there else None, source.labels
        if there is not None and (there.labels or there.negative):  # others wait for a label
            if not relabel:
                labels = tuple(sorted({*there.labels, *labels})) if has_several else there.labels
            if there.labels == labels:
                return False
        data = source.read()
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()

        def kept(facts: PictureFacts) -> PictureFacts:
            name = source.name if there is None or relabel else there.source
            group = facts.group or source.group
            said = Marks(labels, not labels)
            labelled = replace(facts.marked(said), source=name, md5=md5, group=group)
            return remembering(labelled, seen.get(sha256))

        known.pictures.change(sha256, kept, is_new=before is None)
        if there is None:
            known.pictures.put_picture(sha256, data)
        return there is None

    return {sha256 for sha256, is_new in zip(first, at_once(one, first, progress), strict=True) if is_new}


def keep_groups(known: TrainingSet, sources: list[Labelled]) -> None:
    """Keep which pictures belong together, of those that are kept and had no group. Raises Unavailable."""
    without = {one.sha256 for one in known.listed if one.group is None}
    found = {source.sha256 or "": source.group for source in sources if source.group and source.sha256 in without}

    def one(sha256: str) -> None:
        known.pictures.change(sha256, lambda facts: replace(facts, group=facts.group or found[sha256]))

    for _ in at_once(one, found):
        pass


def all_with(
    stores: Stores, known: TrainingSet, new: list[Labelled], *, relabel: bool = False, has_several: bool = False
) -> list[Labelled]:
    """All labelled pictures: the new ones, those that are kept, and corrected uploads.

    A content that is new and kept comes once, with the group that it is kept with; twice, if it has other labels now
    and is not to be relabelled. A corrected upload comes only if its content is not among them with the same labels:
    once it is a labelled picture, it is learned as that alone. Raises Unavailable.
    """
    groups = {one.sha256: one.group for one in known.listed}
    given = {one.sha256: replace(one, group=groups.get(one.sha256 or "") or one.group) for one in new}
    found = list(given.values())
    for source in known.labelled:
        same = given.get(source.sha256)
        if same is None or not (relabel or same.labels == source.labels):
            found.append(source)
    found.sort(key=lambda source: (source.sha256 or "", source.labels))
    said = {(one.sha256, frozenset(one.labels)) for one in found}
    return found + corrected(stores, known.pictures.folder, has_several=has_several, said=said)


def keep_division(
    known: TrainingSet,
    split: Split,
    examples: list[Example],
    kept: Collection[str] = (),
    progress: BeginStage = unheard,
) -> None:
    """Keep which pictures test, in place of what was known. `kept` were kept just now, with these examples.

    First each picture's JSON gets what it is recognised by; then all that is newly decided is written at once, in the
    split's file, on its ETag; then it is written into each picture's JSON. Raises Conflict if another training changed
    the split at the same time; Unavailable.
    """
    decided = {sha256: part for sha256, part in split.parts.items() if known.split.parts.get(sha256) is not part}
    first = {example.sha256: example for example in reversed(examples) if example.sha256 in decided}

    def remember(example: Example) -> None:
        def known_by(facts: PictureFacts) -> PictureFacts:
            is_named = facts != PictureFacts()  # one that is known and has no label had it taken away meanwhile
            named = facts if is_named else replace(facts, labels=example.labels, source=example.source.name)
            return remembering(replace(named, md5=named.md5 or example.md5), member_of(example))

        known.pictures.change(example.sha256, known_by)

    if unknown := [example for sha256, example in first.items() if sha256 not in kept]:
        at_once(remember, unknown, progress("Remembering", len(unknown)))
    centre = None if split.centre is None else split.centre.astype(np.float32).tobytes()
    file = SplitFile(split.similarity, centre, decided, split.lowest, split.turned)
    etag = known.pictures.put_split(file, known.etag)
    if decided:
        with contextlib.suppress(Conflict):  # another training has gone on with it
            _settle(known.pictures, file, etag, progress)


def held_out(stores: Stores, project: str, limits: Limits, progress: BeginStage) -> Chosen:
    """The test pictures of a project, which no model has learned from. No other is read.

    Raises NotMigrated, BadSplit, Unavailable.
    """
    known = open_set(stores, project)
    tests = known.split.of(Part.TEST)
    sources = [source for source in known.labelled if source.sha256 in tests]
    return _chosen(sources, tests, known, limits, progress, KeptArrays(stores.training, project))


def learned(
    stores: Stores,
    project: str,
    pictures: Collection[str],
    limits: Limits,
    progress: BeginStage,
    kept: KeptArrays,
    *,
    has_several: bool = False,
) -> Chosen:
    """Those of the pictures with these SHA-256 that are still there and never were test pictures, each once.

    Their labels are today's, with `has_several` all that hold. Raises NotMigrated, BadSplit, Unavailable.
    """
    known = open_set(stores, project)
    wanted = known.split.of(Part.LEARN).intersection(pictures)
    everything = all_with(stores, known, [], has_several=has_several)
    sources = [source for source in everything if source.sha256 in wanted or source.is_correction]
    part = _chosen(sources, wanted, known, limits, progress, kept)
    examples = agreed(part.examples) if has_several else part.examples
    first = sorted({example.sha256: i for i, example in reversed(list(enumerate(examples)))}.values())
    return Chosen([examples[i] for i in first], part.groups[first])


def remembering(facts: PictureFacts, member: Member | None) -> PictureFacts:
    """The facts with what the picture is recognised by once it is gone, if that is known and was not before."""
    if member is None or (facts.thumb is not None and (facts.look is not None or member.look is None)):
        return facts
    look = None if member.look is None else zlib.compress(look_alikes.packed(member.look))
    return replace(facts, thumb=zlib.compress(member.thumb.tobytes()), look=look)


def _chosen(
    sources: list[Labelled],
    wanted: Collection[str],
    known: TrainingSet,
    limits: Limits,
    progress: BeginStage,
    kept: KeptArrays,
) -> Chosen:
    found = read(sources, limits, progress("Reading", len(sources)), kept)
    good = [example for example in found.good if example.sha256 in wanted]
    if not good:
        return Chosen([], np.zeros(0, int))
    members = known.split.recall({example.sha256 for example in good})
    examples = [replace(e, look=members[e.sha256].look if e.sha256 in members else None) for e in good]
    return Chosen(examples, grouped(examples, known.split.chosen_similarity()).groups)


def _settle(pictures: TrainingPictures, file: SplitFile, etag: str | None, progress: BeginStage) -> None:
    """Write what was decided into each picture's JSON, and then that nothing is left to write."""
    if file.pending:
        at_once(lambda one: pictures.assign(*one), file.pending.items(), progress("Dividing", len(file.pending)))
    pictures.put_split(replace(file, pending={}), etag)


def _recall(pictures: TrainingPictures) -> Callable[[Collection[str]], dict[str, Member]]:
    def one(sha256: str) -> tuple[str, Member | None]:
        found = pictures.facts(sha256)
        return sha256, None if found is None else _member(found[0])

    return lambda wanted: {sha256: member for sha256, member in at_once(one, wanted) if member is not None}


def _member(facts: PictureFacts) -> Member | None:
    if facts.thumb is None:
        return None
    thumb = np.frombuffer(zlib.decompress(facts.thumb), np.uint8).reshape(THUMB_SIDE, THUMB_SIDE)
    return Member(thumb, None if facts.look is None else look_alikes.unpacked(zlib.decompress(facts.look)))


def _real(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(label for label in labels if label != NONE))


def _reader_of(pictures: TrainingPictures, sha256: str) -> Callable[[], bytes]:
    return lambda: pictures.picture(sha256)
