"""A photograph of 2000 × 1333 through `preprocess`, beside libvips' thumbnail of the same: `python -m bench.thumbnail`.

libvips scales while it decodes, too; it is what is counted as fast. Both make 224 × 224 gray pixels of the same bytes.
"""

import io
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from preprocess import ImageSpec, Limits
from preprocess.preprocess import preprocess

SIZE = 2000, 1333
_SPEC = ImageSpec(224, 224, 1, 0.875)


@dataclass(frozen=True)
class Thumbnails:
    """Processor time of this process for one picture, in ms."""

    ours_ms: float
    libvips_ms: float


def measure(photo: Path, rounds: int = 15, calls: int = 10) -> Thumbnails:
    """The medians of rounds that take turns."""
    os.environ["VIPS_CONCURRENCY"] = "1"  # its threads would only cost more
    import pyvips

    large = io.BytesIO()
    Image.open(photo).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS).save(large, "JPEG", quality=90)
    data, side = large.getvalue(), _SPEC.width

    def of_libvips() -> None:
        image = pyvips.Image.thumbnail_buffer(data, side, height=side, crop=pyvips.Interesting.CENTRE)
        image.colourspace(pyvips.Interpretation.B_W).write_to_memory()

    ways = {"ours": lambda: preprocess(data, _SPEC, Limits()), "libvips": of_libvips}
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds + 1):
        for way, call in ways.items():
            found[way].append(_cpu_ms(call, calls))
    ours, libvips = (statistics.median(found[way][1:]) for way in ways)
    return Thumbnails(ours, libvips)


def _cpu_ms(call: Callable[[], object], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) * 1e3 / calls


def main() -> None:
    """Print both."""
    from imagestore.settings import ROOT

    found = measure(ROOT / "samples" / "palace.jpg")
    ratio = found.ours_ms / found.libvips_ms
    print(f"preprocess {found.ours_ms:.2f} ms, libvips {found.libvips_ms:.2f} ms: {ratio:.2f}")


if __name__ == "__main__":
    main()
