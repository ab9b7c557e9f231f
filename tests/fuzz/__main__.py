"""Damaged pictures of every format through the decode child: `make fuzz N=100000 SEED=1`.

Prints how many of each format ended how. Fails if anything but a picture or a named reason comes out, if the decoder
died or hung, if memory grew past its bound, or if less than half of a format's inputs reached its decoder.
"""

import argparse
import os
import random
import resource
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from fuzz.mutate import mutate
from preprocess import Decoder, DecoderFailed, ImageSpec, Limits, PictureError, Reason
from unit.gallery import ALL

SPECS = (ImageSpec(64, 64, 1, 0.875), ImageSpec(48, 64, 3, 1.0))
LIMITS = Limits(max_pixels=20_000_000, decode_seconds=20.0)
BEFORE_THE_DECODER = {Reason.EMPTY, Reason.NOT_AN_IMAGE, Reason.UNSUPPORTED_FORMAT}
BAD = {Reason.DECODER_CRASHED, Reason.DECODE_TIMEOUT}
_BATCH = 500


def run_batch(
    seed: int, first: int, gallery: list[tuple[str, bytes]], decoder: Decoder, folder: Path
) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Inputs `first` to `first + _BATCH` of the run with this seed."""
    counts: Counter[tuple[str, str]] = Counter()
    findings = []
    for number in range(first, first + _BATCH):
        chance = random.Random(f"{seed}/{number}")
        kind, data = gallery[number % len(gallery)]
        damaged = mutate(data, chance)
        try:
            decoder.preprocess(damaged, chance.choice(SPECS), LIMITS)
            outcome = "a picture"
        except PictureError as error:
            outcome = str(error.reason)
            if error.reason in BAD:
                findings.append(_keep(folder, kind, number, damaged, str(error)))
        except DecoderFailed as error:
            outcome = "FAILED"
            findings.append(_keep(folder, kind, number, damaged, str(error)))
        counts[kind.split()[0], outcome] += 1
    return counts, findings


def _keep(folder: Path, kind: str, number: int, data: bytes, said: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number}.bin"
    path.write_bytes(data)
    return f"{path}: {kind}: {said}"


def main() -> int:
    """The command; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("-n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    console, workers, started = Console(), os.cpu_count() or 1, time.monotonic()
    gallery = [(kind, make()) for kind, make in ALL.items()]
    decoders, folder = [Decoder() for _ in range(workers)], Path(".cache") / "fuzz"
    counts: Counter[tuple[str, str]] = Counter()
    findings: list[str] = []
    starts = range(0, arguments.n, _BATCH)
    with Progress(console=console, transient=True) as progress, ThreadPoolExecutor(workers) as pool:
        task = progress.add_task("fuzzing", total=len(starts))

        def lane(index: int) -> None:
            for first in starts[index::workers]:
                batch, found = run_batch(arguments.seed, first, gallery, decoders[index], folder)
                counts.update(batch)
                findings.extend(found)
                progress.advance(task)

        list(pool.map(lane, range(workers)))
    for decoder in decoders:
        decoder.close()
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    console.print(_table(counts))
    elapsed = time.monotonic() - started
    console.print(f"{counts.total()} inputs, seed {arguments.seed}, {elapsed:.0f} s, largest child {peak_mb:.0f} MB")
    for format, share in _reached(counts).items():
        if share < 0.5:
            findings.append(f"only {share:.0%} of {format} reached its decoder")
    for finding in findings[:20]:
        console.print(finding, style="red", highlight=False)
    console.print("nothing found" if not findings else f"{len(findings)} findings")
    return int(bool(findings))


def _reached(counts: Counter[tuple[str, str]]) -> dict[str, float]:
    total: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (format, outcome), count in counts.items():
        total[format][0] += count
        total[format][1] += 0 if outcome in {str(reason) for reason in BEFORE_THE_DECODER} else count
    return {format: reached / of for format, (of, reached) in total.items()}


def _table(counts: Counter[tuple[str, str]]) -> Table:
    outcomes: list[Any] = [o for o, _ in Counter({o: c for (_, o), c in counts.items()}).most_common()]
    table = Table("format", *outcomes, "reached its decoder")
    for format, share in sorted(_reached(counts).items()):
        table.add_row(format, *(str(counts[format, outcome]) for outcome in outcomes), f"{share:.0%}")
    return table


if __name__ == "__main__":
    sys.exit(main())
