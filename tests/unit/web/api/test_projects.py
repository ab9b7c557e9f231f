"""Projects by the API."""

from imagestore.store import Stores
from unit.web.conftest import Api, problem


def test_a_project_is_begun_renamed_deleted_and_taken_back(api: Api, stores: Stores) -> None:
    assert [one["name"] for one in api.get("/projects").json()] == ["mine"]
    answer = api.post("/projects", json={"title": "M3 screws", "labels_per_picture": "several"})
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, "/api/v1/projects/M3-screws")
    assert (made["name"], made["title"], made["labels_per_picture"]) == ("M3-screws", "M3 screws", "several")
    assert (made["versions"], made["live"], made["routes"], made["created"]["by"]) == ([], None, [], "local")
    assert api.get("/projects/M3-screws").json() == made
    stores.models.keep("M3-screws", "1", {"model.onnx": b"model"})
    api.put("/routes", params={"pattern": "factory/*", "project": "M3-screws"})
    assert api.patch("/projects/M3-screws", json={"title": "Bolts"}).json()["title"] == "Bolts"
    found = api.get("/projects").json()[1]
    assert (found["title"], found["versions"], found["routes"]) == ("Bolts", ["1"], ["factory/*"])
    assert "factory/*" in problem(api.delete("/projects/M3-screws"), 409)["detail"]
    api.delete("/routes", params={"pattern": "factory/*"})
    deleted = api.delete("/projects/M3-screws").json()
    assert deleted["deleted"]["by"] == "local"
    assert deleted["gone_at"][:10] > deleted["deleted"]["at"][:10]
    for refused in (
        api.post("/jobs", json={"kind": "train", "name": "M3-screws"}),
        api.post("/jobs", json={"kind": "promote", "name": "M3-screws", "version": "1"}),
        api.post("/models/M3-screws/1/promote"),
        api.put("/routes", params={"pattern": "factory/*", "project": "M3-screws"}),
    ):
        assert "imagestore projects undelete M3-screws" in problem(refused, 404)["detail"]
    assert api.post("/projects/M3-screws/undelete").json()["deleted"] is None
    problem(api.post("/projects/M3-screws/undelete"), 409)


def test_what_cannot_be_a_project_is_refused(api: Api) -> None:
    problem(api.post("/projects", json={"title": "\u202eabc"}), 422)
    problem(api.post("/projects", json={"title": "a" * 101}), 422)
    problem(api.post("/projects", json={"title": "Mine"}), 409)
    problem(api.get("/projects/nobody"), 404)
    problem(api.patch("/projects/nobody", json={"title": "Bolts"}), 404)
    problem(api.delete("/projects/mine"), 409)
