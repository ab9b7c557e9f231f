"""What a look at `/watch` costs: `python -m bench.watch`.

An index is filled with a baseline and 59 days of pictures with vectors of 1,280 numbers; measured is what the page, the
API and the log ask of it, the first time and when every day but the last is known.
"""

import argparse
import platform
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from os import cpu_count
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import cast

import numpy as np

from bench.similar import WIDTH
from classify import ModelRef, Vector
from imagestore.pipeline.watch.drift import BASELINE
from imagestore.pipeline.watch.watched import DAYS, Verdicts
from imagestore.record import record_id, utc
from imagestore.store import LiveModels, Routes, StoredRecord, Stores
from imagestore.web.examples.all import PICTURE
from imagestore.web.index.index import Index
from imagestore.web.models.live_model import LiveModel
from imagestore.web.models.watching import watch

_SHIPPED = ModelRef("m", "1", "f" * 64)


def record(number: int, at: datetime, chance: np.random.Generator) -> StoredRecord:
    """The record of a picture that is like no other."""
    found = PICTURE.prediction
    assert found is not None
    assert PICTURE.image is not None
    name = f"pictures/{number}.jpg"
    made = replace(
        PICTURE,
        id=record_id(name),
        name=name,
        uploaded_at=utc(at),
        image=replace(PICTURE.image, phash=chance.bytes(8).hex()),
        prediction=replace(found, model=_SHIPPED, distance=float(chance.random()), confidence=float(chance.random())),
    )
    codes = chance.integers(0, 128, WIDTH, np.int8).tobytes()
    return StoredRecord(made.with_vector(Vector("b" * 64, codes)), "etag", None, number + 1)


def fill(index: Index, pictures: int) -> int:
    """A baseline, and so many pictures on each day since; returns the number of the next picture."""
    chance, number = np.random.default_rng(0), 0
    begins = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    for day in range(DAYS):
        count, at = pictures if day else BASELINE, begins + timedelta(days=day)
        for start in range(0, count, 1000):
            some = range(start, min(count, start + 1000))
            records = [record(number + one, at + timedelta(seconds=86_000 / count * one), chance) for one in some]
            index.apply(records, "bench", f"{day}/{start}")
        number += count
    return number


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.watch", description=__doc__)
    parser.add_argument("--pictures", type=int, nargs="+", default=[200, 2000], help="of a day")
    asked = parser.parse_args()
    print(f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}")
    stores = cast(Stores, SimpleNamespace(routes=SimpleNamespace(read=lambda: LiveModels(None, Routes()))))
    live_model = cast(LiveModel, SimpleNamespace(get=lambda: SimpleNamespace(ref=_SHIPPED)))
    for pictures in asked.pictures:
        with tempfile.TemporaryDirectory() as folder:
            index, verdicts, took = Index(Path(folder) / "index.sqlite"), Verdicts(), []
            number = fill(index, pictures)
            for look in range(2):
                since = perf_counter()
                (model,) = watch(index, stores, live_model, verdicts).models
                took.append(perf_counter() - since)
                latest = model.days[-1]
                at = datetime.fromisoformat(f"{latest.day}T23:59:00+00:00")
                index.apply([record(number + look, at, np.random.default_rng(look))], "bench", f"look {look}")
            index.close()
        print(
            f"{len(model.days)} days of {pictures:,} pictures, {latest.observations} of a day compared: the first look "
            f"{took[0]:.2f} s, one after another picture came {took[1]:.2f} s"
        )


if __name__ == "__main__":
    main()
