"""Models by the API and on their page, and the jobs that are put in there."""

from typing import cast

import msgspec
import pytest

from imagestore.errors import GateOverride
from imagestore.jobs.job import Arguments, JobResult, JobState, Progress
from imagestore.store import PromotionEntry, Stores
from imagestore.store.models import Inspection
from imagestore.web.services import Services
from unit.jobs.conftest import PlayedRunner
from unit.memory_items import MemoryItems
from unit.web.conftest import Api, Drop, problem
from unit.web.memory import make_default
from unit.web.records import rejected

AT = "2026-11-21T09:00:00.000Z"


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
    assert "no project 'bolts'" in problem(api.put("/routes", params=asked | {"project": "bolts"}), 404)["detail"]
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


def test_what_takes_long_is_a_job_which_can_be_looked_at_and_stopped(
    api: Api, stores: Stores, services: Services
) -> None:
    assert api.get("/job").json() is None
    problem(api.post("/models/mine/1/promote"), 404)
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    started = api.post("/models/mine/1/promote", params={"insist": "accept_equal"})
    assert (started.status_code, started.headers["location"]) == (202, "/api/v1/job")
    assert (started.json()["state"], started.json()["kind"]) == ("running", "promote"), "which also means that it waits"
    job = services.jobs.latest()
    assert job is not None
    assert (job.by, job.arguments) == ("local", Arguments("mine", "1", GateOverride.ACCEPT_EQUAL))
    assert api.get("/job").json() == started.json()
    assert problem(api.post("/models/mine/1/promote", params={"insist": "accept_equal"}), 409)["code"] == "conflict"
    assert api.delete("/job").json()["drop"] == []
    api.post("/models/mine/1/promote", params={"drop": ["sea lion", "-fish"]})
    job = services.jobs.latest()
    assert job is not None
    assert job.arguments == Arguments("mine", "1", drop=("sea lion", "-fish"))
    assert api.delete("/job").json()["state"] == "stopped"
    problem(api.delete("/job"), 404)
    for kind in ("rollback", "reprocess"):
        assert api.post(f"/models/{kind}").json()["kind"] == kind
        api.delete("/job")


def test_going_back_means_from_the_model_that_is_live_now(api: Api, stores: Stores, services: Services) -> None:
    live, before = (PromotionEntry("mine", version, version * 64, AT, "me") for version in ("2", "1"))
    make_default(stores, live, before)
    api.post("/models/rollback")
    job = services.jobs.latest()
    assert job is not None
    assert job.arguments.live == "2" * 64


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
def test_what_cannot_be_a_label_cannot_be_dropped(api: Api, stores: Stores, services: Services, label: str) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    problem(api.post("/models/mine/1/promote", params={"drop": ["fish", label]}), 422)
    assert services.jobs.latest() is None


def test_the_page_says_whether_there_is_a_runner_that_does_what_is_begun(
    api: Api, stores: Stores, services: Services
) -> None:
    stores.models.keep("mine", "3", {"model.onnx": b"model"})
    page = api.get("http://localhost/models").text
    assert "No runner has been heard of" in page
    assert page.count('data-do="promote"') == 1
    assert "disabled" not in page
    api.post("/models/mine/3/promote")
    page = api.get("http://localhost/models").text
    assert "Waiting: no runner has been heard of" in page
    assert page.count('data-do="promote"') == page.count(" disabled") == 1
    runner = PlayedRunner(cast(MemoryItems, stores.jobs))
    runner.turn()
    runner.child.progress = Progress("Comparing", 30, 120, 1.5)
    runner.turn()
    page = api.get("http://localhost/models").text
    assert "No runner" not in page
    assert "Comparing: 30 of 120, 20 a second, about 4 s left" in page
    runner.child.result = JobResult(state=JobState.REFUSED, say="No.", override=GateOverride.FORCE, drop=["a b"])
    runner.turn()
    assert 'data-query="insist=force&amp;drop=a%20b"' in api.get("http://localhost/models").text


def test_the_page_is_there_while_the_database_is_away(api: Api, stores: Stores) -> None:
    stores.models.keep("mine", "3", {"model.onnx": b"model"})
    cast(MemoryItems, stores.jobs).is_away = True
    assert "Promote mine 3" in api.get("http://localhost/models").text
    problem(api.get("/job"), 503)
    problem(api.post("/models/mine/3/promote"), 503)


def test_a_version_whose_file_was_refused_is_shown_to_be_so_and_not_promoted(
    api: Api, stores: Stores, services: Services
) -> None:
    stores.models.keep("mine", "3", {"model.onnx": b"model"})
    assert "Promote mine 3" in api.get("http://localhost/models").text
    refused = Inspection("f" * 64, AT, "me", is_admitted=False, why="mine 3 wants <b>all</b> memory.")
    stores.models.keep_inspection("mine", "3", refused)
    assert api.get("/models").json()["versions"][0]["problem"] == refused.why
    page = api.get("http://localhost/models").text
    assert "Cannot be used: mine 3 wants &lt;b&gt;all&lt;/b&gt; memory." in page
    assert "Promote mine 3" not in page
    for answer in (
        api.post("/models/mine/3/promote", params={"insist": "force"}),
        api.post("/jobs", json={"kind": "promote", "version": "3"}),
    ):
        assert refused.why in problem(answer, 409)["detail"]
    assert services.jobs.latest() is None
    assert api.post("/jobs", json={"kind": "inspect", "version": "3"}).status_code == 202
