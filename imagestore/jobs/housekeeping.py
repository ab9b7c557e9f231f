"""What a runner does beside jobs, once a day: it deletes for good what belongs to projects whose day has come, and
counts what is kept where."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from imagestore import telemetry
from imagestore.errors import ImageStoreError
from imagestore.jobs.projects import purge
from imagestore.pipeline.costs.holdings import count, keep
from imagestore.pipeline.costs.prices import Prices, Tier
from imagestore.store import Stores
from imagestore.telemetry import signals

log = logging.getLogger("imagestore.jobs")
EVERY_S = 86_400.0


def keep_house(stores: Stores, undelete_days: int) -> None:
    """Do it now. What cannot be done is left to the next time, and logged."""
    try:
        for project, files in purge(stores, undelete_days):
            log.info("the project %s is gone for good: %d files", project.name, files)
    except ImageStoreError as error:
        log.warning("deleted projects are looked after later: %s", error)
    try:
        counted = count(stores, Prices.read())
        keep(stores.jobs, counted)
        for tier in Tier:
            dollars = sum(part.dollars_a_month for part in counted.parts if part.tier == tier)
            telemetry.measure(signals.KEPT_COST, dollars, tier=str(tier))
    except ImageStoreError as error:
        log.warning("what is kept where is counted later: %s", error)


@contextmanager
def keeping_house(work: Callable[[], None], every_s: float = EVERY_S) -> Iterator[None]:
    """Do the work once now and then every so many seconds, in a thread of its own, while the block runs."""
    stop = threading.Event()

    def go_on() -> None:
        while True:
            work()
            if stop.wait(every_s):
                return

    threading.Thread(target=go_on, name="housekeeping", daemon=True).start()
    try:
        yield
    finally:
        stop.set()
