"""Decides, for good, which pictures are test pictures: by group, stratified by label.

A group that touches the test part stays in it for ever, and one that was learned from never becomes a test. So every
version is evaluated on pictures that no version has learned from. Where a group joins both, since more is recognised
than before, its test pictures are retired: they are neither tested on nor learned from.
"""

import base64
import hashlib
import zlib
from collections import defaultdict
from dataclasses import dataclass, field

import msgspec
import numpy as np

from imagestore.errors import BadSplit
from model.training import look_alikes
from model.training.examples import THUMB_SIDE, Example, Labelled
from model.training.grouping import is_blank, touching
from model.training.look_alikes import Similarity

TEST_SHARE = 0.2
SALT = "imagestore test part 1"
"""Which pictures test follows from this and their content alone."""


@dataclass(frozen=True)
class Member:
    """A picture assigned to a part: the MD5 of its file in hex, its gray thumbnail uint8 [32, 32] and its look float32
    [1280], which is None if an earlier version assigned it or it is blank."""

    md5: str
    thumb: np.ndarray
    look: np.ndarray | None = None


Members = dict[str, Member]


class _File(msgspec.Struct):
    train: dict[str, tuple[str, ...]]
    test: dict[str, tuple[str, ...]]
    retired: dict[str, tuple[str, ...]] = {}
    similarity: float | None = None


@dataclass
class Split:
    """Every picture that was ever assigned to a part, by the SHA-256 of its file, which may no longer exist.

    `similarity` is the threshold by which look-alikes were last found.
    """

    train: Members = field(default_factory=dict)
    test: Members = field(default_factory=dict)
    retired: Members = field(default_factory=dict)
    similarity: float | None = None

    @classmethod
    def from_json(cls, data: bytes) -> "Split":
        """Read what `to_json` wrote, now or in an earlier version. Raises BadSplit."""
        try:
            raw = msgspec.json.decode(data, type=_File)
            train, test, retired = (
                {sha: _unpacked(*packed) for sha, packed in part.items()} for part in (raw.train, raw.test, raw.retired)
            )
            return cls(train, test, retired, raw.similarity)
        except (msgspec.MsgspecError, TypeError, ValueError, zlib.error) as error:
            raise BadSplit(
                f"The split cannot be read ({error}). Without it, models could be tested on pictures they learned from."
            ) from None

    def to_json(self) -> bytes:
        """The whole split as JSON, about three kilobytes a picture. The same content gives the same bytes."""
        train, test, retired = (
            {sha: _packed(member) for sha, member in sorted(part.items())} for part in self._parts()
        )
        return msgspec.json.encode(_File(train, test, retired, self.similarity))

    def chosen_similarity(self) -> Similarity | None:
        """The similarity by which look-alikes were last found, for comparing members of this split."""
        known = [member.look for part in self._parts() for member in part.values() if member.look is not None]
        if self.similarity is None or not known:
            return None
        return Similarity(self.similarity, 1.0, np.mean(known, axis=0))

    def _parts(self) -> tuple[Members, Members, Members]:
        return self.train, self.test, self.retired


@dataclass(frozen=True)
class Division:
    """Which of the examples are test pictures, and which are neither tested on nor learned from: bool [n] each."""

    is_test: np.ndarray
    is_retired: np.ndarray
    split: Split


def divide(examples: list[Example], groups: np.ndarray, known: Split, similarity: Similarity | None = None) -> Division:
    """Decide which examples are test pictures, and add all to the split.

    A group that touches the known test part is test. One that touches the known training part, or holds a correction,
    is not; what it has of the test part is retired. Of the other groups a fifth of each label is test, chosen by a hash
    of their content and so always the same.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, number in enumerate(groups):
        members[int(number)].append(i)
    testing = _touching(examples, known.test, similarity)
    learned = _touching(examples, known.train, similarity)
    tests: dict[int, bool] = {}
    open_groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for number, inside in members.items():
        if any(i in learned for i in inside):
            tests[number] = False
        elif any(i in testing for i in inside):
            tests[number] = True
        elif any(examples[i].source.is_correction for i in inside):
            tests[number] = False
        else:
            key = min(examples[i].sha256 for i in inside)
            order = hashlib.sha256(f"{SALT}{key}".encode()).hexdigest()
            open_groups[examples[inside[0]].label].append((order, number))
    sizes: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for number, inside in members.items():
        sizes[examples[inside[0]].label][0] += 1
        sizes[examples[inside[0]].label][1] += tests.get(number, False)
    for label, waiting in open_groups.items():
        all_groups, already = sizes[label]
        wanted = max(0, round(all_groups * TEST_SHARE) - already)
        for rank, (_, number) in enumerate(sorted(waiting)):
            tests[number] = rank < wanted
    in_test_group = np.array([tests[int(number)] for number in groups], bool)
    was_tested = np.array([e.sha256 in known.test or e.sha256 in known.retired for e in examples], bool)
    was_retired = np.array([e.sha256 in known.retired for e in examples], bool)
    is_retired = was_retired | (was_tested & ~in_test_group)
    is_test = in_test_group & ~is_retired
    split = _with(known, examples, is_test, is_retired)
    split.similarity = similarity.threshold if similarity else known.similarity
    return Division(is_test, is_retired, split)


def _with(known: Split, examples: list[Example], is_test: np.ndarray, is_retired: np.ndarray) -> Split:
    new = {e.sha256: Member(e.md5, e.thumb, None if is_blank(e.thumb) else e.look) for e in examples}
    retired = known.retired | {e.sha256: new[e.sha256] for e, r in zip(examples, is_retired, strict=True) if r}
    test = known.test | {e.sha256: new[e.sha256] for e, t in zip(examples, is_test, strict=True) if t}
    test = {sha: member for sha, member in test.items() if sha not in retired}
    train = {sha: m for sha, m in (known.train | new).items() if sha not in test and sha not in retired}
    return Split(train, test, retired)


def _touching(examples: list[Example], part: Members, similarity: Similarity | None) -> set[int]:
    """The numbers of the examples that are in this part, or look like one that is."""
    found = {i for i, example in enumerate(examples) if example.sha256 in part}
    there = {example.sha256 for example in examples}
    rest = [i for i in range(len(examples)) if i not in found]
    # Those that are there still are examples themselves, so the groups say what looks like them.
    gone = [_remembered(sha256, member) for sha256, member in part.items() if sha256 not in there]
    return found | {rest[i] for i in touching([examples[i] for i in rest], gone, similarity)}


def _remembered(sha256: str, member: Member) -> Example:
    return Example(Labelled("", "", bytes), sha256, member.md5, member.thumb, look=member.look)


def _packed(member: Member) -> tuple[str, ...]:
    thumb = base64.b64encode(zlib.compress(member.thumb.tobytes())).decode()
    if member.look is None:
        return member.md5, thumb
    return member.md5, thumb, base64.b64encode(zlib.compress(look_alikes.packed(member.look))).decode()


def _unpacked(md5: str, thumb: str, look: str | None = None) -> Member:
    pixels = np.frombuffer(zlib.decompress(base64.b64decode(thumb)), np.uint8)
    known = None if look is None else look_alikes.unpacked(zlib.decompress(base64.b64decode(look)))
    return Member(md5, pixels.reshape(THUMB_SIDE, THUMB_SIDE), known)
