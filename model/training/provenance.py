"""How a model was made, kept beside it, so that a person can tell later and make it again."""

import subprocess
from dataclasses import dataclass

from imagestore import __version__
from imagestore.settings import ROOT
from model.training.choose import Choice


@dataclass(frozen=True)
class Provenance:
    """When and by which code a model was trained, on what, and with which options.

    `fingerprint` is the SHA-256 of all pictures with their labels, `views` how many altered views of each were used.
    `accuracy` is out-of-fold. `choice` is how pictures are shown to the model, and what else was tried.
    `groups` is how many pictures there are if
    those that look alike count once; they count as look-alikes from `similarity` on, which the share `recognised` of
    altered copies reaches.
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

    def sentence(self) -> str:
        """What the model was trained on, in one sentence."""
        seen = f"({self.choice.recipe.sentence()})"
        if self.groups is not None and self.groups < self.pictures:
            seen += f" (of which {self.groups} differ clearly)"
        return f"{self.pictures} pictures {seen}, seed {self.seed}"


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
