"""Does a thing to many, several at a time: calls to a store wait more than they work."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_AT_ONCE, _BATCH = 8, 1024
Given = TypeVar("Given")
Found = TypeVar("Found")


def at_once(
    do: Callable[[Given], Found], given: Iterable[Given], progress: Callable[[], None] | None = None
) -> list[Found]:
    """What `do` makes of each, in order."""
    waiting, found = iter(given), list[Found]()
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        while batch := list(islice(waiting, _BATCH)):
            for one in pool.map(do, batch):
                found.append(one)
                if progress is not None:
                    progress()
    finally:
        pool.shutdown(cancel_futures=True)
    return found
