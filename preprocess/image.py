"""The form of picture that a model takes, and what was read from a picture's file."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Metadata = dict[str, Any]
"""Camera, exposure, dates and JFIF fields: JSON values without NaN or lone surrogates."""

MAX_SIDE = 4096
"""In pixels: the longest side of a picture for a model. A model that asks for more is refused."""


class Fit(StrEnum):
    """How a picture is brought to a model's proportions: its centre is cropped, the whole is padded, or stretched."""

    CROP = "crop"
    PAD = "pad"
    STRETCH = "stretch"


@dataclass(frozen=True)
class ImageSpec:
    """The form of picture that a model takes: width × height pixels, 1 (gray) or 3 (RGB) channels.

    `crop` is the share of the short side that the centred crop keeps (0 < crop ≤ 1); it is 1 for the other ways to fit.
    `pad_value` is the level (0 to 255) of what is added where `fit` is `pad`, else 0. A `plain` picture is as most
    programs read it: decoded in full, with its colours as stored, whatever its colour profile.
    """

    width: int
    height: int
    channels: int
    crop: float
    fit: Fit = Fit.CROP
    pad_value: int = 0
    plain: bool = False


@dataclass(frozen=True)
class ImageInfo:
    """What was read from the file. `width` and `height` are as stored: `orientation` (EXIF, 1 to 8) is not applied."""

    format: str
    width: int
    height: int
    mode: str
    frames: int = 1
    orientation: int = 1
    taken_at: str | None = None
    phash: str | None = None
    metadata: Metadata = field(default_factory=dict)

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the picture as it is seen: by orientations 5 to 8 the file holds it on its side."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)
