"""Which pictures are learned from and which only test: by group, stratified by label, and for good.

Membership is sticky: a group that touches the test part stays there for ever, and one that was learned from never
becomes a test for a model that knows it. So every version is judged by pictures that no version has learned from.
"""

import base64
import hashlib
import zlib
from collections import defaultdict
from dataclasses import dataclass, field

import msgspec
import numpy as np

from errors import ImageStoreError
from model.examples import THUMB_SIDE, Example
from model.groups import pairs

TEST_SHARE = 0.2
_SALT = "imagestore test part 1"


class BadSplit(ImageStoreError):
    """The file of the split cannot be read."""


@dataclass
class Split:
    """SHA-256 of every picture that was ever given a part, with its thumbnail where it tests."""

    train: set[str] = field(default_factory=set)
    test: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: bytes) -> "Split":
        """As `to_json` wrote it. BadSplit."""
        try:
            raw = msgspec.json.decode(data)
            return cls(set(raw["train"]), {sha: _unpacked(text) for sha, text in raw["test"].items()})
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, ValueError, zlib.error) as error:
            raise BadSplit(
                f"The split cannot be read ({error}). Without it, models could be judged by what they know."
            ) from None

    def to_json(self) -> bytes:
        """The whole split, the same bytes for the same content."""
        test = {sha: _packed(thumb) for sha, thumb in sorted(self.test.items())}
        return msgspec.json.encode({"train": sorted(self.train), "test": test})


def divide(examples: list[Example], groups: np.ndarray, known: Split) -> tuple[np.ndarray, Split]:
    """Which examples test, bool [n], and the split that also knows them.

    Groups that touch the known test part test; those that touch the known training part, or hold a correction, do
    not; of the others a fifth of each label does, chosen by a hash of their content and so always the same.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, number in enumerate(groups):
        members[int(number)].append(i)
    touching = _touching(examples, known)
    tests: dict[int, bool] = {}
    open_groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for number, inside in members.items():
        if any(i in touching for i in inside):
            tests[number] = True
        elif any(examples[i].sha256 in known.train or examples[i].source.is_correction for i in inside):
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
        all_groups, testing = sizes[label]
        wanted = max(0, round(all_groups * TEST_SHARE) - testing)
        for rank, (_, number) in enumerate(sorted(waiting)):
            tests[number] = rank < wanted
    is_test = np.array([tests[int(number)] for number in groups], bool)
    split = Split(
        known.train | {e.sha256 for e, t in zip(examples, is_test, strict=True) if not t},
        known.test | {e.sha256: e.thumb for e, t in zip(examples, is_test, strict=True) if t},
    )
    split.train -= split.test.keys()
    return is_test, split


def _touching(examples: list[Example], known: Split) -> set[int]:
    """Examples that are, or look like, one of the test part, though its file may be gone."""
    found = {i for i, example in enumerate(examples) if example.sha256 in known.test}
    if known.test:
        thumbs = np.stack([example.thumb for example in examples])
        found |= {i for i, _ in pairs(thumbs, np.stack(list(known.test.values())))}
    return found


def _packed(thumb: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(thumb.tobytes())).decode()


def _unpacked(text: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(THUMB_SIDE, THUMB_SIDE)
