"""Custom Vision's iterations."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from imagestore.errors import NotFound
from imagestore.jobs.job import JobResult, JobState
from imagestore.store import Stores
from imagestore.web.services import Services
from unit.jobs.conftest import PlayedRunner

from .conftest import Client, entry, picture, refused, send, tag

Makes = Callable[[str, str], None]


@pytest.fixture
def tagged(client: Client, project: dict[str, Any]) -> str:
    """Enough pictures to train with; the path of the project."""
    for number, name in enumerate(("rose", "lily")):
        id = tag(client, project, name)
        send(client, project, *(entry(picture(10 * number + n), id) for n in range(5)))
    return f"/projects/{project['id']}"


def trained(client: Client, path: str, runner: PlayedRunner, makes: Makes, version: str) -> str:
    """An iteration that is trained to its end; its id."""
    begun = client.training("POST", f"{path}/train").json()
    assert begun["status"] == "Training"
    runner.turn()
    assert client.training("GET", f"{path}/iterations/{begun['id']}").json()["status"] == "Training"
    makes("Garden", version)
    runner.child.result = JobResult(state=JobState.DONE, say="It is trained.", version=version)
    runner.turn()
    return str(begun["id"])


def test_a_training_is_begun_followed_and_published(
    client: Client, tagged: str, runner: PlayedRunner, makes: Makes, stores: Stores
) -> None:
    id = trained(client, tagged, runner, makes, "1")
    found = client.training("GET", f"{tagged}/iterations/{id}").json()
    assert (found["status"], found["name"], found["publishName"]) == ("Completed", "Iteration 1", None)
    assert found["trainedAt"] is not None
    path = f"{tagged}/iterations/{id}/publish"
    asked = {"publishName": "classifyModel", "predictionId": "any"}
    assert client.training("POST", path, params=asked).json() is True
    assert client.training("GET", f"{tagged}/iterations/{id}").json()["publishName"] == "classifyModel"
    assert stores.projects.find("Garden").published == {"classifyModel": "1"}
    assert stores.routes.read().default is None, "what classifies uploads stays as it is"
    refused(client.training("DELETE", f"{tagged}/iterations/{id}"), "BadRequestIterationIsPublished")
    assert client.training("DELETE", path).status_code == 204
    refused(client.training("DELETE", path), "BadRequestIterationNotPublished")
    assert client.training("DELETE", f"{tagged}/iterations/{id}").status_code == 204
    assert client.training("GET", f"{tagged}/iterations").json() == []
    assert stores.models.versions("Garden") == [("Garden", "1")]


def test_a_training_takes_all_tags(client: Client, tagged: str) -> None:
    ids = [one["id"] for one in client.training("GET", f"{tagged}/tags").json()]
    asked = {"selectedTags": ids[:1]}
    assert "all tags" in refused(client.training("POST", f"{tagged}/train", json=asked), "BadRequestNotSupported")
    begun = client.training("POST", f"{tagged}/train", json={"selectedTags": ids}, params={"trainingType": "Advanced"})
    assert (begun.json()["status"], begun.json()["trainingType"]) == ("Training", "Regular")


def test_a_name_is_taken_over_only_if_that_is_said(
    client: Client, tagged: str, runner: PlayedRunner, makes: Makes
) -> None:
    first, second = (trained(client, tagged, runner, makes, version) for version in ("1", "2"))

    def published(id: str, **more: str) -> Any:
        asked = {"publishName": "live", "predictionId": "any", **more}
        return client.training("POST", f"{tagged}/iterations/{id}/publish", params=asked)

    assert published(first).json() is True
    refused(published(second), "BadRequestInvalidPublishName")
    assert published(second, overwrite="true").json() is True
    found = {one["id"]: one["publishName"] for one in client.training("GET", f"{tagged}/iterations").json()}
    assert found == {first: None, second: "live"}
    assert published(second, publishName="other").json() is True
    found = {one["id"]: one["publishName"] for one in client.training("GET", f"{tagged}/iterations").json()}
    assert found[second] == "other"
    refused(published(second, publishName="a/b"), "BadRequestInvalidPublishName")


def test_a_training_that_fails_says_why(client: Client, tagged: str, runner: PlayedRunner) -> None:
    begun = client.training("POST", f"{tagged}/train").json()
    refused(client.training("POST", f"{tagged}/train"), "BadRequestTrainingAlreadyInProgress")
    refused(
        client.training("POST", f"{tagged}/iterations/{begun['id']}/publish", params={"publishName": "x"}),
        "BadRequestIterationIsNotTrained",
    )
    refused(client.training("DELETE", f"{tagged}/iterations/{begun['id']}"), "BadRequestTrainingAlreadyInProgress")
    runner.turn()
    runner.child.result = JobResult(state=JobState.FAILED, say="None of 10 files is a picture.")
    runner.turn()
    found = client.training("GET", f"{tagged}/iterations/{begun['id']}").json()
    assert (found["status"], found["trainingErrorDetails"]) == ("Failed", "None of 10 files is a picture.")


def test_too_few_pictures_are_said_before_a_training(client: Client, project: dict[str, Any]) -> None:
    path, code = f"/projects/{project['id']}", "BadRequestMultiClassClassificationTrainingValidationFailed"
    assert "0 tags" in refused(client.training("POST", f"{path}/train"), code)
    rose, lily = tag(client, project, "rose"), tag(client, project, "lily")
    send(client, project, *(entry(picture(n), rose) for n in range(5)), entry(picture(9), lily))
    assert "'lily' has 1 pictures" in refused(client.training("POST", f"{path}/train"), code)


def test_versions_that_the_command_line_trained_are_iterations_too(
    client: Client, project: dict[str, Any], makes: Makes, stores: Stores
) -> None:
    makes("Garden", "1")
    path = f"/projects/{project['id']}"
    (found,) = client.training("GET", f"{path}/iterations").json()
    assert (found["name"], found["status"]) == ("Version 1", "Completed")
    named = client.training("PATCH", f"{path}/iterations/{found['id']}", json={"name": "Best"}).json()
    assert (named["id"], named["name"], named["created"]) == (found["id"], "Best", found["created"])


def test_the_newest_iteration_is_the_version_that_was_kept_last(
    client: Client, tagged: str, runner: PlayedRunner, makes: Makes
) -> None:
    first = trained(client, tagged, runner, makes, "1")
    makes("Garden", "2")
    newest, oldest = client.training("GET", f"{tagged}/iterations").json()
    assert (newest["name"], oldest["id"]) == ("Version 2", first)
    assert client.training("GET", f"{tagged}/iterations").json()[0]["created"] == newest["created"]
    assert newest["created"] >= oldest["created"]
    asked = client.training("POST", f"{tagged}/quicktest/image", content=picture(1)).json()
    assert asked["iteration"] == newest["id"], "which a quick test asks"


def test_an_iteration_that_nobody_asked_for_while_its_job_was_known_has_its_version(
    client: Client, tagged: str, makes: Makes, stores: Stores, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = client.training("POST", f"{tagged}/train").json()
    (job,) = services.jobs.list()

    def forgotten(id: str) -> Any:
        raise NotFound(f"There is no job {id}.")

    makes("Garden", "1")
    stores.custom_vision.trained("Garden", "another", "1")
    stores.custom_vision.trained("Garden", job.id, "1")  # as the training does at its end
    monkeypatch.setattr(services.jobs, "read", forgotten)
    found = client.training("GET", f"{tagged}/iterations").json()
    assert [(one["id"], one["status"]) for one in found] == [(begun["id"], "Completed")]


def test_an_iteration_that_is_renamed_while_it_is_deleted_stays_away(
    client: Client, project: dict[str, Any], makes: Makes, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    makes("Garden", "1")
    path = f"/projects/{project['id']}/iterations"
    (found,) = client.training("GET", path).json()
    change = services.stores.custom_vision.change

    def after_a_deletion(name: str, changed: Any) -> Any:
        monkeypatch.setattr(services.stores.custom_vision, "change", change)
        assert client.training("DELETE", f"{path}/{found['id']}").status_code == 204
        return change(name, changed)

    monkeypatch.setattr(services.stores.custom_vision, "change", after_a_deletion)
    refused(client.training("PATCH", f"{path}/{found['id']}", json={"name": "Best"}), "NotFoundIteration", 404)
    assert client.training("GET", path).json() == []


def test_a_training_that_ends_while_it_is_looked_at_is_never_said_to_have_failed(
    client: Client, tagged: str, runner: PlayedRunner, makes: Makes, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = client.training("POST", f"{tagged}/train").json()
    runner.turn()
    makes("Garden", "1")
    read = services.jobs.read

    def ends_after(id: str) -> Any:
        found = read(id)
        runner.child.result = JobResult(state=JobState.DONE, say="It is trained.", version="1")
        runner.turn()
        return found

    monkeypatch.setattr(services.jobs, "read", ends_after)
    found = client.training("GET", f"{tagged}/iterations/{begun['id']}").json()
    assert found["status"] == "Completed"


def test_a_version_whose_training_ends_in_a_moment_is_no_iteration_beside_it(
    client: Client, tagged: str, makes: Makes, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = client.training("POST", f"{tagged}/train").json()
    (job,) = services.jobs.list()
    makes("Garden", "1")
    monkeypatch.setattr(services.jobs, "read", lambda id: replace(job, versions=("1",)))
    found = client.training("GET", f"{tagged}/iterations").json()
    assert [(one["id"], one["status"]) for one in found] == [(begun["id"], "Training")]


def test_an_iteration_is_tried_without_being_published(
    client: Client, project: dict[str, Any], makes: Makes, stores: Stores
) -> None:
    path = f"/projects/{project['id']}/quicktest/image"
    refused(client.training("POST", path, content=picture(1)), "BadRequestIterationIsNotTrained")
    makes("Garden", "1")
    found = client.training("POST", path, content=picture(1)).json()
    (one,) = client.training("GET", f"/projects/{project['id']}/iterations").json()
    assert found["iteration"] == one["id"]
    assert sum(score["probability"] for score in found["predictions"]) == pytest.approx(1, abs=1e-3)
    assert not [blob for page, _ in stores.uploads.list() for blob in page]
