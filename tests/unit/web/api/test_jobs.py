"""Jobs by the API: whoever may train puts them in, cancels them and tries them again; everybody sees them."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from imagestore.errors import GateOverride
from imagestore.jobs.job import (
    Arguments,
    Counted,
    HowToTrain,
    Importing,
    Job,
    JobKind,
    JobResult,
    JobState,
    Progress,
)
from imagestore.jobs.sealed import Sealer
from imagestore.store import Stores
from imagestore.store.secrets import Secrets
from imagestore.web.services import Services
from preprocess import Fit
from unit.jobs.conftest import PlayedRunner
from unit.memory_items import MemoryItems
from unit.web.conftest import Api, problem

NONE = "1000000000000000"


@pytest.fixture
def instances() -> int:
    return 2


@pytest.fixture
def runner(stores: Stores) -> PlayedRunner:
    return PlayedRunner(cast(MemoryItems, stores.jobs))


def latest(services: Services) -> Job:
    job = services.jobs.latest()
    assert job is not None
    return job


def put(api: Api, **body: Any) -> dict[str, Any]:
    """Put a job in, for a project that is there."""
    if "name" in body and body["kind"] == "train":
        api.post("/projects", json={"title": body["name"]})
    answer = api.post("/jobs", json=body)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{found['id']}"
    return found


def test_a_job_is_put_in_and_followed(api: Api, runner: PlayedRunner) -> None:
    job = put(api, kind="train", name="garden")
    assert (job["state"], job["kind"], job["name"], job["by"]) == ("queued", "train", "garden", "local")
    assert "no runner has been heard of" in job["stage"]
    address = f"/jobs/{job['id']}"
    runner.turn()
    assert api.get(address).json()["state"] == "running"
    runner.child.progress = Progress("Learning", 3, 9, 1.5)
    runner.turn()
    found = api.get(address).json()
    assert (found["stage"], found["done"], found["steps"], found["seconds_left"]) == ("Learning", 3, 9, 3)
    runner.child.result = JobResult(state=JobState.DONE, say="garden 4 is trained.", details=["why"], version="4")
    runner.turn()
    found = api.get(address).json()
    assert (found["state"], found["say"], found["details"], found["version"]) == (
        "done", "garden 4 is trained.", ["why"], "4",
    )  # fmt: skip
    assert found["ended_at"] is not None


def test_what_a_training_is_held_to(api: Api, services: Services) -> None:
    put(api, kind="train", training={"colour": False, "fit": "pad", "backbone": "lite0", "views": 3, "same_case": True})
    how = HowToTrain(colour=False, fit=Fit.PAD, backbone="lite0", views=3, same_case=True)
    assert latest(services).arguments == Arguments("mine", training=how)


@pytest.mark.parametrize(
    "training",
    [
        {"colour": "yes"}, {"fit": "tight"}, {"backbone": "/etc/passwd"}, {"views": 21}, {"views": "3"}, {"right": 1},
        {"right": "0.9"}, {"balance": "much"}, {"seed": -1}, {"flip": 1}, {"more": 1}, [], 1,
    ],
)  # fmt: skip
def test_what_a_training_cannot_be_held_to_is_refused(api: Api, services: Services, training: object) -> None:
    problem(api.post("/jobs", json={"kind": "train", "training": training}), 422)
    assert services.jobs.latest() is None


@pytest.mark.parametrize("kind", ["promote", "inspect"])
def test_what_is_of_a_version_names_one_that_is_there(api: Api, stores: Stores, kind: str) -> None:
    assert "version is missing" in problem(api.post("/jobs", json={"kind": kind}), 404)["detail"]
    problem(api.post("/jobs", json={"kind": kind, "version": "3"}), 404)
    stores.models.keep("mine", "3", {"model.onnx": b"model"})
    assert put(api, kind=kind, version="3")["version"] == "3"


def test_a_promotion_may_insist_and_drop(api: Api, stores: Stores, services: Services) -> None:
    stores.models.keep("mine", "3", {"model.onnx": b"model"})
    put(api, kind="promote", version="3", insist="force", drop=["sea lion"])
    assert latest(services).arguments == Arguments("mine", "3", GateOverride.FORCE, ("sea lion",))
    problem(api.post("/jobs", json={"kind": "promote", "version": "3", "drop": ["\0"]}), 422)


def test_the_other_kinds(api: Api, services: Services) -> None:
    for kind in (JobKind.ROLLBACK, JobKind.REPROCESS):
        put(api, kind=str(kind))
        assert (latest(services).kind, latest(services).arguments) == (kind, Arguments())
    problem(api.post("/jobs", json={"kind": "dream"}), 422)
    problem(api.post("/jobs", json={}), 422)


def test_the_newest_come_first_page_after_page(api: Api, runner: PlayedRunner) -> None:
    empty = api.get("/jobs").json()
    assert empty == {"items": [], "next": None, "has_runner": False}
    ids = [put(api, kind="train", name=f"m{n}")["id"] for n in range(5)][::-1]
    runner.turn()
    first = api.get("/jobs", params={"limit": 3}).json()
    assert ([job["id"] for job in first["items"]], first["has_runner"]) == (ids[:3], True)
    second = api.get("/jobs", params={"limit": 3, "before": str(first["next"])}).json()
    assert ([job["id"] for job in second["items"]], second["next"]) == (ids[3:], None)
    problem(api.get("/jobs", params={"before": "x"}), 422)


def test_a_job_is_cancelled_and_tried_again(api: Api, runner: PlayedRunner) -> None:
    job = put(api, kind="reprocess")
    assert problem(api.post("/jobs", json={"kind": "reprocess"}), 409)["code"] == "conflict"
    runner.turn()
    assert api.post(f"/jobs/{job['id']}/cancel").json()["state"] == "running"
    runner.turn()
    assert runner.child.has_ended
    assert api.get(f"/jobs/{job['id']}").json()["state"] == "cancelled"
    problem(api.post(f"/jobs/{job['id']}/cancel"), 409)
    again = api.post(f"/jobs/{job['id']}/retry")
    assert (again.status_code, again.json()["kind"], again.json()["state"]) == (202, "reprocess", "queued")
    assert again.json()["id"] > job["id"]


def test_what_is_not_there_is_said(api: Api) -> None:
    problem(api.get(f"/jobs/{NONE}"), 404)
    problem(api.post(f"/jobs/{NONE}/cancel"), 404)
    problem(api.post(f"/jobs/{NONE}/retry"), 404)
    problem(api.get("/jobs/runner-1"), 422)


IMPORTING = {"endpoint": "https://westeurope.api.cognitive.microsoft.com/", "project": "Garden", "key": "s3cret-key"}


def test_an_import_is_put_in_and_its_key_is_nowhere_to_be_read(
    api: Api, runner: PlayedRunner, services: Services
) -> None:
    job = put(api, kind="import", importing=IMPORTING | {"crop_regions": True})
    wanted = Importing("https://westeurope.api.cognitive.microsoft.com", "Garden", crop_regions=True)
    assert (job["kind"], job["name"], latest(services).arguments.importing) == ("import", "Garden", wanted)
    assert services.sealer is not None
    assert services.sealer.opened(latest(services).sealed or "", wanted.bound) == "s3cret-key"
    audit = [item.document for item in services.stores.audit.find("entry")]
    assert "s3cret-key" not in f"{cast(MemoryItems, services.stores.jobs).find('job')} {audit} {api.get('/jobs').text}"
    runner.turn()
    runner.child.progress = Progress("Pictures", 640, 2000, 16.0)
    runner.turn()
    found = api.get(f"/jobs/{job['id']}").json()
    assert (found["per_second"], found["seconds_left"], found["counts"]) == (40.0, 34, [])
    counts = [Counted("tagged pictures", 2000, 2000)]
    runner.child.result = JobResult(state=JobState.DONE, say="Came.", version="1", name="Garden-2", counts=counts)
    runner.turn()
    found = api.get(f"/jobs/{job['id']}").json()
    assert (found["name"], found["version"]) == ("Garden-2", "1")
    assert found["counts"] == [{"what": "tagged pictures", "there": 2000, "here": 2000}]
    assert latest(services).sealed is None
    said = problem(api.post(f"/jobs/{job['id']}/retry"), 409)["detail"]
    assert "Give the import again, with the key" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"endpoint": "http://pictures.example.org"}, "is not encrypted"),
        ({"endpoint": "no address"}, "is no address of a server"),
        ({"key": "two words"}, "characters that no key has"),
        ({"project": ""}, "at least 1 character"),
        ({"more": 1}, "extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_imported_is_said_without_the_key(api: Api, changed: dict[str, Any], said: str) -> None:
    answer = api.post("/jobs", json={"kind": "import", "importing": IMPORTING | changed})
    assert said in problem(answer, 422)["detail"]
    assert "s3cret" not in answer.text
    assert "two words" not in answer.text


def test_an_import_says_what_is_to_be_imported(api: Api) -> None:
    assert "importing is missing" in problem(api.post("/jobs", json={"kind": "import"}), 422)["detail"]


def test_where_no_key_can_be_kept_none_is_taken(services: Services, request: pytest.FixtureRequest) -> None:
    object.__setattr__(services, "sealer", None)
    api: Api = request.getfixturevalue("api")
    answer = api.post("/jobs", json={"kind": "import", "importing": IMPORTING})
    assert "SECRETS_FILE" in problem(answer, 409)["detail"]


def test_where_the_secret_of_jobs_is_missing_it_is_named(services: Services, request: pytest.FixtureRequest) -> None:
    empty = Sealer(cast(Secrets, SimpleNamespace(get=lambda name: None)))  # as a vault where nobody has made it
    object.__setattr__(services, "sealer", empty)
    api: Api = request.getfixturevalue("api")
    answer = api.post("/jobs", json={"kind": "import", "importing": IMPORTING})
    assert "There is no secret 'job-secrets'" in problem(answer, 409)["detail"]
