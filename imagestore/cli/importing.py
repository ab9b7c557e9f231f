"""imagestore import: what is elsewhere comes here."""

import contextlib
import functools
import os
from typing import Annotated

import typer

from imagestore.cli import distant_jobs, instance, servers, stores
from imagestore.cli.learn import train as train_project
from imagestore.cli.output import console, safe
from imagestore.cli.servers import InsecureOption
from imagestore.cli.stages import stages
from imagestore.client import JobStatus
from imagestore.configure import limits_of, sealer_of
from imagestore.distant_server import checked_key, checked_server
from imagestore.errors import SettingsError
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, Importing, JobKind
from imagestore.settings import account
from imagestore.store import Stores

KEY_VARIABLE = "CUSTOM_VISION_KEY"
app = typer.Typer(no_args_is_help=True, help="Bring over what is elsewhere.")
_say = functools.partial(console.print, markup=False, highlight=False, soft_wrap=True)


@app.callback()
def importing() -> None:
    """Bring over what is elsewhere."""


@app.command("custom-vision")
def custom_vision(
    endpoint: Annotated[str, typer.Option(help="Such as https://westeurope.api.cognitive.microsoft.com.")],
    project: Annotated[str, typer.Option(help="The project there, by its name or id.")],
    key: Annotated[
        str | None, typer.Option(help=f"The training key there. Others can see it here: better {KEY_VARIABLE}.")
    ] = None,
    crop_regions: Annotated[
        bool, typer.Option("--crop-regions", help="Make each region a labelled picture of its own, too.")
    ] = False,
    train: Annotated[bool, typer.Option("--train/--no-train", help="Train on it once it is here.")] = True,
    insecure_http: InsecureOption = False,
) -> None:
    """Bring a project of Azure AI Custom Vision over: tags, all pictures, and what the service claimed; then train.
    Continues where it was stopped."""
    given = key or os.environ.get(KEY_VARIABLE)
    if not given:
        raise SettingsError(f"The training key is missing: give it in {KEY_VARIABLE}, or with --key.")
    secret, address = checked_key(given), checked_server(endpoint, insecure_http=insecure_http)
    wanted = Importing(address, project, crop_regions, train, insecure_http)
    if (server := servers.given()) is not None:
        client = instance.client_of(server)
        started = client.import_project(
            address, project, secret, crop_regions=crop_regions, train=train, insecure_http=insecure_http
        )
        return _tell(distant_jobs.follow(client, started))
    opened = stores.opened()
    board, sealer = JobBoard(opened.jobs), sealer_of(stores.settings(), stores.environment())
    if sealer is None or not board.has_runner(JobKind.IMPORT):
        why = (
            "No runner of jobs has been heard of that imports"
            if sealer
            else "There is no SECRETS_FILE or KEY_VAULT to seal the key with"
        )
        _say(f"{why}, so this command does it itself.")
        return _here(opened, wanted, secret)
    sealed = sealer.seal(secret, wanted.bound)
    job = board.put(JobKind.IMPORT, account(), Arguments(importing=wanted), sealed=sealed)
    return _tell(distant_jobs.follow(_OnBoard(board), JobStatus.of(job)))


class _OnBoard:
    """The jobs in the stores, for `follow`."""

    def __init__(self, board: JobBoard) -> None:
        self._board = board

    def read_job(self, id: int) -> JobStatus:
        return JobStatus.of(self._board.read(f"{id:016d}"), self._board.has_runner(JobKind.IMPORT))

    def cancel_job(self, id: int) -> JobStatus:
        return JobStatus.of(self._board.cancel(f"{id:016d}"))


def _here(opened: Stores, wanted: Importing, key: str) -> None:
    """Do it in this process, since there is no runner."""
    from model.custom_vision.publishing import how_to_publish, publish_as_there
    from model.custom_vision.service import CustomVision
    from model.custom_vision.take_over import take_over

    source = CustomVision(wanted.endpoint, key, insecure_http=wanted.insecure_http)
    with contextlib.closing(source), stages(with_rate=True) as begin:
        limits = limits_of(stores.settings())
        done = take_over(opened, source, wanted.project, account(), begin, limits, crop_regions=wanted.crop_regions)
    distant_jobs.print_counts(done.rows)
    for line in (*done.notes, done.sentence()):
        _say(safe(line))
    if not done.agrees:
        raise typer.Exit(1)
    name = done.project.name
    if not wanted.train:
        for line in how_to_publish(name, done.published):
            _say(safe(line))
        return _say(f"Next: imagestore train --project {name}")
    before = opened.models.versions(name)
    train_project(name=name)
    for _, version in [one for one in opened.models.versions(name) if one not in before][-1:]:
        for line in publish_as_there(opened, name, version, done.published):
            _say(safe(line))


def _tell(job: JobStatus) -> None:
    _say(safe(job.say))
    project = f" --project {job.name}"
    _say(f"Next: imagestore promote {job.version}{project}" if job.version else f"Next: imagestore train{project}")
