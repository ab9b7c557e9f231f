"""imagestore doctor: green on a stack that works; each thing that is broken is said in one line with its remedy."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.cosmos import PartitionKey
from typer.testing import CliRunner

from imagestore.cli.main import app
from imagestore.configure import open_stores
from imagestore.errors import Refusal, ServiceRefused
from imagestore.local.supervisor import Stack
from imagestore.pipeline import checks
from imagestore.pipeline.checks import CheckResult, Severity
from imagestore.pipeline.upkeep import doctor
from imagestore.pipeline.upkeep.doctor import examine
from imagestore.record import Status
from imagestore.settings import Settings
from imagestore.store import Connection, Stores, create, inspection
from imagestore.store.connect import INDEXING, _cosmos
from imagestore.store.inspection import ContainerFacts

from .conftest import TIMEOUT_S, Pipeline, eventually

MODEL = Settings().model_path


@pytest.fixture
def stores(stack: Stack) -> Stores:
    """Those of the running stack, with clients of their own, since a test changes what it connects to."""
    return open_stores(stack.environment)


def troubles(stores: Stores, probe_s: float = 0) -> dict[str, CheckResult]:
    """What is not right, by its subject."""
    return {found.subject: found for found in examine(stores, MODEL, probe_s) if found.severity is not Severity.OK}


def test_all_is_well_on_a_stack_that_works(stores: Stores, pipeline: Pipeline) -> None:
    found = list(examine(stores, MODEL, TIMEOUT_S))
    assert {one.severity for one in found if one.subject != "events"} <= {Severity.OK, Severity.WARNING}, found
    subjects = {one.subject for one in found}
    assert subjects >= {
        "container uploads",
        "clock",
        "writing and tagging",
        "queue work",
        "database imagedata",
        "model",
    }
    assert {one.subject: one.severity for one in found}["deletions"] is Severity.OK
    left = [
        blob.name for page, _ in stores.uploads.list() for blob in page if blob.name.startswith(doctor.PROBE_FOLDER)
    ]
    assert left == []


@contextlib.contextmanager
def without_container(stores: Stores) -> Iterator[None]:
    stores.blob_service.delete_container("thumbnails")
    yield
    create(stores)


@contextlib.contextmanager
def public_container(stores: Stores) -> Iterator[None]:
    client = stores.blob_service.get_container_client("thumbnails")
    client.set_container_access_policy({}, public_access="container")
    yield
    client.set_container_access_policy({})


@contextlib.contextmanager
def without_queue(stores: Stores) -> Iterator[None]:
    stores.queue_service.delete_queue("work-poison")
    yield
    create(stores)


@contextlib.contextmanager
def given_up(stores: Stores) -> Iterator[None]:
    stores.work_poison.send("given up")
    yield
    stores.queue_service.get_queue_client("work-poison").clear_messages()


BROKEN: dict[str, tuple[Callable[[Stores], contextlib.AbstractContextManager[None]], str, str, str]] = {
    "a container is missing": (without_container, "container thumbnails", "is not there", "Deploy infra/ again"),
    "a container is public": (public_container, "container thumbnails", "anyone on the Internet", "private"),
    "a queue is missing": (without_queue, "queue work-poison", "is not there", "Deploy infra/ again"),
    "messages were given up": (given_up, "queue work-poison", "holds 1 messages", "docs/reliability.md"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named_with_its_remedy(stores: Stores, what: str) -> None:
    break_it, subject, said, remedy = BROKEN[what]
    with break_it(stores):
        found = troubles(stores)[subject]
    assert said in found.detail
    assert remedy in found.remedy
    assert subject not in troubles(stores)


def test_a_wrong_key_and_a_service_that_is_away_are_told_apart(stores: Stores) -> None:
    assert stores.storage.string is not None
    wrong_key = stores.storage.string.replace("AccountKey=Eby8", "AccountKey=AAAA")
    found = troubles(Stores(Connection("IMAGES_STORAGE", wrong_key), stores.cosmos, stores.names))
    assert "does not accept this key" in found["container uploads"].detail
    nowhere = replace(stores.cosmos, string="AccountEndpoint=http://localhost:9/;AccountKey=AAAA;")
    found = troubles(Stores(stores.storage, nowhere, stores.names))
    assert found["database imagedata"].severity is Severity.PROBLEM
    assert "container uploads" not in found


def test_a_container_of_records_that_is_set_up_otherwise_is_described(stores: Stores) -> None:
    names = replace(stores.names, database="otherwise")
    other = Stores(stores.storage, stores.cosmos, names)
    assert "is not there" in troubles(other)["database otherwise"].detail
    database = _cosmos(stores.cosmos).create_database_if_not_exists("otherwise")
    database.create_container("images", PartitionKey("/name"), {**INDEXING, "compositeIndexes": []})
    said = [one.detail for one in examine(other, MODEL, 0) if one.subject == "database otherwise"]
    assert len(said) == 3
    assert "['/name']" in said[0]
    assert "time to live is off" in said[1]
    assert "indexing policy" in said[2]


def test_a_model_that_cannot_be_used_is_named(stores: Stores) -> None:
    (found,) = (one for one in examine(stores, MODEL.with_name("missing.onnx"), 0) if one.subject == "model")
    assert found.severity is Severity.PROBLEM
    assert "missing.onnx" in found.detail


@pytest.mark.parametrize(
    ("process", "said", "remedy"),
    [
        ("relay", "was not staged", "under uploads/ to the function preprocess"),
        ("host", "was not staged", "preprocess"),
    ],
)
def test_events_that_do_not_arrive_are_noticed(
    stores: Stores, stack: Stack, process: str, said: str, remedy: str
) -> None:
    stack.processes[process].stop()
    try:
        found = troubles(stores, probe_s=1)["events"]
    finally:
        stack.processes[process].spawn()
    assert said in found.detail
    assert remedy in found.remedy


def test_a_clock_that_is_wrong_is_said(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    late = ContainerFacts(False, datetime.now(UTC) - timedelta(minutes=20))
    monkeypatch.setattr(checks, "look_at_container", lambda stores, name: late)
    assert "differs from the storage account's by 1200 s" in troubles(stores)["clock"].detail


@pytest.mark.parametrize(
    ("status", "code", "refusal"),
    [
        (403, "AuthorizationPermissionMismatch", Refusal.FORBIDDEN),
        (403, "AuthenticationFailed", Refusal.NOT_SIGNED_IN),
        (409, "FeatureNotYetSupportedForHierarchicalNamespaceAccounts", Refusal.NO_TAGS),
        (404, "ContainerNotFound", Refusal.NOT_THERE),
        (503, "ServerBusy", Refusal.UNREACHABLE),
    ],
)
def test_what_azure_alone_answers_is_told_apart_by_its_code(status: int, code: str, refusal: Refusal) -> None:
    error = HttpResponseError(message="said")
    error.status_code = status
    setattr(error, "error_code", code)  # noqa: B010 - the storage SDKs add it
    assert inspection._refusal(error) is refusal


def test_a_missing_role_is_named(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise ServiceRefused(Refusal.FORBIDDEN, "no")

    for name in ("look_at_queue", "set_up_of_records", "has_hierarchical_namespace"):
        monkeypatch.setattr(checks, name, forbidden)
    monkeypatch.setattr(doctor, "write_probe", forbidden)
    by_identity = Stores(
        Connection("IMAGES_STORAGE", None, {"blobServiceUri": "x"}), Connection("COSMOS", None, {}), stores.names
    )
    well = ContainerFacts(False, datetime.now(UTC))
    monkeypatch.setattr(checks, "look_at_container", lambda stores, name: well)
    monkeypatch.setattr(doctor, "_model", lambda stores, path: CheckResult("model", Severity.OK, ""))
    found = troubles(by_identity)
    assert "Storage Blob Data Owner on the container thumbnails" in found["writing and tagging"].remedy
    assert "Storage Queue Data Contributor on the queue work" in found["queue work"].remedy
    assert "Cosmos DB Built-in Data Contributor on the container images" in found["database imagedata"].remedy


def test_the_command_says_line_by_line_and_ends_accordingly(
    stores: Stores, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    well = CliRunner().invoke(app, ["doctor", "--wait", "0"])
    assert well.exit_code == 0, well.output
    assert "✓ container uploads: is there" in well.output
    with without_queue(stores):
        ill = CliRunner().invoke(app, ["doctor", "--wait", "0"])
    assert ill.exit_code == 1
    assert "✗ queue work-poison: is not there" in ill.output
    assert "1 thing needs mending." in ill.output


def test_the_events_probe_is_a_picture_that_the_pipeline_takes(stores: Stores, pipeline: Pipeline) -> None:
    etag = pipeline.drop("doctor probe.png", doctor._picture())
    assert eventually(lambda: stores.uploads.stat("doctor probe.png"), "the upload")
    assert pipeline.record("doctor probe.png", etag).status in (Status.CLASSIFIED, Status.UNKNOWN)
