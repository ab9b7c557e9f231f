"""imagestore run"""

import logging
import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.logging import RichHandler

from imagestore.cli.accounts import first_invitation
from imagestore.cli.instance import OverStores
from imagestore.cli.intake import Scan, Uploaded, scan
from imagestore.cli.options import chosen_folder
from imagestore.cli.output import console, errors, safe
from imagestore.cli.servers import demand_none
from imagestore.cli.upload import summary, upload_with_progress
from imagestore.cli.watch import Watch
from imagestore.configure import open_stores
from imagestore.local.places import LOCAL_SETTINGS, SAMPLES, default_data
from imagestore.local.ports import Ports
from imagestore.local.retries import RetryLog
from imagestore.local.supervisor import Options, Stack
from imagestore.pipeline.checks import Severity, findings
from imagestore.settings import Auth, Settings, read_local_settings
from imagestore.store import Stores

_TIMED_OUT = 3


def run(
    images: Annotated[list[Path] | None, typer.Option(help="Pictures or folders to take in first.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when all that was taken in has its final record.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, help="With --once: end so many seconds from now all the same.")
    ] = None,
    ports: Annotated[
        int | None, typer.Option(min=1024, max=65000, help="Use six other ports, from this one on.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = os.cpu_count() or 1,
    no_host: Annotated[
        bool, typer.Option("--no-host", help="Leave the Functions host to you, as with func start.")
    ] = False,
) -> None:
    """Start Azure on this machine, upload pictures, and show the results."""
    if timeout is not None and not once:
        raise typer.BadParameter("--timeout goes with --once.")
    demand_none(by_option=True)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[RichHandler(console=errors)])
    found = scan(images) if images else None
    folder = chosen_folder()
    options = Options(
        ports=Ports.from_base(ports) if ports else Ports(),
        folder=(folder.path if folder else default_data()).resolve(),
        workers=workers,
        with_host=not no_host,
        with_web=True,
        values=read_local_settings(LOCAL_SETTINGS),
    )
    code, is_over = 0, threading.Event()
    with Stack(options) as stack:
        try:
            if timeout is not None:
                _end_after(max(0.001, timeout - (time.monotonic() - began)), is_over)
            stack.start(lambda what: console.print("  ✓ " + what, highlight=False, soft_wrap=True))
            stores = open_stores(stack.environment)
            _show_problems(stores)
            _invite_the_first(stores, Settings.read(stack.environment))
            watch = Watch(stores, RetryLog(options.folder / "logs" / "host.log"))
            _serve(stores, watch, found, once)
        except KeyboardInterrupt:
            code = 1 if once else 0
        except Exception:
            if not is_over.is_set():
                raise  # else a library has made an error of its own of it, as importing onnxruntime does
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if is_over.is_set():
                console.print(f"Stopped after {timeout:g} s. Give the command again to go on.")
            if stack.processes:
                errors.print("Stopping …", style="dim")
    raise typer.Exit(_TIMED_OUT if is_over.is_set() else code)


def _invite_the_first(stores: Stores, settings: Settings) -> None:
    """Where people sign in and nobody can yet: a link for the first administrator."""
    link = first_invitation(stores, settings.public_url) if settings.auth is Auth.REQUIRED else None
    if link is not None:
        console.print("\nNobody has an account yet. This link makes the first administrator's; it works once:")
        console.print(f"  {link}\n", highlight=False, soft_wrap=True, markup=False)


def _serve(stores: Stores, watch: Watch, found: Scan | None, once: bool) -> None:
    """Upload, then show results: with `once` until all are final, else until interrupted."""
    if found is None and _is_empty(stores):
        console.print("There are no pictures yet: the samples go in.\n")
        found = scan([SAMPLES])
    uploaded = Uploaded()
    try:
        if found is not None:
            try:
                upload_with_progress(OverStores(stores), found, uploaded)
            finally:
                console.print(summary(found, uploaded) + "\n")
                watch.expect(uploaded)
        watch.show(forever=not once)
    finally:
        if text := watch.summary():
            console.print(text, highlight=False, markup=False, soft_wrap=True)


def _show_problems(stores: Stores) -> None:
    """Show what is set up otherwise than the code needs it, or lies in a poison queue, one line each."""
    for finding in findings(stores, "operator"):
        if finding.severity is not Severity.OK:
            console.print(f"  ! {safe(str(finding))}", markup=False, highlight=False, soft_wrap=True)


def _is_empty(stores: Stores) -> bool:
    return not next(iter(stores.uploads.list()))[0]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_after(seconds: float, is_over: threading.Event) -> None:
    """End the command when the time of --timeout is over, as Ctrl-C does, wherever it is, and say so in the event."""

    def end(number: int, frame: FrameType | None) -> None:
        is_over.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
