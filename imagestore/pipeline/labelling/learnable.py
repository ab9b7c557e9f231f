"""Whether what is labelled in a project is enough to learn from: what is there of each label, and what is missing.

A training looks closer: it reads each picture, and counts those that look alike as one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from classify.families import RESERVED_LABEL
from imagestore.pipeline.labelling.labelled import Tally
from imagestore.store.projects import LabelsPerPicture, Project

FEWEST = 5
"""How many pictures a label needs, those that look alike counted once: four to learn from and one to test with."""
WANTED = 30
"""From how many on a label's figures are worth something: with fewer, one picture more or less changes them a lot."""

NOTHING_TO_TEST_WITH = (
    "There is no labelled picture to test with: corrected uploads are only learned from. In the gallery, choose those "
    "that are corrected and move some of each label to training, or all."
)


@dataclass(frozen=True)
class LabelCount:
    """How many labelled pictures are kept that have a label, and how many corrected uploads; `missing` are needed
    before a model can learn it, and `wanted` more are wished for."""

    label: str
    pictures: int
    corrections: int
    missing: int
    wanted: int

    @property
    def sentence(self) -> str:
        """What is there and what is missing: "fish: 3, at least 5 needed, 30 wanted"."""
        there = self.pictures + self.corrections
        if self.missing:
            return f"{self.label}: {there}, at least {FEWEST} needed, {WANTED} wanted"
        return f"{self.label}: {there}, {WANTED} wanted" if self.wanted else f"{self.label}: {there}"


@dataclass(frozen=True)
class Learnable:
    """What a project could learn from now, label by label, the rarest first.

    `negatives` are pictures that show none of the labels, `unlabelled` those that wait for a label. `problems` say in
    sentences why a training would be refused, and `left_out` which labels it would leave out; `same_case` are sets of
    labels that differ by upper and lower case alone.
    """

    labels: list[LabelCount]
    negatives: int
    unlabelled: int
    problems: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    same_case: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class TrainingState:
    """What a project could learn from now, its labels the rarest first.

    `negatives` are pictures that show none of the labels, `unlabelled` those that wait for a label. `corrections` are
    corrected uploads whose content is no labelled picture, of which `new_corrections` are later than `newest`, the
    newest version. `problems` say why a training would be refused now, `left_out` which labels it would leave out, and
    `same_case` are labels that differ by upper and lower case alone. `pictures_of` is the project that the pictures
    belong to.
    """

    project: str
    title: str
    labels_per_picture: LabelsPerPicture
    pictures_of: str
    labels: list[LabelCount]
    negatives: int
    unlabelled: int
    corrections: int
    new_corrections: int
    newest: str | None
    problems: list[str]
    left_out: list[str]
    same_case: list[list[str]]
    is_enough: bool


def learnable(
    project: Project, there: Tally, corrections: Mapping[str, int], contradicted: int = 0, at_odds: int = 0
) -> Learnable:
    """What the project could learn from: its pictures, and so many corrections to each label, of other content.
    `contradicted` uploads are corrected to other labels than the same content has among the pictures, and the uploads
    of `at_odds` other contents to several labels."""
    pictures = there.labels
    counts = [
        LabelCount(
            label,
            pictures.get(label, 0),
            corrections.get(label, 0),
            max(0, FEWEST - pictures.get(label, 0) - corrections.get(label, 0)),
            max(0, WANTED - pictures.get(label, 0) - corrections.get(label, 0)),
        )
        for label in {*pictures, *corrections}
    ]
    counts.sort(key=lambda one: (one.pictures + one.corrections, one.label))
    left_out = [one for one in counts if one.missing and not one.pictures]
    learned = [one for one in counts if one not in left_out]
    everything = there.labelled + sum(corrections.values())
    without = Counter({one.label: everything - one.pictures - one.corrections for one in learned})
    has_several = project.labels_per_picture is LabelsPerPicture.SEVERAL
    return Learnable(
        counts,
        there.negatives,
        there.unlabelled,
        _contradictions(contradicted, at_odds) + _problems(learned, there.negatives, without, has_several=has_several),
        [
            f"'{one.label}' was given to {one.corrections} corrected {'upload' if one.corrections == 1 else 'uploads'} "
            f"alone, and is left out until there are {FEWEST}."
            for one in left_out
        ],
        _same_but_for_case(one.label for one in counts),
    )


def _contradictions(count: int, at_odds: int) -> list[str]:
    found = []
    if count:
        uploads = "1 corrected upload has" if count == 1 else f"{count:,} corrected uploads have"
        found.append(
            f"{uploads} another label than the same picture has here. Move what is right to training in the gallery, "
            "or correct the upload."
        )
    if at_odds:
        pictures = "1 picture was" if at_odds == 1 else f"{at_odds:,} pictures were"
        found.append(
            f"{pictures} uploaded several times and corrected to different labels. Correct the uploads of each to one "
            "label; a picture's page names those with the same bytes."
        )
    return found


def _problems(learned: list[LabelCount], negatives: int, without: Counter[str], *, has_several: bool) -> list[str]:
    said = []
    if any(one.label == RESERVED_LABEL for one in learned):
        said.append(f"'{RESERVED_LABEL}' cannot be a label: it is what a picture is called of which no model is sure.")
    fewest = 1 if has_several else 2
    if len(learned) < fewest:
        there = f"There is only the label '{learned[0].label}'" if learned else "There is no label yet"
        said.append(f"{there}; at least {'one is' if has_several else 'two labels are'} needed.")
    said += [f"{one.sentence}." for one in learned if one.missing]
    if learned and not any(one.pictures for one in learned):
        said.append(NOTHING_TO_TEST_WITH)
    if has_several:
        said += [
            f"'{label}' is learned from pictures with it and without it: {count} are without it, at least {FEWEST} are "
            "needed."
            for label, count in without.items()
            if count < FEWEST
        ]
    elif 0 < negatives < FEWEST:
        said.append(f"Of pictures that show none of the labels there are {negatives}; at least {FEWEST} are needed.")
    return said


def _same_but_for_case(labels: Iterable[str]) -> list[list[str]]:
    spellings = defaultdict[str, list[str]](list)
    for label in sorted(labels):
        spellings[label.casefold()].append(label)
    return [found for found in spellings.values() if len(found) > 1]
