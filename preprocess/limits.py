"""What a picture may cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Each is checked before the cost it bounds: the size before the download, the dimensions before the decoding.

    `max_pixels` counts width × height × frames read; `min_side` is in pixels; `decode_seconds` in seconds;
    `max_name_length` in characters.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 100_000_000
    min_side: int = 8
    max_name_length: int = 1019
    max_metadata_bytes: int = 65_536
    keep_location: bool = False
    decode_seconds: float = 30.0
