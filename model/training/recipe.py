"""How pictures are shown to a model that learns: gray or colour, cropped or padded, levelled or not, to which net, and
what of that net is read."""

from dataclasses import dataclass

from preprocess import Fit

GRAY_LEVEL = 127
"""What pads a picture: the level that normalisation makes zero."""


@dataclass(frozen=True)
class Recipe:
    """One way to show them. With `middle` the net's middle layers are read too."""

    backbone: str = "lite0"
    views: int = 0
    level: bool = False
    middle: bool = False
    colour: bool = False
    fit: Fit = Fit.CROP

    def sentence(self) -> str:
        """In a few words: "colour, padded, Lite0"."""
        said = ["colour" if self.colour else "gray", {"crop": "cropped", "pad": "padded"}.get(self.fit, str(self.fit))]
        said += ["levelled"] * self.level
        said += [{"lite0": "Lite0", "lite2": "Lite2"}.get(self.backbone, self.backbone)]
        said += ["with middle layers"] * self.middle
        said += [f"{self.views} altered views"] * (self.views > 0)
        return ", ".join(said)

    @property
    def simplicity(self) -> tuple[int, ...]:
        """The smaller, the simpler: by what it costs. To crop and to pad are as simple as each other."""
        net = ("lite0", "lite2").index(self.backbone) if self.backbone in ("lite0", "lite2") else 2
        return net, self.views, self.middle, self.level, self.colour


@dataclass(frozen=True)
class Held:
    """What a person has chosen; None where training chooses."""

    colour: bool | None = None
    fit: Fit | None = None
    level: bool | None = None
    middle: bool | None = None
    backbone: str | None = None
    views: int | None = None
