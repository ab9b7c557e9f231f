"""How a model was made, kept beside it, so that a person can tell later and make it again."""

import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from imagestore import __version__
from imagestore.decoding import decode
from imagestore.settings import ROOT
from model.training.choose import Choice
from model.training.imbalance import Balancing
from model.training.left_out import LeftOut
from model.training.look_alikes import recognised
from model.training.recipe import Held
from model.training.thresholds import RIGHT, Price


@dataclass(frozen=True)
class Provenance:
    """When and by which code a model was trained, on what, and with which options.

    `fingerprint` is the SHA-256 of all pictures with their labels, `views` how many altered views of each were used.
    `accuracy` is out-of-fold. `choice` is how pictures are shown to the model, and what else was tried; `held` is what
    a person had decided of it. `groups` is how many pictures there are if those that look alike count once; they count
    as look-alikes from `similarity` on, which the share `recognised` of altered copies reaches. `right` is the share of
    its answers that is to be right, `prices` what that and other shares cost, `balancing` the weight of rare labels,
    `rare` a sentence for each label that has too few pictures, and `left_out` how well it tells what it never saw.
    `labelling` says whether more pictures would help, and how many look mislabelled.
    `learned` is the label of each picture by the SHA-256 of its file, or a list of all its labels where several may
    hold; nothing of a picture that shows none of the labels. `lowest` is from which similarity on pictures count as
    look-alikes whose thumbnails agree, and `turned` says whether these were turned, too.
    """

    at: str
    code: str
    pictures: int
    fingerprint: str
    seed: int
    colour: bool
    flip: bool
    views: int
    strength: float
    accuracy: float
    choice: Choice
    groups: int | None = None
    similarity: float | None = None
    recognised: float | None = None
    right: float = RIGHT
    prices: tuple[Price, ...] = ()
    balancing: Balancing = Balancing()
    rare: tuple[str, ...] = ()
    left_out: LeftOut | None = None
    held: Held = Held()
    labelling: tuple[str, ...] = ()
    learned: Mapping[str, str | list[str]] = field(default_factory=dict)
    lowest: float | None = None
    turned: bool = False

    @classmethod
    def from_json(cls, data: bytes) -> "Provenance":
        """Read what `to_json` wrote, now or in an earlier version. Raises ValueError."""
        return decode(data, cls)

    def to_json(self) -> bytes:
        """All of it as JSON."""
        return msgspec.json.encode(self)

    def told(self) -> dict[str, Any]:
        """What a report tells of it: all but the label of each picture."""
        return {name: value for name, value in asdict(self).items() if name != "learned"}

    def sentence(self) -> str:
        """What the model was trained on, in one sentence."""
        seen = f"({self.choice.recipe.sentence()})"
        if self.groups is not None and self.groups < self.pictures:
            seen += f" (of which {self.groups} differ clearly)"
        none = sum(not labels for labels in self.learned.values())
        seen += f", {none} of which show none of the labels" if none else ""
        return f"{self.pictures} pictures {seen}, seed {self.seed}"

    def look_alikes(self) -> str | None:
        """From which similarity on pictures counted as look-alikes, and how many copies are recognised so; None if the
        pictures were too few to say."""
        if self.similarity is None or self.recognised is None:
            return None
        return recognised(self.similarity, self.recognised, self.lowest, turned=self.turned)

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """All labels of each picture that it learned from, by the SHA-256 of its file."""
        return {
            sha256: tuple(labels) if isinstance(labels, list) else (labels,) if labels else ()
            for sha256, labels in self.learned.items()
        }

    @property
    def has_several(self) -> bool:
        """Whether it learned that several labels may hold for a picture."""
        return any(isinstance(labels, list) for labels in self.learned.values())

    def sentences(self) -> list[str]:
        """What was chosen, what else was tried, what it costs to be right, and which labels have too few pictures."""
        tried = [one.sentence() for one in self.choice.tried] + [one.sentence() for one in self.balancing.tried]
        said = [self.choice.sentence(), *(f"  {one}" for one in tried)]
        does = "finds, of all labels," if self.has_several else "answers"
        said += ["What it costs to be right, out of fold:", *(f"  {price.sentence(does)}" for price in self.prices)]
        said += [alike] if (alike := self.look_alikes()) else []
        said += [self.left_out.sentence()] if self.left_out is not None else []
        said += self.labelling
        return said + [f"Too few pictures: {rare}" for rare in self.rare]


def code_version() -> str:
    """The version of this code and, in a checkout, its commit, with a mark if files were changed."""
    if not (ROOT / ".git").exists():
        return __version__
    try:
        command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__} ({found.stdout.strip()})"
