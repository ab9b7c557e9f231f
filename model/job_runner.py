"""The process that does jobs. `imagestore jobs run` is one, with the stores that the command line finds; in Azure it is
`python -m model.job_runner`, with settings and connections from the environment alone."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from types import FrameType

from imagestore import telemetry
from imagestore.configure import open_stores, webhooks_of
from imagestore.errors import ImageStoreError
from imagestore.jobs import libraries
from imagestore.jobs.child import start
from imagestore.jobs.health import answering
from imagestore.jobs.housekeeping import keep_house, keeping_house
from imagestore.jobs.runner import Runner, Timing
from imagestore.settings import ROOT, Settings
from imagestore.store import Stores
from imagestore.webhooks.deliverer import Deliverer, Pace
from imagestore.webhooks.sending import Sending

log = logging.getLogger("imagestore.jobs")
LOOPBACK = "127.0.0.1"
_STOP_S = 5.0


def run(environ: Mapping[str, str], port: int | None = None, address: str = LOOPBACK) -> None:
    """Do jobs until SIGTERM or SIGINT, and give the one that is being done back then.

    With a `port` (0: a free one), answer there whether all is well. Raises SettingsError, OSError.
    """
    settings, opened, lacks = Settings.read(environ), open_stores(environ, "jobs"), libraries.missing()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("imagestore").setLevel(logging.INFO)
    telemetry.start("imagestore-jobs", os.environ)
    if lacks:
        log.warning("%s Until then such jobs fail here.", libraries.sentence(lacks))
    runner = Runner(
        opened.jobs,
        lambda job: start(job, {**os.environ, **environ}, ROOT),
        Timing.of(settings.job_lease_seconds),
        lacks=lacks,
    )
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with ExitStack() as stack:
        if port is not None:
            port = stack.enter_context(answering(address, port, lambda: time.monotonic() - runner.turned_at))
            log.info("it answers at http://%s:%d whether it is well", address, port)
        stack.enter_context(telling_webhooks(settings, opened, environ))
        stack.enter_context(keeping_house(lambda: keep_house(opened, settings.undelete_days)))
        runner.run(stop)
    telemetry.stop()


@contextmanager
def telling_webhooks(settings: Settings, opened: Stores, environ: Mapping[str, str]) -> Iterator[None]:
    """Tell webhooks what happens, in a thread of its own, while the block runs."""
    deliverer = Deliverer(
        opened,
        webhooks_of(settings, opened, environ),
        Sending(settings.hosts_of_webhooks),
        timedelta(hours=settings.webhook_retry_hours),
        Pace.of(settings.job_lease_seconds, settings.webhook_poll_seconds),
    )
    stop = threading.Event()
    thread = threading.Thread(target=deliverer.run, args=(stop,), name="webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=_STOP_S)


def main() -> None:
    """Do jobs with what the environment says."""
    parser = argparse.ArgumentParser(description="Do the jobs that are put in, until SIGTERM.")
    parser.add_argument("--port", type=int, help="answer on this port whether the runner is well")
    parser.add_argument("--address", default=LOOPBACK, help="where to answer")
    given = parser.parse_args()
    try:
        run(os.environ, given.port, given.address)
    except (ImageStoreError, OSError) as error:
        sys.exit(f"imagestore: {error}")


if __name__ == "__main__":
    main()
