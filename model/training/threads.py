"""Arithmetic on one thread."""

from contextlib import AbstractContextManager
from typing import cast

from threadpoolctl import threadpool_limits


def one_thread() -> AbstractContextManager[object]:
    """Within this, arithmetic uses one thread: the products are small, so that several would only wait for each other
    (20 times slower on two busy cores), and their number would change the last digits."""
    return cast("AbstractContextManager[object]", threadpool_limits(1))
