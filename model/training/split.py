"""Decides, for good, which pictures are test pictures: by group, stratified by label, or by all labels of a picture.

A group that touches the test part stays in it for ever, and one that was learned from never becomes a test. So every
version is evaluated on pictures that no version has learned from. Where a group joins both, since more is recognised
than before, its test pictures are retired: they are neither tested on nor learned from.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np

from imagestore.store.training import Part
from model.training import stratify
from model.training.examples import Example, Labelled
from model.training.grouping import is_blank, touching
from model.training.look_alikes import Similarity
from model.training.scratch import blocks

TEST_SHARE = 0.2
_RECALLED = 2**13
"""So many pictures that are gone are compared at a time, of 6 KB each."""
SALT = "imagestore test part 1"
"""Which pictures test follows from this and their content alone."""


@dataclass(frozen=True)
class Member:
    """A picture assigned to a part: its gray thumbnail uint8 [32, 32] and its look float32 [1280], which is None if an
    earlier version assigned it or it is blank."""

    thumb: np.ndarray
    look: np.ndarray | None = None


Recall = Callable[[Collection[str]], dict[str, Member]]
"""Gives what is remembered of pictures by their SHA-256; those of which nothing is remembered are left out."""


def _nothing(_: Collection[str]) -> dict[str, Member]:
    return {}


@dataclass
class Split:
    """The part of every picture that was ever assigned to one, by the SHA-256 of its file, which may no longer exist.

    `similarity` is the threshold by which look-alikes were last found, `lowest` that for pictures whose thumbnails
    agree (None if an earlier version found them), `centre` float [1280] what was taken away from each look then, and
    `turned` says whether thumbnails were turned, too.
    `recall` is asked only for pictures that are gone.
    """

    parts: dict[str, Part] = field(default_factory=dict)
    similarity: float | None = None
    centre: np.ndarray | None = None
    recall: Recall = _nothing
    lowest: float | None = None
    turned: bool = False

    def of(self, part: Part) -> set[str]:
        """The SHA-256 of all pictures of a part."""
        return {sha256 for sha256, one in self.parts.items() if one is part}

    def chosen_similarity(self) -> Similarity | None:
        """The similarity by which look-alikes were last found, for comparing members of this split."""
        if self.similarity is None or self.centre is None:
            return None
        return Similarity(self.similarity, 1.0, self.centre, self.lowest, self.turned)


@dataclass(frozen=True)
class Division:
    """Which of the examples are test pictures, and which are neither tested on nor learned from: bool [n] each."""

    is_test: np.ndarray
    is_retired: np.ndarray
    split: Split


def divide(
    examples: list[Example],
    groups: np.ndarray,
    known: Split,
    similarity: Similarity | None = None,
    *,
    has_several: bool = False,
) -> Division:
    """Decide which examples are test pictures, and add all to the split. `has_several` says that a picture may have
    several labels.

    A group that touches the known test part is test. One that touches the known training part, or holds a correction,
    is not; what it has of the test part is retired. Of the other groups a fifth of each label is test, chosen by a hash
    of their content and so always the same.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, number in enumerate(groups):
        members[int(number)].append(i)
    tested, retired, learned_from = (known.of(part) for part in (Part.TEST, Part.RETIRED, Part.LEARN))
    testing = resembling(examples, tested, known.recall, similarity)
    learned = resembling(examples, learned_from, known.recall, similarity)
    tests: dict[int, bool] = {}
    open_groups: list[tuple[str, int]] = []
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
            open_groups.append((order, number))
    choose = _by_all_labels if has_several else _by_label
    tests |= choose(examples, members, tests, sorted(open_groups))
    in_test_group = np.array([tests[int(number)] for number in groups], bool)
    was_tested = np.array([e.sha256 in tested or e.sha256 in retired for e in examples], bool)
    was_retired = np.array([e.sha256 in retired for e in examples], bool)
    is_retired = was_retired | (was_tested & ~in_test_group)
    is_test = in_test_group & ~is_retired
    split = _with(known, examples, is_test, is_retired)
    if similarity:
        split.similarity, split.lowest, split.centre = similarity.threshold, similarity.lowest, similarity.centre
        split.turned = similarity.turned
    return Division(is_test, is_retired, split)


def resembling(examples: list[Example], part: set[str], recall: Recall, similarity: Similarity | None) -> set[int]:
    """The numbers of the examples that are in this part, or look like one that is and is no example itself."""
    found = {i for i, example in enumerate(examples) if example.sha256 in part}
    # Those that are there still are examples themselves, so the groups say what looks like them.
    gone = sorted(part - {example.sha256 for example in examples})
    for block in blocks(len(gone), _RECALLED):
        rest = [i for i in range(len(examples)) if i not in found]
        remembered = [_remembered(sha256, member) for sha256, member in recall(gone[block]).items()]
        found |= {rest[i] for i in touching([examples[i] for i in rest], remembered, similarity)}
    return found


def _by_label(
    examples: list[Example], members: dict[int, list[int]], tests: dict[int, bool], waiting: list[tuple[str, int]]
) -> dict[int, bool]:
    """Whether each waiting group is test, so that a fifth of each label's groups is; `tests` are those decided
    before."""
    sizes: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for number, inside in members.items():
        sizes[examples[inside[0]].label][0] += 1
        sizes[examples[inside[0]].label][1] += tests.get(number, False)
    left = {label: max(0, round(groups * TEST_SHARE) - already) for label, (groups, already) in sizes.items()}
    found = {}
    for _, number in waiting:
        label = examples[members[number][0]].label
        found[number] = left[label] > 0
        left[label] -= 1
    return found


def _by_all_labels(
    examples: list[Example], members: dict[int, list[int]], tests: dict[int, bool], waiting: list[tuple[str, int]]
) -> dict[int, bool]:
    """The same, where pictures have several labels: a fifth of each label's groups as nearly as can be."""
    names = sorted({label for example in examples for label in example.labels})
    numbers = [*tests, *(number for _, number in waiting)]
    labels = [[label for i in members[number] for label in examples[i].labels] for number in numbers]
    already = np.array([int(tests[number]) if number in tests else -1 for number in numbers])
    shares, order = (1 - TEST_SHARE, TEST_SHARE), np.arange(len(numbers))
    parts = stratify.deal(stratify.holding(labels, names), shares, order, already)
    return {number: bool(parts[i]) for i, number in enumerate(numbers) if number not in tests}


def member_of(example: Example) -> Member:
    """What is remembered of a picture."""
    return Member(example.thumb, None if is_blank(example.thumb) else example.look)


def _with(known: Split, examples: list[Example], is_test: np.ndarray, is_retired: np.ndarray) -> Split:
    parts, seen = dict(known.parts), {example.sha256: example for example in examples}
    for example, test, retired in zip(examples, is_test, is_retired, strict=True):
        parts[example.sha256] = Part.RETIRED if retired else Part.TEST if test else Part.LEARN

    def recall(pictures: Collection[str]) -> dict[str, Member]:
        here = {sha256: member_of(seen[sha256]) for sha256 in pictures if sha256 in seen}
        return here | known.recall([sha256 for sha256 in pictures if sha256 not in here])

    return Split(parts, known.similarity, known.centre, recall, known.lowest, known.turned)


def _remembered(sha256: str, member: Member) -> Example:
    return Example(Labelled((), "", bytes), sha256, "", member.thumb, look=member.look)
