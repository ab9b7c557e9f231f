"""How long it takes to find the pictures most like one, in several ways: `python -m bench.similar [PICTURES]`.

All ways are exact. The vectors are int8, 1,280 numbers a picture, as records have them. Then the web app's own search
(imagestore/web/index/likeness.py) is measured over an index of so many records, in a process of its own: reading the
vectors from the index, a search, and what memory it takes. docs/speed.md has the figures.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from rich.console import Console
from rich.table import Table

from classify import Vector
from classify.session import open_session
from imagestore.record import record_id
from imagestore.store import StoredRecord
from imagestore.web.examples.all import PICTURE
from imagestore.web.index.index import Index
from imagestore.web.index.likeness import Likeness
from imagestore.web.index.queries import Filter

WIDTH = 1280
_TIMES = 15
_ROWS = 128
Search = Callable[[], np.ndarray]


def in_blocks(rows: np.ndarray, asked: np.ndarray, threads: int) -> Search:
    """Some rows at a time as float32, on so many threads."""
    pool, wanted, parts = ThreadPoolExecutor(threads), asked.astype(np.float32), np.array_split(rows, threads)

    def multiply(part: np.ndarray) -> np.ndarray:
        buffer, found = np.empty((_ROWS, WIDTH), np.float32), np.empty(len(part), np.float32)
        for start in range(0, len(part), _ROWS):
            some = part[start : start + _ROWS]
            np.copyto(buffer[: len(some)], some)
            np.dot(buffer[: len(some)], wanted, out=found[start : start + len(some)])
        return found

    return lambda: np.concatenate(list(pool.map(multiply, parts)))


def whole(rows: np.ndarray, asked: np.ndarray) -> Search:
    """All rows as float32, which take four times the memory."""
    floats, wanted = rows.astype(np.float32), asked.astype(np.float32)
    return lambda: np.asarray(floats @ wanted)


def integers(rows: np.ndarray, asked: np.ndarray) -> Search:
    """NumPy's own product of integers."""
    wanted = asked.astype(np.int32)
    return lambda: np.einsum("ij,j->i", rows, wanted, dtype=np.int32, casting="unsafe")


def by_runtime(rows: np.ndarray, asked: np.ndarray) -> Search:
    """onnxruntime's MatMulInteger on one thread, of rows without negative numbers."""
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["rows", "asked"], ["found"])],
        "similar",
        [
            helper.make_tensor_value_info("rows", TensorProto.UINT8, ["n", WIDTH]),
            helper.make_tensor_value_info("asked", TensorProto.INT8, [WIDTH, 1]),
        ],
        [helper.make_tensor_value_info("found", TensorProto.INT32, ["n", 1])],
    )
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = open_session(model.SerializeToString(), "the search")
    inputs = {"rows": rows.view(np.uint8), "asked": asked[:, None]}
    return lambda: np.asarray(session.run(None, inputs)[0][:, 0])


def measured(search: Search) -> tuple[float, float]:
    """The median and the longest of some runs, in milliseconds."""
    search()
    times = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        search()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times), max(times)


def compare(count: int, console: Console) -> None:
    """Print how long each way takes."""
    chance = np.random.default_rng(0)
    rows, asked = chance.integers(0, 128, (count, WIDTH), np.int8), chance.integers(0, 128, WIDTH, np.int8)
    table = Table("One search", "median", "longest", "memory")
    mb = count * WIDTH / 1e6
    for name, search, memory in (
        ("NumPy, 128 rows at a time, 1 thread", in_blocks(rows, asked, 1), mb),
        ("NumPy, 128 rows at a time, 2 threads", in_blocks(rows, asked, 2), mb),
        ("onnxruntime MatMulInteger, 1 thread", by_runtime(rows, asked), mb),
        ("NumPy, integers", integers(rows, asked), mb),
        ("NumPy, all as float32", whole(rows, asked), 5 * mb),
    ):
        median, longest = measured(search)
        table.add_row(name, f"{median:.1f} ms", f"{longest:.1f} ms", f"{memory:.0f} MB")
    console.print(table)


def fill(path: Path, count: int) -> None:
    """Make an index of so many records with vectors."""
    index, chance = Index(path), np.random.default_rng(0)
    for start in range(0, count, 1000):
        records = []
        for number in range(start, min(count, start + 1000)):
            name = f"pictures/{number}.jpg"
            codes = chance.integers(0, 128, WIDTH, np.int8).tobytes()
            record = replace(PICTURE, id=record_id(name), name=name).with_vector(Vector("b" * 64, codes))
            records.append(StoredRecord(record, "etag", None, number + 1))
        index.apply(records, "bench", str(start))
    index.close()


def search_index(path: Path) -> None:
    """Print how long the app's own search takes, and how much memory."""
    before = memory_mb("VmRSS")
    index = Index(path)
    likeness = Likeness(index)
    vector = likeness.vector_of(record_id("pictures/7.jpg"))
    assert vector is not None
    started = time.perf_counter()
    found = likeness.find(vector, Filter(), 60)
    first = time.perf_counter() - started
    assert found.items[0].record.name == "pictures/7.jpg"
    median, longest = measured(lambda: np.array([one.similarity for one in likeness.find(vector, Filter(), 60).items]))
    peak = memory_mb("VmHWM")
    print(
        f"The app's search among {found.compared:,}: {median:.1f} ms (longest {longest:.1f}); the first, which reads "
        f"the vectors, {first:.2f} s; at the most {peak - before:.0f} MB more than before, of which "
        f"{likeness.size_bytes / 1e6:.0f} are vectors"
    )
    likeness.close()
    index.close()


def memory_mb(what: str) -> float:
    """How much memory this process has now (VmRSS), or had at the most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.similar", description=__doc__)
    parser.add_argument("pictures", nargs="?", type=int, default=100_000)
    parser.add_argument("--index", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.index:
        return search_index(arguments.index)
    console = Console()
    console.print(
        f"{arguments.pictures:,} pictures, {os.cpu_count()} cores, {platform.processor() or platform.machine()}"
    )
    compare(arguments.pictures, console)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        started = time.perf_counter()
        fill(path, arguments.pictures)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        print(f"An index of as many records: {size / 1e6:.0f} MB, made in {time.perf_counter() - started:.0f} s")
        subprocess.run([sys.executable, "-m", "bench.similar", "--index", str(path)], check=True)


if __name__ == "__main__":
    main()
