"""Arithmetic on one thread, and several such computations at once."""

import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar, cast

from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

T = TypeVar("T")
R = TypeVar("R")


def one_thread() -> AbstractContextManager[object]:
    """Within this, arithmetic uses one thread: the products are small, so that several would only wait for each other
    (20 times slower on two busy cores), and their number would change the last digits."""
    return cast("AbstractContextManager[object]", threadpool_limits(1))


def side_by_side(function: Callable[[T], R], items: Iterable[T], progress: Callable[[], None]) -> list[R]:
    """What `function` gives of each item, in their order, as many at once as there are cores, each with arithmetic on
    one thread; so the results are those of one after the other. `progress` is called after each."""
    results = []
    # Both settings are the process's, not the thread's: what sets them within `function` finds them set already.
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for result in pool.map(function, items):
                results.append(result)
                progress()
    return results
