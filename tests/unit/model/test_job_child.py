"""What a job's process does, and what it tells: a job that was begun before and broke off is done once all the same."""

import functools
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

import model.inspect
import model.promote
import model.versions
from classify import ModelError
from imagestore import parent_watchdog
from imagestore.errors import (
    Conflict,
    GateOverride,
    LeaseLost,
    NotFound,
    PromotionRefused,
    Unavailable,
)
from imagestore.jobs import libraries
from imagestore.jobs.attempt import Attempt
from imagestore.jobs.job import Arguments, HowToTrain, JobKind, JobResult, JobState
from imagestore.jobs.lines import Asked
from imagestore.pipeline.models.projects import delete_project
from imagestore.pipeline.upkeep.reprocess import Reprocessed, ReprocessProgress
from imagestore.settings import AZURITE, COSMOS_EMULATOR, Settings
from imagestore.store import Active, LiveModels, PromotionEntry, Route, RouteTable, Stores
from imagestore.store.blobs import Blobs
from imagestore.store.custom_vision import Iteration
from imagestore.store.models import Models
from imagestore.store.patience import patiently
from imagestore.store.routes import Routes
from model import job_child
from model.training.imbalance import Balance
from unit.model.conftest import Begin
from unit.web.memory import MemoryBlobs, make_default

AT = "2026-11-21T09:00:00.000Z"


def done(attempt: Attempt, stores: Stores) -> JobResult:
    return job_child.done_by(attempt, stores, Settings())


def entry(version: str, by: str = "me", note: str = "better") -> PromotionEntry:
    return PromotionEntry("mine", version, version * 64, AT, by, note)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            PromotionRefused("No.", GateOverride.FORCE, ["why"], ["sea lion"]),
            {"state": "refused", "say": "No.", "details": ["why"], "override": "force", "drop": ["sea lion"]},
        ),
        (ModelError("mine 3 is no model"), {"state": "failed", "say": "mine 3 is no model", "details": []}),
        (Unavailable("storage is away"), {"state": "failed", "say": "storage is away", "details": []}),
    ],
)
def test_an_ending_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    begin: Begin,
    error: Exception,
    told: dict[str, object],
) -> None:
    wanted = Arguments("--by", "3", GateOverride.ACCEPT_EQUAL, ("sea lion", "--", "a\0b"))
    attempt, asked = begin(JobKind.PROMOTE, wanted), dict[str, Any]()

    def fails(stores: object, default: object, name: str, version: str, **options: Any) -> None:
        asked.update(options, name=name, version=version)
        raise error

    monkeypatch.setattr(model.promote, "promote", fails)
    found = last_line(monkeypatch, capfdbinary, attempt)["result"]
    assert found.items() >= told.items()
    assert (asked["name"], asked["version"], asked["by"]) == ("--by", "3", "me")
    assert (asked["override"], asked["drop"]) == (GateOverride.ACCEPT_EQUAL, ("sea lion", "--", "a\0b"))


def last_line(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], attempt: Attempt) -> Any:
    monkeypatch.setattr(parent_watchdog, "end_with_parent", lambda **_: None)
    monkeypatch.setattr(sys, "argv", ["job_child", msgspec.json.encode(Asked(attempt._id, attempt._attempt)).decode()])
    monkeypatch.setenv("IMAGES_STORAGE", AZURITE)
    monkeypatch.setenv("COSMOS", COSMOS_EMULATOR)
    monkeypatch.setattr(Stores, "jobs", property(lambda stores: attempt._items))
    job_child.main()
    return json.loads(capfdbinary.readouterr().out.splitlines()[-1])


def test_one_that_has_lost_its_job_does_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], begin: Begin
) -> None:
    old = begin(JobKind.PROMOTE, Arguments("mine", "3"))
    begin()
    monkeypatch.setattr(model.promote, "promote", lambda *_, **__: pytest.fail("it was done"))
    with pytest.raises(SystemExit, match="another runner has it"):
        last_line(monkeypatch, capfdbinary, old)
    assert capfdbinary.readouterr().out == b""


def test_nothing_is_published_once_another_has_the_job(stores: Stores, begin: Begin) -> None:
    """Whatever changes the container of models asks first."""
    opened = SimpleNamespace(upload_blob=lambda *_, **__: {"etag": "1"})
    uploads: list[str] = []

    class Client:
        container_name = "models"

        def get_blob_client(self, name: str) -> Any:
            uploads.append(name)
            return opened

    old = begin(JobKind.TRAIN)
    blobs = Blobs(cast(Any, Client()), old.demand)
    models = Models(blobs)
    models.keep("mine", "1", {"model.onnx": b"model"})
    begin()
    writes: list[Callable[[], object]] = [
        lambda: models.keep("mine", "1", {"model.onnx": b"other"}),
        lambda: RouteTable(blobs, models, 0).write_default(Active(entry("1")), LiveModels(None, Routes())),
        lambda: RouteTable(blobs, models, 0).write_routes(Routes(), LiveModels(None, Routes())),
        lambda: models.note("reprocess.json", b""),
    ]
    for publish in writes:
        with pytest.raises(LeaseLost):
            publish()
    assert uploads == ["mine/1/model.onnx"]


def test_a_version_is_trained_as_was_asked(stores: Stores, begin: Begin, trains: list[Any]) -> None:
    how = HowToTrain(colour=False, backbone="lite0", balance="sqrt", right=0.9, seed=7)
    attempt = begin(JobKind.TRAIN, Arguments("garden", training=how))
    result = done(attempt, stores)
    assert (result.state, result.version, result.details) == (JobState.DONE, "1", ["chosen"])
    assert result.say == "garden 1 is trained. It names 94 of 100 rightly."
    (options,) = trains
    assert (options.name, options.version, options.seed, options.right) == ("garden", "1", 7, 0.9)
    assert (options.held.colour, options.held.backbone, options.balance) == (False, "lite0", Balance.SQUARE_ROOT)
    assert attempt.job().versions == ("1",)


def test_an_iteration_of_custom_vision_knows_the_version_that_its_training_made(
    stores: Stores, begin: Begin, trains: list[Any]
) -> None:
    attempt = begin(JobKind.TRAIN, Arguments("garden"))
    asked = Iteration("some-id", "Iteration 1", "2026-11-21T09:00:00.000Z", attempt.job().id)
    stores.custom_vision.change("garden", lambda file: replace(file, iterations=(asked,)))
    done(attempt, stores)
    assert stores.custom_vision.read("garden").iterations == (replace(asked, version="1"),)


def test_a_project_that_was_deleted_meanwhile_is_not_trained(stores: Stores, begin: Begin, trains: list[Any]) -> None:
    delete_project(stores, "garden", "me")
    with pytest.raises(NotFound, match="imagestore projects undelete garden"):
        done(begin(JobKind.TRAIN, Arguments("garden")), stores)
    assert not trains


def test_a_version_that_the_attempt_before_had_made_is_not_made_again(
    stores: Stores, begin: Begin, trains: list[Any]
) -> None:
    done(begin(JobKind.TRAIN, Arguments("garden")), stores)
    result = done(begin(), stores)
    assert (result.version, len(trains)) == ("1", 1)
    assert "It names 94 of 100 rightly." in result.say


def test_one_that_the_attempt_before_had_only_begun_is(stores: Stores, begin: Begin, trains: list[Any]) -> None:
    begin(JobKind.TRAIN, Arguments("garden")).claim(stores.models.claim("garden"))
    assert done(begin(), stores).version == "2"
    assert stores.models.versions() == [("garden", "2")]


def test_a_promotion_that_was_made_before_it_could_be_said_is_not_made_again(
    monkeypatch: pytest.MonkeyPatch, stores: Stores, begin: Begin
) -> None:
    def overtaken(*_: object, **__: object) -> None:
        raise Conflict("mine 3 is live already.")

    monkeypatch.setattr(model.promote, "promote", overtaken)
    make_default(stores, entry("3"))
    with pytest.raises(Conflict):
        done(begin(JobKind.PROMOTE, Arguments("mine", "3")), stores)
    result = done(begin(), stores)
    assert (result.state, result.say) == (JobState.DONE, "mine 3 is live: better")
    make_default(stores, entry("4"), entry("3"))
    with pytest.raises(Conflict):
        done(begin(), stores)


def test_a_promotion_that_broke_off_between_its_two_files_is_brought_to_its_end(
    monkeypatch: pytest.MonkeyPatch, stores: Stores, begin: Begin
) -> None:
    """A project that is the default one and has a route of its own is live in both."""

    def overtaken(*_: object, **__: object) -> None:
        raise Conflict("mine 3 is live already.")

    monkeypatch.setattr(model.promote, "promote", overtaken)
    make_default(stores, entry("2"), entry("1"))
    routes = Routes((Route("factory/", "mine"),), {"mine": Active(entry("3"), (entry("2"),))})
    stores.routes.write_routes(routes, stores.routes.read())
    begin(JobKind.PROMOTE, Arguments("mine", "3"))
    assert done(begin(), stores).state is JobState.DONE
    found = stores.routes.read()
    assert found.default == Active(entry("3"), (entry("2"), entry("1")))
    assert found.routes == routes


def test_going_back_goes_one_step_however_often_it_is_begun(stores: Stores, begin: Begin) -> None:
    make_default(stores, entry("3"), entry("2"), entry("1"))
    attempt = begin(JobKind.ROLLBACK, Arguments(live="3" * 64))
    assert done(attempt, stores).say == "mine 2 is live again."
    assert done(begin(), stores).say == "mine 2 is live again."
    active = stores.routes.read().default
    assert active is not None
    assert active.live.version == "2"


def test_a_project_goes_back_by_itself(stores: Stores, begin: Begin) -> None:
    make_default(stores, entry("3"), entry("2"))
    own = Active(replace(entry("5"), name="screws"), (replace(entry("4"), name="screws"),))
    stores.routes.write_routes(Routes((Route("factory/", "screws"),), {"screws": own}), stores.routes.read())
    begin(JobKind.ROLLBACK, Arguments("screws", live="5" * 64))
    for _ in range(2):
        assert done(begin(), stores).say == "screws 4 is live again."
    found = stores.routes.read()
    assert found.default is not None
    assert found.default.live.version == "3"


def test_nobody_goes_back_from_a_model_that_they_did_not_mean(stores: Stores, begin: Begin) -> None:
    make_default(stores, entry("4", by="you"), entry("3"))
    result = done(begin(JobKind.ROLLBACK, Arguments(live="3" * 64)), stores)
    assert (result.state, result.say) == (JobState.FAILED, "mine 4 is live meanwhile, by you. Nothing was changed.")
    assert done(begin(), stores).state is JobState.FAILED


def test_what_was_found_of_a_model_file_stands_beside_it(
    monkeypatch: pytest.MonkeyPatch, stores: Stores, begin: Begin
) -> None:
    stores.models.keep("mine", "3", {"model.onnx": b"model"})
    found = SimpleNamespace(labels=("a", "b"), spec=SimpleNamespace(width=224, height=224))
    monkeypatch.setattr(model.inspect, "describe", lambda data, called: found)
    result = done(begin(JobKind.INSPECT, Arguments("mine", "3")), stores)
    assert (result.state, result.say) == (JobState.DONE, "mine 3 can be used.")
    kept = stores.models.inspection("mine", "3")
    assert kept is not None
    assert (kept.is_admitted, kept.by) == (True, "me")

    def refused(data: bytes, called: str) -> None:
        raise ModelError(f"{called} takes longer than 120 s.")

    monkeypatch.setattr(model.inspect, "describe", refused)
    result = done(begin(), stores)
    assert (result.state, result.say) == (JobState.REFUSED, "mine 3 takes longer than 120 s.")
    assert stores.models.inspection("mine", "3") == replace(
        kept, is_admitted=False, why=result.say, at=cast(Any, stores.models.inspection("mine", "3")).at
    )


def test_what_others_put_there_is_no_inspection() -> None:
    models = Models(cast(Any, MemoryBlobs("models")))
    models.keep("mine", "1", {"model.onnx": b"model", "inspection.json": b"{}"})
    assert models.inspection("mine", "1") is None
    assert models.inspection("mine", "2") is None


@pytest.mark.parametrize("kind", libraries.NEEDED_BY)
def test_without_the_libraries_a_job_fails_and_says_what_to_install(
    stores: Stores, begin: Begin, kind: JobKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is written: a model file that could not be looked at would count as one that cannot be used."""
    stores.models.keep("mine", "3", {"model.onnx": b"?"})
    monkeypatch.setattr(libraries, "missing", lambda: ["onnx", "scipy"])
    found = done(begin(kind, Arguments("mine", "3")), stores)
    assert found.state is JobState.FAILED
    assert "(onnx, scipy)" in found.say
    assert ("imagestore jobs retry" in found.say) == (kind is not JobKind.IMPORT)
    assert ("give the import again" in found.say) == (kind is JobKind.IMPORT), "its key went, so it cannot be retried"
    assert stores.models.inspection("mine", "3") is None


def test_reprocessing_outlives_a_store_that_is_away_for_a_while(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], stores: Stores, begin: Begin
) -> None:
    """After hours of work one answer that does not come is no reason to end."""
    begun: list[int] = []

    def reprocess(stores: object, models: object, progress: Callable[[ReprocessProgress], None]) -> Reprocessed:
        begun.append(len(begun))
        for seen in range(1, 4):
            progress(ReprocessProgress(1, seen, 10, 0))
        if len(begun) < 3:
            raise Unavailable("listing uploads: ServiceRequestError")
        return Reprocessed(("mine 3",), 10, 4, is_settled=True)

    monkeypatch.setattr(job_child, "reprocess", reprocess)
    monkeypatch.setattr(job_child, "patiently", functools.partial(patiently, wait=lambda seconds: None))
    result = done(begin(JobKind.REPROCESS), stores)
    assert (result.state, len(begun)) == (JobState.DONE, 3)
    stages = [line for line in map(json.loads, capfdbinary.readouterr().out.splitlines()) if "stage" in line]
    assert stages == [{"stage": "Reprocessing", "steps": 10}] * 3
