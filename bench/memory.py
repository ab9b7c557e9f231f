"""How much memory the decode child takes for pictures of 100 megapixels: `python -m bench.memory`."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from preprocess import Decoder, Limits
from record import ImageSpec

SIDE = 10_000
SPEC = ImageSpec(224, 224, 1, 0.875)


def _image(dtype: type) -> Image.Image:
    row = np.linspace(0, 60_000 if dtype is np.uint16 else 250, SIDE).astype(dtype)
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(row, (SIDE, SIDE))))


def _encoded(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: _encoded(_image(np.uint8).convert("RGB"), "JPEG"),
    "JPEG progressive": lambda: _encoded(_image(np.uint8).convert("RGB"), "JPEG", progressive=True),
    "PNG RGB": lambda: _encoded(_image(np.uint8).convert("RGB"), "PNG", compress_level=1),
    "PNG RGBA": lambda: _encoded(_image(np.uint8).convert("RGBA"), "PNG", compress_level=1),
    "TIFF 16 bit": lambda: _encoded(_image(np.uint16), "TIFF", compression="tiff_lzw"),
    "TIFF float": lambda: _encoded(_image(np.float32), "TIFF", compression="tiff_lzw"),
}


def main() -> None:
    """Print a table; a new child for each file."""
    table = Table("100 MP", "file, MB", "child's peak, MB", "s")
    for name, make in FILES.items():
        data, decoder = make(), Decoder()
        started = time.perf_counter()
        decoder.preprocess(data, SPEC, Limits(max_bytes=10**9, max_pixels=SIDE * SIDE))
        seconds = time.perf_counter() - started
        status = Path(f"/proc/{decoder.pid}/status").read_text()
        peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        decoder.close()
        table.add_row(name, f"{len(data) / 1e6:.0f}", f"{peak_kb / 1024:.0f}", f"{seconds:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
