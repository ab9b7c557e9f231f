"""A job that brings a project over from Custom Vision: what it tells, and what becomes of its key."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import model.versions
from imagestore.configure import sealer_of
from imagestore.errors import (
    BadTrainingData,
    Unavailable,
)
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, Counted, Importing, JobKind, JobResult, JobState
from imagestore.jobs.sealed import Sealer
from imagestore.settings import Settings
from imagestore.store import Stores
from imagestore.store.models import Inspection, Models
from imagestore.store.patience import patiently
from model import import_job, job_child
from model.custom_vision.take_over import TakenOver
from unit.model.conftest import Begin

KEY = "s3cret-key"
IMPORTING = Importing("https://elsewhere.example.org", "Garden")


@pytest.fixture
def imports(stores: Stores, begin: Begin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., JobResult]:
    """Does an import of which this comes, with training unless told otherwise."""
    settings = Settings(secrets_file=str(tmp_path / "secrets.json"))
    sealer = sealer_of(settings, {})
    assert sealer is not None

    def imports(rows: list[Counted], importing: Importing = IMPORTING, published: tuple[str, ...] = ()) -> JobResult:
        def take_over(
            stores: Stores, source: Any, wanted: str, by: str, *_: object, crop_regions: bool, demand: Any
        ) -> TakenOver:
            demand()
            assert (source.endpoint, source._headers["Training-Key"]) == (importing.endpoint, KEY)
            assert (wanted, by, crop_regions) == ("Garden", "me", importing.crop_regions)
            return TakenOver(stores.projects.open("garden"), 9, 0, rows, ["a note"], published)

        monkeypatch.setattr(import_job, "take_over", take_over)
        sealed = sealer.seal(KEY, importing.bound)
        JobBoard(stores.jobs).put(JobKind.IMPORT, "me", Arguments(importing=importing), sealed=sealed)
        return job_child.done_by(begin(), stores, settings)

    return imports


AGREES, DIFFERS = [Counted("tagged pictures", 9, 9)], [Counted("tagged pictures", 9, 8)]


def test_an_import_ends_with_the_counts_and_a_version(imports: Callable[..., JobResult], trains: list[Any]) -> None:
    result = imports(AGREES)
    assert (result.state, result.name, result.version, result.counts) == (JobState.DONE, "garden", "1", AGREES)
    assert result.say == "9 pictures came now. The counts agree. garden 1 is trained. It names 94 of 100 rightly."
    assert result.details == ["a note", "chosen"]


def test_what_the_service_claimed_is_told_beside_what_is_so(
    imports: Callable[..., JobResult], trains: list[Any], monkeypatch: pytest.MonkeyPatch, stores: Stores
) -> None:
    figures = {"metrics": {}, "sentence": "Good.", "claimed": {"sentence": "It claimed more."}}
    monkeypatch.setattr(Models, "figures", lambda *_: figures)
    assert imports(AGREES).details == ["a note", "It claimed more.", "chosen"]


def test_where_counts_do_not_agree_the_job_fails_and_nothing_is_trained(
    imports: Callable[..., JobResult], trains: list[Any]
) -> None:
    result = imports(DIFFERS)
    assert (result.state, result.counts, trains) == (JobState.FAILED, DIFFERS, [])
    assert "The counts do not agree" in result.say


def test_what_was_published_there_is_so_here_once_it_is_trained(
    imports: Callable[..., JobResult], trains: list[Any], stores: Stores
) -> None:
    admitted = Inspection("0" * 64, "2026-11-21", "training", is_admitted=True)
    stores.models.keep_inspection("garden", "1", admitted)
    result = imports(AGREES, published=("live",))
    assert result.details == ["a note", "garden 1 is published as 'live', as there.", "chosen"]
    assert stores.projects.open("garden").published == {"live": "1"}


def test_an_import_without_training(imports: Callable[..., JobResult], trains: list[Any]) -> None:
    result = imports(AGREES, replace(IMPORTING, train=False, crop_regions=True), ("live",))
    assert (result.state, result.version, trains) == (JobState.DONE, None, [])
    assert "imagestore projects publish garden VERSION --as live" in result.details[-1]


def test_an_import_waits_for_where_its_key_is_kept(
    imports: Callable[..., JobResult], trains: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key goes at the job's end, so one that failed over this could not be tried again."""
    opened, tries = Sealer.opened, iter([True, True])

    def away(self: Sealer, sealed: str, bound: str) -> str:
        if next(tries, False):
            raise Unavailable("Key Vault does not answer")
        return opened(self, sealed, bound)

    monkeypatch.setattr(Sealer, "opened", away)
    monkeypatch.setattr(import_job, "patiently", functools.partial(patiently, wait=lambda seconds: None))
    assert imports(AGREES, replace(IMPORTING, train=False)).state is JobState.DONE


def test_what_came_is_told_where_no_model_can_be_made_of_it(
    imports: Callable[..., JobResult], trains: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise BadTrainingData("There are too few.")

    monkeypatch.setattr(model.versions, "gather", fails)
    result = imports(AGREES)
    assert (result.state, result.counts) == (JobState.FAILED, AGREES)
    assert "The counts agree. It could not be trained: There are too few." in result.say
    assert "imagestore train --project garden" in result.say


def test_a_runner_without_the_secret_says_what_is_missing(stores: Stores, begin: Begin) -> None:
    JobBoard(stores.jobs).put(JobKind.IMPORT, "me", Arguments(importing=IMPORTING), sealed="sealed")
    result = job_child.done_by(begin(), stores, Settings())
    assert result.state is JobState.FAILED
    assert "neither SECRETS_FILE nor KEY_VAULT is set" in result.say
