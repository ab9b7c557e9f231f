"""Waits for a service that is away, for work that took too long to be thrown away over it."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from imagestore.errors import Unavailable

log = logging.getLogger("imagestore.patience")
Found = TypeVar("Found")
MOST_TRIES = 60
PAUSE_S = 10.0
"""Between two tries: ten minutes in all, besides what each call takes."""


def patiently(call: Callable[[], Found], wait: Callable[[float], None] = time.sleep) -> Found:
    """What `call` returns, which may be made twice, and is made again while it raises Unavailable.

    Raises Unavailable if that takes too long.
    """
    tries_left = MOST_TRIES
    while True:
        try:
            return call()
        except Unavailable as error:
            tries_left -= 1
            if not tries_left:
                raise
            log.warning("%s; trying again in %g s", error, PAUSE_S)
        wait(PAUSE_S)
