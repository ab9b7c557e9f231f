"""The limits that keep a picture from costing too much."""

from collections.abc import Mapping
from dataclasses import dataclass, field

BYTES_PER_PIXEL = {"JPEG2000": 25, "WEBP": 17, "AVIF": 17, "HEIF": 14, "TIFF": 12}
"""What a pixel costs the decode child at the most: `python -m bench.memory` measures it, in colour, with alpha, turned.

AVIF and HEIF include what 10 and 12 bits a sample add, which the encoders at hand do not write."""
OTHER_BYTES_PER_PIXEL = 10
"""The same for all other formats."""
MAX_PIXELS_BY_FORMAT = {"JPEG2000": 50_000_000, "WEBP": 50_000_000}
"""Formats whose decoders need twice the memory of the others for a pixel (`make bench` measures all of them)."""


@dataclass(frozen=True)
class Limits:
    """Limits on one picture. The size is checked before the download, the dimensions before the decoding.

    `max_pixels` counts width × height of the one frame that is read; a format in `max_pixels_by_format` has a limit of
    its own where that is lower; `max_pixels_by_memory` is what the memory of the instance leaves to each format.
    `min_side` is in pixels; `decode_seconds` in seconds; `max_name_length` in characters. `child_bytes` is how much
    memory the decode child may take for one picture; None for what a picture at the limits takes at the most.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 100_000_000
    max_pixels_by_format: Mapping[str, int] = field(default_factory=lambda: dict(MAX_PIXELS_BY_FORMAT))
    max_pixels_by_memory: Mapping[str, int] = field(default_factory=dict)
    min_side: int = 8
    max_name_length: int = 1019
    max_metadata_bytes: int = 65_536
    keep_location: bool = False
    decode_seconds: float = 30.0
    child_bytes: int | None = None

    def pixels_of(self, format: str) -> tuple[int, str]:
        """The most pixels of a picture of this format, and the name of the setting that sets it."""
        limits = (
            (self.max_pixels, "MAX_PIXELS"),
            (self.max_pixels_by_format.get(format, self.max_pixels), "MAX_PIXELS_BY_FORMAT"),
            (self.max_pixels_by_memory.get(format, self.max_pixels), "INSTANCE_MEMORY_MB"),
        )
        return min(limits, key=lambda limit: limit[0])
