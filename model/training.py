"""How a model came to be: what is kept beside it, so that a person can tell later, and make it again."""

import importlib.metadata
import subprocess
from dataclasses import dataclass

from model.colour import Colours
from settings import ROOT


@dataclass(frozen=True)
class Training:
    """`fingerprint` is the SHA-256 of which pictures with which labels, `views` are the altered ones of each,
    `accuracy` is out of fold, `colours` is None where no picture has colour."""

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
    colours: Colours | None

    def sentence(self) -> str:
        """For a person."""
        seen = "in colour" if self.colour else "in gray"
        return f"{self.pictures} pictures {seen}, {self.views} altered views of each, seed {self.seed}"


def code_version() -> str:
    """The version of this code; in a checkout, its commit too, marked where files were changed."""
    version = importlib.metadata.version("intelligent-storage")
    if not (ROOT / ".git").exists():
        return version
    try:
        command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return version
    return f"{version} ({found.stdout.strip()})"
