"""The page of a version, and two versions side by side."""

import re
from html import unescape

import msgspec
import pytest

from imagestore.accounts.roles import Role
from imagestore.jobs.job import Arguments, JobKind, NewThreshold
from imagestore.performance import confusion
from imagestore.store import Stores
from imagestore.store.models import Inspection, ThresholdsSet
from imagestore.web.services import Services
from unit.web.conftest import Api, problem
from unit.web.signed_in import Browser, Person
from unit.web.tested_versions import AT, LABELS, keep_tested

SITE = "http://localhost"


def figures(**more: object) -> bytes:
    metrics = {"accuracy": {"right": 50, "of": 60}, "macro_f1": 0.8, "labels": list(LABELS), "count": 60, "ece": 0.1,
               "classes": [], "coverage": [], "reliability": []}  # fmt: skip
    return msgspec.json.encode({"metrics": metrics, "sentence": "Right on 50 of 60.", "training": None, **more})


def cells(page: str) -> dict[str, str]:
    """The address of each number of the table, by what it says."""
    found = re.findall(r'<a href="(\?[^"]+)"[^>]* aria-label="([^"]+)"', page)
    return {unescape(said): unescape(address) for address, said in found}


def test_it_shows_how_good_a_version_is_and_is_linked_from_the_list(api: Api, stores: Stores) -> None:
    made = [["Learned from", "<b>60 pictures"], ["Trained", "today"]]
    keep_tested(stores, metrics=figures(how_made=made))
    assert 'href="/models/mine/1"' in api.get(f"{SITE}/models").text
    page = api.get(f"{SITE}/models/mine/1").text
    assert "Right on 50 of 60." in page
    assert "Label by label" in page
    assert "rose&#39;s" in page
    assert "1 label has a threshold of its own now (<bdi>dog</bdi> 60 %)" in page
    assert "&lt;b&gt;60 pictures" in page
    assert "Compare" not in page, "there is no other version"


def test_each_number_of_the_table_leads_to_its_pictures_also_without_scripts(api: Api, stores: Stores) -> None:
    kept = keep_tested(stores)
    shown = cells(api.get(f"{SITE}/models/mine/1").text)
    assert sum(int(said.split()[0]) for said in shown) == 60
    for said, address in shown.items():
        page = api.get(f"{SITE}/models/mine/1{address.removesuffix('#behind')}").text
        pictures = re.findall(r"training/([0-9a-f]{64})/thumbnail", page)
        assert len(pictures) == min(24, int(said.split()[0])), said
        assert set(pictures) <= {one.sha256 for one in kept.pictures}
        assert page.count('aria-current="true"') == 1, "the number that was chosen is marked"


def test_as_a_fragment_it_is_the_table_alone_at_any_threshold(api: Api, stores: Stores) -> None:
    keep_tested(stores)
    page = api.get(f"{SITE}/models/mine/1?threshold=1&label=dog", headers={"x-fragment": "1"}).text
    assert page.lstrip().startswith('<div id="mistakes" data-threshold="1.0">')
    assert "at a threshold of 100 % for <bdi>dog</bdi>" in page
    assert not [said for said in cells(page) if said.endswith("for dog") or "of dog, known" in said]
    assert all("threshold=1&label=dog" in address for address in cells(page).values())
    stores.models.keep("mine", "2", {"model.onnx": b"model"})
    assert api.get(f"{SITE}/models/mine/2", headers={"x-fragment": "1"}).status_code == 204


def test_more_pictures_than_a_page_has_follow_on_the_next(
    api: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_tested(stores, count=200, sharpness=5)
    known = next(said for said in cells(api.get(f"{SITE}/models/mine/1").text) if said.endswith("cat, known"))
    count, address = int(known.split()[0]), "?said=cat&truth=cat"
    seen = set[str]()
    while address:
        page = api.get(f"{SITE}/models/mine/1{address}").text
        seen |= set(re.findall(r"training/([0-9a-f]{64})/thumbnail", page))
        more = re.search(r'<p class="more"><a class="button" href="([^"#]+)', page)
        address = unescape(more[1]) if more else ""
    assert len(seen) == count
    assert count > 24


def test_of_many_labels_some_are_left_out_and_that_is_said(
    api: Api, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confusion, "MOST_LABELS", 2)
    keep_tested(stores)
    assert "1 more are left out" in api.get(f"{SITE}/models/mine/1").text


def test_where_several_labels_may_hold_it_shows_what_is_found_missed_and_wrong(api: Api, stores: Stores) -> None:
    keep_tested(stores, has_several=True)
    shown = cells(api.get(f"{SITE}/models/mine/1").text)
    missed = next(said for said in shown if "missed of cat" in said)
    page = api.get(f"{SITE}/models/mine/1{shown[missed].removesuffix('#behind')}").text
    assert f"{missed.split()[0]} picture" in page
    assert "that it does not call cat" in page


def test_a_version_that_was_added_can_be_tried_and_nothing_is_said_of_what_is_not_known(
    api: Api, stores: Stores
) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    page = api.get(f"{SITE}/models/mine/1").text
    assert "no figures of it, and what it says of test pictures is not kept" in page
    assert 'id="try"' in page
    assert 'id="threshold"' not in page
    refused = Inspection("5" * 64, AT, "me", is_admitted=False, why="It holds <code>.")
    stores.models.keep_inspection("mine", "1", refused)
    page = api.get(f"{SITE}/models/mine/1").text
    assert "Cannot be used: It holds &lt;code&gt;." in page
    assert 'id="try"' not in page
    assert api.get(f"{SITE}/models/mine/7").status_code == 404


def test_whose_weights_it_has_and_who_gave_it_other_thresholds_is_said(api: Api, stores: Stores) -> None:
    given = ThresholdsSet("1", 0.8, {}, AT, "<i>maria")
    keep_tested(stores, "2", thresholds=msgspec.json.encode(given))
    page = api.get(f"{SITE}/models/mine/2").text
    assert 'Its weights are those of <a href="/models/mine/1">mine 1</a>; <bdi>&lt;i&gt;maria</bdi> gave it' in page


def test_viewers_look_and_trainers_save(guarded: Services, browser: Browser, people: dict[Role, Person]) -> None:
    keep_tested(guarded.stores)
    for role, saves in ((Role.VIEWER, False), (Role.TRAINER, True)):
        page = browser.get("/models/mine/1", headers=people[role].cookie)
        assert page.status_code == 200
        assert ('id="save"' in page.text) == saves
        assert ("files/model.onnx" in page.text) == saves


def test_a_threshold_is_saved_by_a_job(api: Api, stores: Stores, services: Services) -> None:
    keep_tested(stores)
    started = api.post("/models/mine/1/threshold", json={"threshold": 0.8, "label": "dog"})
    assert started.status_code == 202
    assert started.headers["location"] == f"/api/v1/jobs/{started.json()['id']:016d}"
    job = services.jobs.open()[0]
    assert (job.kind, job.arguments) == (
        JobKind.THRESHOLD, Arguments("mine", "1", threshold=NewThreshold(0.8, "dog")),
    )  # fmt: skip
    assert "Saving a threshold of mine 1" in api.get(f"{SITE}/jobs").text
    for body in ({}, {"threshold": 1.5}, {"threshold": "0.8"}, {"threshold": True}, {"threshold": 0.8, "label": ""}):
        problem(api.post("/models/mine/1/threshold", json=body), 422)
    problem(api.post("/models/mine/7/threshold", json={"threshold": 0.8}), 404)
    assert "threshold" in problem(api.post("/jobs", json={"kind": "threshold", "version": "1"}), 422)["detail"]


def test_two_versions_side_by_side_with_where_they_differ(api: Api, stores: Stores) -> None:
    keep_tested(stores)
    keep_tested(stores, "2", seed=2)
    assert '<option value="2">mine 2</option>' in api.get(f"{SITE}/models/mine/1").text
    page = api.get(f"{SITE}/models/mine/1/compare?with=2").text
    assert "On the 60 pictures that both were tested on and neither learned from, of which 30 differ clearly." in page
    found = api.get("/models/mine/1/comparison?with=2").json()
    assert f"They differ on {len(found['differing'])}" in page
    assert page.count("/thumbnail") == min(48, len(found["differing"]))


def test_why_two_cannot_be_compared_is_said_on_the_page(api: Api, stores: Stores) -> None:
    keep_tested(stores)
    stores.models.keep("mine", "2", {"model.onnx": b"model"})
    page = api.get(f"{SITE}/models/mine/1/compare?with=2")
    assert page.status_code == 200
    assert "is not kept" in page.text
    assert api.get(f"{SITE}/models/mine/1/compare?with=7").status_code == 404
    first = keep_tested(stores, "3")
    keep_tested(stores, "4", learned={one.sha256: "cat" for one in first.pictures})
    assert "no picture that both were tested on" in api.get(f"{SITE}/models/mine/3/compare?with=4").text
