"""imagestore jobs: long work that was put in here or on the pages, and the runner that does it."""

from typing import Annotated, Protocol

import typer
from rich.table import Table
from rich.text import Text

from imagestore.cli import instance, servers, stores
from imagestore.cli.distant_jobs import print_counts
from imagestore.cli.output import console, print_whole, safe
from imagestore.client import Client, JobStatus
from imagestore.errors import NotFound
from imagestore.jobs.board import JobBoard
from imagestore.settings import account
from model import job_runner

app = typer.Typer(no_args_is_help=True, help="Long work: see how far it is, cancel it, try it again, and do it.")
Id = Annotated[str, typer.Argument(help="The job, as imagestore jobs list shows it.")]


class Asked(Protocol):
    """Where jobs are looked at: the stores themselves, or a distant web app."""

    def list(self, most: int) -> list[JobStatus]:
        """The latest jobs, the newest first."""

    def read(self, id: str) -> JobStatus:
        """One job. Raises NotFound."""

    def cancel(self, id: str) -> JobStatus:
        """Cancel a job. Raises NotFound or Conflict."""

    def retry(self, id: str) -> JobStatus:
        """Put the same job in again. Raises NotFound or Conflict."""


@app.callback()
def jobs() -> None:
    """Long work: see how far it is, cancel it, try it again, and do it."""


@app.command("run")
def run(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Answer on this port whether the runner is well, as App Service asks."),
    ] = None,
    address: Annotated[str, typer.Option(help="With --port: where to answer.")] = job_runner.LOOPBACK,
) -> None:
    """Do what is put in, one job at a time, until SIGTERM or Ctrl-C; another runner takes up what is left then."""
    job_runner.run(stores.environment(), port, address)


@app.command("list")
def list_jobs(most: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20) -> None:
    """List the latest jobs, the newest first."""
    table = Table("Job", "What", "State", "Put in", "By", "", box=None, pad_edge=False)
    for job in _asked().list(most):
        said = job.say if not job.is_open else _progress(job)
        table.add_row(str(job.id), Text(_what(job)), job.state, job.created_at, Text(safe(job.by)), Text(safe(said)))
    if not table.row_count:
        return console.print("There are none.")
    return print_whole(table)


@app.command("show")
def show(id: Id) -> None:
    """Show how far a job is, and how it ended."""
    _tell(_asked().read(id))


@app.command("cancel")
def cancel(id: Id) -> None:
    """Cancel a job, with all that it has started. What it has done stays."""
    job = _asked().cancel(id)
    console.print(f"Job {job.id} is being cancelled." if job.is_open else safe(job.say), markup=False, highlight=False)


@app.command("retry")
def retry(id: Id) -> None:
    """Put the same job in again."""
    _tell(_asked().retry(id))


class _OverStores:
    def __init__(self, board: JobBoard) -> None:
        self._board = board

    def list(self, most: int) -> list[JobStatus]:
        kinds = self._board.kinds()
        return [JobStatus.of(job, job.kind in kinds) for job in self._board.list(most)]

    def read(self, id: str) -> JobStatus:
        job = self._board.read(id)
        return JobStatus.of(job, self._board.has_runner(job.kind))

    def cancel(self, id: str) -> JobStatus:
        return JobStatus.of(self._board.cancel(id))

    def retry(self, id: str) -> JobStatus:
        job = self._board.retry(id, account())
        return JobStatus.of(job, self._board.has_runner(job.kind))


class _OverApi:
    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self, most: int) -> list[JobStatus]:
        return list(self._client.jobs(most))

    def read(self, id: str) -> JobStatus:
        return self._client.read_job(_number(id))

    def cancel(self, id: str) -> JobStatus:
        return self._client.cancel_job(_number(id))

    def retry(self, id: str) -> JobStatus:
        return self._client.retry_job(_number(id))


def _asked() -> Asked:
    if (server := servers.given()) is not None:
        return _OverApi(instance.client_of(server))
    return _OverStores(JobBoard(stores.opened().jobs))


def _number(id: str) -> int:
    if not id.isdecimal() or len(id) > 16:
        raise NotFound(f"There is no job '{safe(id[:40])}': imagestore jobs list.")
    return int(id)


def _what(job: JobStatus) -> str:
    model = f" {safe(job.name)}" if job.name else ""
    return f"{job.kind}{model}" + (f" {job.version}" if job.version else "")


def _progress(job: JobStatus) -> str:
    if not job.steps:
        return job.stage
    rate = f", {job.per_second:,g}/s" if job.per_second else ""
    return f"{job.stage}: {job.done:,} of {job.steps:,}{rate}"


def _tell(job: JobStatus) -> None:
    lines = [f"Job {job.id}: {_what(job)}, {job.state}", f"Put in {job.created_at} by {safe(job.by)}"]
    lines += [f"Begun {job.attempts} times"] if job.attempts > 1 else []
    lines += [_progress(job)] if job.is_open else [f"Ended {job.ended_at}", job.say, *job.details]
    print_counts(job.counts)
    for line in lines:
        console.print(safe(line), markup=False, highlight=False, soft_wrap=True)
