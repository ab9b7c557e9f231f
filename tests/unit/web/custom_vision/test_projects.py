"""Custom Vision's projects and domains."""

import uuid
from typing import Any

import pytest

from imagestore.store import Stores

from .conftest import TRAINING, Client, refused


def test_a_project_is_begun_read_renamed_and_deleted(client: Client, project: dict[str, Any], stores: Stores) -> None:
    assert uuid.UUID(project["id"]).version == 5
    assert (project["name"], project["settings"]["classificationType"]) == ("Garden", "Multiclass")
    assert client.training("GET", f"/projects/{project['id'].upper()}").json()["id"] == project["id"]
    assert [one["name"] for one in client.training("GET", "/projects").json()] == ["mine", "Garden"]
    changed = client.training("PATCH", f"/projects/{project['id']}", json={"name": "Yard", "description": "behind"})
    assert (changed.json()["id"], changed.json()["name"], changed.json()["description"]) == (
        project["id"],
        "Yard",
        "behind",
    )
    assert client.training("DELETE", f"/projects/{project['id']}").status_code == 204
    refused(client.training("GET", f"/projects/{project['id']}"), "NotFoundProject", 404)
    assert stores.projects.find("Garden").deleted is not None, "it can be taken back"


def test_a_script_that_deletes_a_project_and_begins_it_again_has_a_new_one(
    client: Client, project: dict[str, Any]
) -> None:
    assert client.training("DELETE", f"/projects/{project['id']}").status_code == 204
    again = client.training("POST", "/projects", params={"name": "Garden"}).json()
    assert (again["name"], again["id"] != project["id"]) == ("Garden", True)
    assert [one["id"] for one in client.training("GET", "/projects").json()][1:] == [again["id"]]
    refused(client.training("GET", f"/projects/{project['id']}/tags"), "NotFoundProject", 404)


def test_what_cannot_be_is_refused_in_their_form(client: Client, project: dict[str, Any]) -> None:
    def made(**asked: str) -> Any:
        return client.training("POST", "/projects", params={"name": "Other", **asked})

    refused(made(name="garden"), "BadRequestProjectNameNotUnique")
    refused(made(name="\u202eab"), "BadRequestProjectName")
    refused(made(domainId=str(uuid.uuid4())), "BadRequestProjectUnknownDomain")
    refused(made(classificationType="Both"), "BadRequestProjectUnknownClassification")
    refused(client.training("POST", "/projects"), "BadRequest")
    refused(client.training("PATCH", f"/projects/{project['id']}", content=b"{"), "BadRequestInvalid")
    other = {"settings": {"classificationType": "Multilabel", "domainId": "any"}}
    assert "Multiclass" in refused(
        client.training("PATCH", f"/projects/{project['id']}", json=other), "BadRequestNotSupported"
    )
    refused(client.training("GET", f"/projects/{uuid.uuid4()}"), "NotFoundProject", 404)
    refused(client.training("GET", "/nowhere"), "NotFound", 404)
    refused(client.training("DELETE", f"/projects/{client.training('GET', '/projects').json()[0]['id']}"),
            "BadRequestWorkspaceNotDeletable")  # fmt: skip


def test_domains_have_their_fixed_ids(client: Client) -> None:
    found = {one["name"]: one["id"] for one in client.training("GET", "/domains").json()}
    assert found["General"] == "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"
    assert client.training("GET", f"/domains/{found['Food']}").json()["type"] == "Classification"
    refused(client.training("GET", f"/domains/{uuid.uuid4()}"), "NotFoundDomain", 404)


@pytest.mark.parametrize(
    "path",
    ["/customvision/v3.3/training/projects", "/CustomVision/V3.4-Preview/Training/PROJECTS",
     "/customvision/v3.0/training/projects"],
)  # fmt: skip
def test_addresses_may_be_in_any_case_and_need_a_key(client: Client, path: str) -> None:
    assert client.get(path, headers={"training-key": "any"}).status_code == 200
    message = refused(client.get(path), "ForbiddenUser", 401)
    assert "Training-Key" in message
    refused(client.get(path, headers={"Prediction-Key": "any"}), "ForbiddenUser", 401)


def test_versions_of_the_api_that_there_never_were_are_not_there(client: Client) -> None:
    refused(client.get(TRAINING.replace("v3.3", "v9") + "/projects", headers={"Training-Key": "x"}), "NotFound", 404)


def test_names_in_a_query_and_words_of_enumerations_may_be_in_any_case(client: Client) -> None:
    made = client.training("POST", "/projects", params={"Name": "Yard", "CLASSIFICATIONTYPE": "multiclass"})
    assert made.json()["settings"]["classificationType"] == "Multiclass", made.text
    tags = f"/projects/{made.json()['id']}/tags"
    begun = client.training("POST", tags, params={"NAME": "none of them", "Type": "negative"}).json()
    assert (begun["name"], begun["type"]) == ("none of them", "Negative")
    wrong = client.training("POST", "/projects", params={"name": "B", "classificationType": "Both"})
    assert "Multiclass nor Multilabel" in refused(wrong, "BadRequestProjectUnknownClassification")
