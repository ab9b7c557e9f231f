"""Models and jobs by the API."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from imagestore.store import PromotionEntry, Stores
from imagestore.web import jobs
from imagestore.web.jobs import Jobs
from imagestore.web.services import Services
from unit.web.conftest import Api, Drop, problem
from unit.web.memory import make_default
from unit.web.records import rejected

AT = "2026-11-21T09:00:00.000Z"


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of children that would have been started; their jobs run until they are stopped."""
    started: list[list[str]] = []

    class Child:
        def terminate(self) -> None:
            """There is nothing to end."""

    def start(jobs: Any, command: list[str], id: int) -> None:
        started.append(command)
        jobs._child = Child()

    monkeypatch.setattr(Jobs, "_start_child", start)
    return started


def test_versions_with_their_figures_and_which_one_is_live(api: Api, stores: Stores) -> None:
    assert api.get("/models").json() == {"versions": [], "live": None, "previous": [], "routes": [], "projects": {}}
    figures = {"metrics": {"accuracy": 0.9}, "sentence": "It is right."}
    for version in ("1", "2"):
        files = {"model.onnx": b"model", "metrics.json": msgspec.json.encode(figures)}
        stores.models.keep("mine", version, files if version == "2" else {"model.onnx": b"model"})
    before, live = (PromotionEntry("mine", version, version * 64, AT, "me") for version in ("1", "2"))
    make_default(stores, live, before)
    found = api.get("/models").json()
    assert [(one["version"], one["figures"], one["is_live"]) for one in found["versions"]] == [
        ("2", figures, True),
        ("1", None, False),
    ]
    assert (found["live"]["version"], [one["version"] for one in found["previous"]]) == ("2", ["1"])


def test_routes_are_given_and_taken_away(api: Api, stores: Stores) -> None:
    stores.models.keep("screws", "1", {"model.onnx": b"model"})
    asked = {"pattern": "factory/*", "project": "screws"}
    found = api.put("/routes", params=asked).json()
    assert (found["routes"], found["projects"]) == ([{"prefix": "factory/", "project": "screws"}], {})
    assert api.get("/models").json() == found
    page = api.get("http://localhost/models").text
    assert "factory/*" in page
    assert "nothing yet; the next longest route stands in" in page
    assert "no version of a project" in problem(api.put("/routes", params=asked | {"project": "bolts"}), 404)["detail"]
    assert "no route" in problem(api.put("/routes", params=asked | {"pattern": "factory"}), 422)["detail"]
    assert api.delete("/routes", params={"pattern": "factory/*"}).json()["routes"] == []
    problem(api.delete("/routes", params={"pattern": "factory/*"}), 404)


def test_a_versions_files_are_to_be_saved_and_not_shown(api: Api, stores: Stores) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model", "report.html": b"<script>"})
    for file, content in (("model.onnx", b"model"), ("report.html", b"<script>")):
        found = api.get(f"/models/mine/1/files/{file}")
        assert (found.status_code, found.content) == (200, content)
        assert found.headers["content-type"] == "application/octet-stream"
        assert found.headers["content-disposition"] == f'attachment; filename="mine-1-{file}"'
    problem(api.get("/models/mine/1/files/metrics.json"), 404)
    problem(api.get("/models/mine/2/files/model.onnx"), 404)
    for file in ("claim", "..%2f..%2factive.json"):
        assert api.get(f"/models/mine/1/files/{file}").status_code in (404, 422)


def test_what_another_model_has_classified_is_counted(
    api: Api, drop: Drop, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop("cup.jpg")
    drop("bad.jpg", made=rejected("bad.jpg"))
    assert api.get("/models/outdated").json() == {"pictures": 0}
    monkeypatch.setattr(services.live_model, "by_prefix", lambda: [("", "e" * 64)])
    assert api.get("/models/outdated").json() == {"pictures": 1}
    monkeypatch.setattr(services.live_model, "by_prefix", lambda: None)
    problem(api.get("/models/outdated"), 503)


def test_one_job_at_a_time_which_can_be_looked_at_and_stopped(
    api: Api, stores: Stores, no_child: list[list[str]]
) -> None:
    assert api.get("/job").json() is None
    problem(api.post("/models/mine/1/promote"), 404)
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    started = api.post("/models/mine/1/promote", params={"insist": "accept_equal"})
    assert (started.status_code, started.headers["location"]) == (202, "/api/v1/job")
    asked = {"kind": "promote", "by": "local", "name": "mine", "version": "1", "override": "accept_equal", "drop": []}
    assert json.loads(no_child[-1][-1]) == asked
    assert api.get("/job").json() == started.json()
    assert api.delete("/job").json()["drop"] == []
    api.post("/models/mine/1/promote", params={"drop": ["sea lion", "-fish"]})
    assert json.loads(no_child[-1][-1]) == asked | {"override": "nothing", "drop": ["sea lion", "-fish"]}
    assert problem(api.post("/models/rollback"), 409)["code"] == "conflict"
    assert api.delete("/job").json()["state"] == "stopped"
    problem(api.delete("/job"), 404)
    for kind in ("rollback", "reprocess"):
        assert api.post(f"/models/{kind}").json()["kind"] == kind
        api.delete("/job")


def test_what_cannot_be_a_model_or_a_version_is_refused(api: Api) -> None:
    for address in (
        "/models/--by/1/promote",
        "/models/-x/1/promote",
        "/models/a.b/1/promote",
        "/models/mine/0/promote",
        "/models/mine/x/promote",
    ):
        problem(api.post(address), 422)
    problem(api.post("/models/mine/1/promote", params={"insist": "please"}), 422)


@pytest.mark.parametrize("label", ["", " ", "\0", "fish\0", "a\nb", "\u202efish"])
def test_what_cannot_be_a_label_cannot_be_dropped(
    api: Api, stores: Stores, no_child: list[list[str]], label: str
) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    problem(api.post("/models/mine/1/promote", params={"drop": ["fish", label]}), 422)
    assert no_child == []


def test_a_server_without_the_libraries_names_the_command_that_does_it_and_starts_nothing(
    api: Api, stores: Stores, no_child: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stores.models.keep("mine", "3", {"model.onnx": b"model"})
    entry = PromotionEntry("mine", "2", "2" * 64, AT, "me")
    make_default(stores, entry, PromotionEntry("mine", "1", "1" * 64, AT, "me"))
    page = api.get("http://localhost/models").text
    assert page.count('data-do="') == 2
    assert "disabled" not in page
    monkeypatch.setattr(jobs, "PROGRAM", tmp_path / "job_child.py")
    for address, parameters, command in (
        ("/models/mine/3/promote", {}, "imagestore promote 3 --name mine"),
        ("/models/mine/3/promote", {"insist": "force"}, "imagestore promote 3 --name mine --force"),
        ("/models/mine/3/promote", {"drop": ["sea lion"]}, "imagestore promote 3 --name mine --drop 'sea lion'"),
        ("/models/rollback", {}, "imagestore rollback"),
        ("/models/reprocess", {}, "imagestore reprocess"),
    ):
        refused = problem(api.post(address, params=parameters), 501)
        assert refused["code"] == "no_jobs_here"
        assert f"`{command}`" in refused["detail"]
    assert no_child == []
    assert api.get("/job").json() is None
    page = api.get("http://localhost/models").text
    assert page.count('data-do="') == page.count(" disabled") == 2
    assert "<code>imagestore rollback</code>" in page
