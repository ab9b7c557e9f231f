"""What pictures at their formats' limits cost in memory: `python -m bench.memory`.

First one decode child, for each format in its costliest form (in colour, with alpha, turned), and what that is for each
pixel. Then a whole worker with the shipped model, its children, and as many uploads of MAX_BYTES at once as it takes,
for each size of function instance. `python -m bench.memory --worker` does that part alone; it fails if it does not fit.
"""

import argparse
import io
import math
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pillow_heif
from PIL import ExifTags, Image
from rich.console import Console
from rich.table import Table

from imagestore.configure import memory_of, open_stores
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import Status, record_id
from imagestore.settings import ROOT, Settings
from imagestore.store import Stores
from preprocess import Decoder, ImageSpec, Limits

SPEC = ImageSpec(224, 224, 3, 0.875)
LIMITS = Limits(max_bytes=10**9, decode_seconds=600)
SIZES_MB = (2048, 4096)
EVENTS_AT_ONCE = 8
"""As host.json has it."""
PORTS = Ports.from_base(27000)
_MB = 2**20
_SAMPLE_S = 0.005
_EXIF = Image.Exif()
_EXIF[ExifTags.Base.Orientation] = 6
TURNED = _EXIF.tobytes()


def _image(side: int, mode: str) -> Image.Image:
    dtype, white = {"I;16": (np.uint16, 60_000), "F": (np.float32, 250)}.get(mode, (np.uint8, 250))
    row: np.ndarray = np.linspace(0, white, side).astype(dtype)
    image = Image.fromarray(np.ascontiguousarray(np.broadcast_to(row, (side, side))))
    return image if image.mode == mode else image.convert(mode)


def _encoded(format: str, mode: str = "RGB", **options: object) -> Callable[[int], bytes]:
    def encode(side: int) -> bytes:
        out = io.BytesIO()
        _image(side, mode).save(out, format, **options)
        return out.getvalue()

    return encode


def _heif(side: int) -> bytes:
    out = io.BytesIO()
    image = pillow_heif.from_pillow(_image(side, "RGBA"))
    image.save(out, quality=50, exif=TURNED, enc_params={"preset": "ultrafast"})
    return out.getvalue()


FILES: dict[str, Callable[[int], bytes]] = {
    "JPEG": _encoded("JPEG", exif=TURNED),
    "JPEG progressive CMYK": _encoded("JPEG", "CMYK", progressive=True, exif=TURNED),
    "PNG RGBA": _encoded("PNG", "RGBA", compress_level=1, exif=TURNED),
    "PNG gray 16 bit": _encoded("PNG", "I;16", compress_level=1, exif=TURNED),
    "WEBP lossless": _encoded("WEBP", "RGBA", lossless=True, quality=0, method=0, exif=TURNED),
    "AVIF 4:4:4 alpha": _encoded("AVIF", "RGBA", speed=10, subsampling="4:4:4", exif=TURNED),
    "HEIF alpha": _heif,
    "GIF": _encoded("GIF", "L"),
    "TIFF RGBA": _encoded("TIFF", "RGBA", compression="tiff_lzw", exif=_EXIF),
    "TIFF float": _encoded("TIFF", "F", compression="tiff_lzw", exif=_EXIF),
    "BMP": _encoded("BMP"),
    "JPEG2000 RGBA": _encoded("JPEG2000", "RGBA", irreversible=True, quality_layers=[40]),
}
"""By name, which begins with the format's; each makes a file of side × side pixels."""
COSTLIEST = ("JPEG2000 RGBA", "PNG RGBA", "AVIF 4:4:4 alpha")
"""Those that a worker is given: at the limits of an instance they take more than the others."""


def of_child() -> Table:
    """One child: its peak for each file, and what a pixel costs beside the file."""
    table = Table("At the limit", "MP", "file, MB", "child's peak, MB", "bytes a pixel", "s")
    for name, make in FILES.items():
        most, _ = LIMITS.pixels_of(name.split()[0])
        side = math.isqrt(most)
        data, decoder = make(side), Decoder()
        decoder.preprocess(_small(), SPEC, LIMITS)
        before = _kb(decoder.pid, "VmSize")
        started = time.perf_counter()
        decoder.preprocess(data, SPEC, LIMITS)
        seconds = time.perf_counter() - started
        grown = (_kb(decoder.pid, "VmPeak") - before) * 1024
        peak_mb = _kb(decoder.pid, "VmHWM") / 1024
        decoder.close()
        each = f"{(grown - len(data)) / side**2:.1f}"
        table.add_row(name, f"{most / 1e6:.0f}", f"{len(data) / 1e6:.0f}", f"{peak_mb:.0f}", each, f"{seconds:.1f}")
    return table


def of_worker(stores: Stores, environment: dict[str, str], show: Callable[[str], None]) -> bool:
    """Show what a worker and its children take at the limits of each size of instance. Returns whether all fitted."""
    is_inside = True
    for size in SIZES_MB:
        memory = memory_of(Settings(instance_memory_mb=size))
        show(f"{size:,} MB: {memory.decoders} decoded at once, {memory.uploads} uploads held at once")
        for name in COSTLIEST:
            most, _ = memory.limits.pixels_of(name.split()[0])
            data = padded(name, FILES[name](math.isqrt(most)), memory.limits.max_bytes)
            uploads = [f"{size}/{name.split()[0]}/{number}" for number in range(memory.uploads + 1)]
            for upload in uploads:
                stores.uploads.overwrite(upload, data, "application/octet-stream")
            del data
            peak = peak_bytes({**environment, "INSTANCE_MEMORY_MB": str(size)}, uploads)
            statuses = _statuses(stores, uploads)
            is_inside &= peak < size * _MB and statuses <= {Status.CLASSIFIED, Status.UNKNOWN}
            ended = ", ".join(sorted(map(str, statuses)))
            show(f"  {len(uploads)} x {name} of {most / 1e6:.0f} MP: {peak / _MB:,.0f} MB at the peak; {ended}")
            for upload in uploads:
                stores.uploads.delete(upload)
    return is_inside


def padded(name: str, data: bytes, size: int) -> bytes:
    """The file with as much behind it that no decoder reads as makes it `size` bytes long."""
    rest = size - len(data)
    is_of_boxes = name.startswith(("AVIF", "HEIF"))
    return data + struct.pack(">I4s", rest, b"free") + bytes(rest - 8) if is_of_boxes else data + bytes(rest)


def peak_bytes(environment: dict[str, str], uploads: list[str]) -> int:
    """The most that a worker and its children held in memory together while it took these uploads in.

    Pages that they share, such as libraries, count for each of them.
    """
    command = [sys.executable, "-m", "bench.memory", "--take", *uploads]
    worker = subprocess.Popen(command, env={**os.environ, **environment}, cwd=ROOT, stderr=subprocess.DEVNULL)
    most = 0
    while worker.poll() is None:
        most = max(most, sum(_resident_bytes(pid) for pid in (worker.pid, *_children(worker.pid))))
        threading.Event().wait(_SAMPLE_S)
    if worker.returncode:
        raise SystemExit(f"The worker ended with {worker.returncode}.")
    return most


def take(uploads: list[str]) -> None:
    """Be a worker: run both functions for these uploads, as many at once as host.json allows."""
    import function_app

    functions = {one.get_function_name(): one.get_user_function() for one in function_app.app.get_functions()}

    def both(name: str) -> None:
        functions["preprocess"](SimpleNamespace(blob_name=name))
        functions["classify"](SimpleNamespace(blob_name=f"{name}.png"))

    with ThreadPoolExecutor(EVENTS_AT_ONCE) as pool:
        list(pool.map(both, uploads))
    function_app.context.decoder.close()


def _statuses(stores: Stores, uploads: list[str]) -> set[Status | None]:
    found = [stores.records.read(record_id(upload)) for upload in uploads]
    return {stored.record.status if stored else None for stored in found}


def _small() -> bytes:
    out = io.BytesIO()
    _image(64, "L").save(out, "PNG")
    return out.getvalue()


def _kb(pid: int | None, key: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):  # it has just ended
        return 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except OSError:  # it, or one of its threads, has just ended
        pass
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--worker", action="store_true", help="measure the worker alone")
    parser.add_argument("--take", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.take:
        return take(arguments.take)
    console = Console(width=140)
    if not arguments.worker:
        console.print(of_child())
    with tempfile.TemporaryDirectory() as folder, Stack(Options(PORTS, Path(folder), with_host=False)) as stack:
        stack.start(lambda what: None)
        is_inside = of_worker(open_stores(stack.environment), stack.environment, console.print)
    if not is_inside:
        raise SystemExit("A worker at its limits does not stay inside its instance.")


if __name__ == "__main__":
    main()
