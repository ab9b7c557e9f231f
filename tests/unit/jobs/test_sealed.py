"""A secret in a job is of use to its runner alone."""

from pathlib import Path

import pytest

from imagestore.errors import Conflict, SettingsError
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, Importing, Job, JobKind, JobResult, JobState
from imagestore.jobs.lease import take
from imagestore.jobs.sealed import Sealer
from imagestore.store.secrets import FileSecrets
from unit.memory_items import MemoryItems

KEY = "0123456789abcdef"
WANTED = Importing("https://westeurope.api.cognitive.microsoft.com", "Garden")


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(FileSecrets(tmp_path / "secrets.json"))


def stored(items: MemoryItems) -> str:
    return str([item.document for item in items.find("job")])


def put(board: JobBoard, sealer: Sealer) -> Job:
    sealed = sealer.seal(KEY, WANTED.bound)
    return board.put(JobKind.IMPORT, "me", Arguments(importing=WANTED), sealed=sealed)


def test_it_is_opened_where_the_same_secrets_are_and_nowhere_else(sealer: Sealer, tmp_path: Path) -> None:
    sealed = sealer.seal(KEY, WANTED.bound)
    assert Sealer(FileSecrets(tmp_path / "secrets.json")).opened(sealed, WANTED.bound) == KEY
    assert sealer.seal(KEY, WANTED.bound) != sealed
    other = Sealer(FileSecrets(tmp_path / "other.json"))
    with pytest.raises(SettingsError, match="There is no secret 'job-secrets'"):
        other.opened(sealed, WANTED.bound)
    other.seal("x", "y")
    for strange in (sealed, sealed[:-8], "", "no base64"):
        with pytest.raises(SettingsError, match="cannot be read here"):
            other.opened(strange, WANTED.bound)


def test_whoever_changes_where_a_job_asks_gets_no_key(sealer: Sealer) -> None:
    sealed = sealer.seal(KEY, WANTED.bound)
    with pytest.raises(SettingsError, match="cannot be read here"):
        sealer.opened(sealed, Importing("https://evil.example", "Garden").bound)


def test_the_key_is_in_no_job_and_what_is_sealed_goes_at_its_end(sealer: Sealer) -> None:
    items = MemoryItems()
    board = JobBoard(items)
    job = put(board, sealer)
    assert job.sealed is not None
    assert KEY not in stored(items)
    assert job.sealed in stored(items)
    assert job.sealed not in repr(job)
    held = take(items, "runner")
    assert held is not None
    held.let_go()
    assert job.sealed in stored(items), "the next runner needs it"
    again = take(items, "runner")
    assert again is not None
    again.end(JobResult(state=JobState.FAILED, say="away"))
    assert job.sealed not in stored(items)


def test_cancelled_before_anybody_has_it_its_secret_goes_too(sealer: Sealer) -> None:
    items = MemoryItems()
    board = JobBoard(items)
    job = put(board, sealer)
    board.cancel(job.id)
    assert str(job.sealed) not in stored(items)
    with pytest.raises(Conflict, match="went at its end"):
        board.retry(job.id, "me")
