"""Decides, for good, which pictures are test pictures: by group, stratified by label.

A group that touches the test part stays in it for ever, and one that was learned from never becomes a test. So every
version is evaluated on pictures that no version has learned from.
"""

import base64
import hashlib
import zlib
from collections import defaultdict
from dataclasses import dataclass, field

import msgspec
import numpy as np

from imagestore.errors import BadSplit
from model.training.examples import THUMB_SIDE, Example
from model.training.near_duplicates import pairs

TEST_SHARE = 0.2
_SALT = "imagestore test part 1"


@dataclass(frozen=True)
class Member:
    """A picture assigned to a part: the MD5 of its file in hex, and its gray thumbnail uint8 [32, 32]."""

    md5: str
    thumb: np.ndarray


@dataclass
class Split:
    """Every picture that was ever assigned to a part, by the SHA-256 of its file, which may no longer exist."""

    train: dict[str, Member] = field(default_factory=dict)
    test: dict[str, Member] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: bytes) -> "Split":
        """Read what `to_json` wrote. Raises BadSplit."""
        try:
            raw = msgspec.json.decode(data, type=dict[str, dict[str, tuple[str, str]]])
            train, test = ({sha: _unpacked(*packed) for sha, packed in raw[part].items()} for part in ("train", "test"))
            return cls(train, test)
        except (msgspec.MsgspecError, KeyError, ValueError, zlib.error) as error:
            raise BadSplit(
                f"The split cannot be read ({error}). Without it, models could be tested on pictures they learned from."
            ) from None

    def to_json(self) -> bytes:
        """The whole split as JSON, about a kilobyte a picture. The same content gives the same bytes."""
        parts = {"train": self.train, "test": self.test}
        return msgspec.json.encode(
            {part: {sha: _packed(member) for sha, member in sorted(found.items())} for part, found in parts.items()}
        )


def divide(examples: list[Example], groups: np.ndarray, known: Split) -> tuple[np.ndarray, Split]:
    """Decide which examples are test pictures, bool [n], and add them to the split.

    A group that touches the known test part is test. One that touches the known training part, or holds a correction,
    is not. Of the other groups a fifth of each label is test, chosen by a hash of their content and so always the same.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, number in enumerate(groups):
        members[int(number)].append(i)
    testing, learned = _touching(examples, known.test), _touching(examples, known.train)
    tests: dict[int, bool] = {}
    open_groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for number, inside in members.items():
        if any(i in testing for i in inside):
            tests[number] = True
        elif any(i in learned or examples[i].source.is_correction for i in inside):
            tests[number] = False
        else:
            key = min(examples[i].sha256 for i in inside)
            order = hashlib.sha256(f"{_SALT}{key}".encode()).hexdigest()
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
    is_test = np.array([tests[int(number)] for number in groups], bool)
    new = {e.sha256: Member(e.md5, e.thumb) for e in examples}
    test = known.test | {e.sha256: new[e.sha256] for e, t in zip(examples, is_test, strict=True) if t}
    train = {sha: member for sha, member in (known.train | new).items() if sha not in test}
    return is_test, Split(train, test)


def _touching(examples: list[Example], part: dict[str, Member]) -> set[int]:
    """The numbers of the examples that are in this part, or look like one that is."""
    found = {i for i, example in enumerate(examples) if example.sha256 in part}
    if part and len(found) < len(examples):
        rest = [i for i in range(len(examples)) if i not in found]
        thumbs = np.stack([examples[i].thumb for i in rest])
        found |= {rest[i] for i, _ in pairs(thumbs, np.stack([member.thumb for member in part.values()]))}
    return found


def _packed(member: Member) -> tuple[str, str]:
    return member.md5, base64.b64encode(zlib.compress(member.thumb.tobytes())).decode()


def _unpacked(md5: str, thumb: str) -> Member:
    pixels = np.frombuffer(zlib.decompress(base64.b64decode(thumb)), np.uint8)
    return Member(md5, pixels.reshape(THUMB_SIDE, THUMB_SIDE))
