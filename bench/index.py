"""What the web app asks of its index, by the number of records: `python -m bench.index [RECORDS …]`.

In processor time of this thread, so that what else the machine does matters little; times on the clock are measured by
`python -m bench.web --records N`. The records are those of bench/web.py. Filling an index with a million takes some
minutes.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from os import cpu_count
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.web import many, utc_at
from imagestore.store import StoredRecord
from imagestore.web.counting import counts
from imagestore.web.index import Index
from imagestore.web.queries import Filter, Sort, list_records, overview

_TIMES = 20
_PAGE = 60
_NOW = datetime.fromisoformat(utc_at(360 * 24 * 3600.0))


class NoStores:
    """Stores whose queues are empty: the dashboard shows their lengths too."""

    def __getattr__(self, name: str) -> Any:
        return type("Queue", (), {"length": lambda self: 0})()


def filled(index: Index, count: int) -> None:
    """Write so many records into the index."""
    records = many(count)
    while some := [StoredRecord(record, "", None, 1) for record in islice(records, 1000)]:
        index.apply(some, "bench", "1")


def asked(index: Index) -> dict[str, Callable[[], object]]:
    """What is asked, by what it is called."""

    def counting(text: str | None) -> Callable[[], object]:
        return lambda: counts(index, Filter(text=text))

    def page(sort: Sort = Sort.NEWEST, **conditions: Any) -> Callable[[], object]:
        return lambda: list_records(index, Filter(**conditions), sort, _PAGE)

    return {
        "counts of all": counting(None),
        "counts, a word that every name has (garden)": counting("garden"),
        "counts, a beginning that every name has (gar)": counting("gar"),
        "counts, a word that a twelfth of all have (november)": counting("november"),
        "counts, img_09": counting("img_09"),
        "first page, newest first, garden": page(text="garden"),
        "first page, most confident first, garden": page(Sort.CONFIDENT, text="garden"),
        "first page, newest first, img_0999": page(text="img_0999"),
        "first page of a label, most confident first": page(Sort.CONFIDENT, label="label 3"),
        "the dashboard's figures": lambda: overview(index, NoStores(), _NOW),  # type: ignore[arg-type]
    }


def p95_ms(do: Callable[[], object]) -> float:
    """The 95th percentile of the processor time, in milliseconds."""
    do()
    found = []
    for _ in range(_TIMES):
        began = time.thread_time()
        do()
        found.append((time.thread_time() - began) * 1e3)
    return statistics.quantiles(found, n=20)[18]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.index", description=__doc__)
    parser.add_argument("records", nargs="*", type=int, default=[100_000])
    sizes, console, found = parser.parse_args().records, Console(), []
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            index = Index(Path(folder) / "web.sqlite")
            filled(index, count)
            found.append({what: p95_ms(do) for what, do in asked(index).items()})
            index.close()
    console.print(f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}")
    table = Table("p95 of processor time", *(f"{count:,} records" for count in sizes), box=None)
    for what in found[0]:
        table.add_row(what, *(f"{one[what]:.1f} ms" for one in found))
    console.print(table)


if __name__ == "__main__":
    main()
