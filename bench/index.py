"""What the web app asks of its index, by the number of records: `python -m bench.index [RECORDS …]`.

In processor time of this thread, so that what else the machine does matters little; times on the clock are measured by
`python -m bench.web --records N`. The records are those of bench/web.py. Filling an index with a million takes some
minutes.
"""

import argparse
import tempfile
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from bench.p95 import p95_ms, show
from bench.web import many, utc_at
from imagestore.store import StoredRecord
from imagestore.web.index.counting import counts
from imagestore.web.index.index import Index
from imagestore.web.index.queries import Filter, Sort, list_records, overview

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


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.index", description=__doc__)
    parser.add_argument("records", nargs="*", type=int, default=[100_000])
    sizes, found = parser.parse_args().records, list[dict[str, float]]()
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            index = Index(Path(folder) / "web.sqlite")
            filled(index, count)
            found.append({what: p95_ms(do) for what, do in asked(index).items()})
            index.close()
    show([f"{count:,} records" for count in sizes], found)


if __name__ == "__main__":
    main()
