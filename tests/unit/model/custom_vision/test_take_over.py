"""A project of Custom Vision is taken over: whole, byte for byte, and nothing twice, whatever happens on the way."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from imagestore.errors import LeaseLost, NotFound, SettingsError
from imagestore.store import Stores
from imagestore.store.custom_vision import CustomVisionFile, TagClaim
from imagestore.store.projects import LabelsPerPicture
from imagestore.store.training import TrainingPictures
from imagestore.web.services import Services
from model.custom_vision import take_over as importer
from model.custom_vision.origin import ID_THERE
from model.custom_vision.service import CustomVision, RemoteImage
from model.custom_vision.take_over import take_over
from model.training.training_set import open_set
from unit.model.labelled_pictures import quiet
from unit.web.conftest import app, services, stores
from unit.web.custom_vision.conftest import client, entry, picture, project, send

from .elsewhere import COUNT, Elsewhere, contents, elsewhere, here, source, taken

__all__ = ["app", "client", "elsewhere", "here", "project", "services", "stores"]


def test_everything_comes_over_byte_for_byte(here: Stores, elsewhere: Elsewhere, project: dict[str, Any]) -> None:
    done = taken(here, elsewhere)
    assert (done.new, done.same, done.agrees) == (COUNT, 0, True)
    assert {row.what: row.here for row in done.rows} == {
        "tagged pictures": COUNT - 1, "untagged pictures": 1, "with 'rose'": 3, "with 'lily'": 4,
        "with 'none of these'": 1, "regions": 1,
    }  # fmt: skip
    sent = {hashlib.sha256(picture(n)).hexdigest(): picture(n) for n in range(COUNT)}
    assert contents(here) == sent
    ours = here.projects.find("Garden")
    assert (ours.id, ours.labels_per_picture) == (project["id"], LabelsPerPicture.ONE)
    there = elsewhere.client.training("GET", f"/projects/{project['id']}/tags").json()
    kept = here.custom_vision.read("Garden").tags
    assert {(one.id, one.name, one.type) for one in kept} == {(one["id"], one["name"], one["type"]) for one in there}
    found = TrainingPictures(here.training, "Garden").facts(hashlib.sha256(picture(2)).hexdigest())
    assert found is not None
    assert found[0].labels == ("lily",)
    assert found[0].regions[0]["width"] == 0.5
    assert (found[0].width, found[0].height) == (160, 120)


def test_begun_again_it_fetches_nothing_twice(here: Stores, elsewhere: Elsewhere) -> None:
    taken(here, elsewhere)
    before = contents(here)
    again = taken(here, elsewhere)
    assert (again.new, again.agrees, elsewhere.fetched) == (0, True, COUNT)
    assert contents(here) == before
    assert [one.name for one in here.projects.list()] == ["mine", "Garden"]


@pytest.mark.parametrize("after", [1, 4, 7])
def test_who_is_killed_in_the_middle_goes_on_the_next_time(here: Stores, elsewhere: Elsewhere, after: int) -> None:
    class Dies(CustomVision):
        left = after

        def content(self, project: Any, image: RemoteImage, problem_of: Any) -> bytes | None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return super().content(project, image, problem_of)

    dying = Dies("http://localhost", "any", http=elsewhere.http, sleep=lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        take_over(here, dying, "Garden", "me", quiet)
    kept = len(contents(here))
    done = taken(here, elsewhere)
    assert (done.new, done.agrees) == (COUNT - kept, True)
    assert len(contents(here)) == COUNT


def test_an_import_whose_job_has_ended_stops_before_more_pictures_come(
    here: Stores, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "_BATCH", 2)
    asked = iter([None, None])

    def demand() -> None:
        if next(asked, LeaseLost) is not None:
            raise LeaseLost("It has ended.")

    with pytest.raises(LeaseLost):
        take_over(here, source(elsewhere), "Garden", "me", quiet, demand=demand)
    assert len(contents(here)) == 4


def test_a_picture_that_went_away_meanwhile_is_said(
    here: Stores, elsewhere: Elsewhere, project: dict[str, Any]
) -> None:
    class Goes(CustomVision):
        def images(self, project: Any, kind: str) -> Iterator[RemoteImage]:
            found = list(super().images(project, kind))
            if kind == "untagged":
                ids = found[0].id
                elsewhere.client.training("DELETE", f"/projects/{project.id}/images", params={"imageIds": ids})
            yield from found

    going = Goes("http://localhost", "any", http=elsewhere.http, sleep=lambda _: None)
    done = take_over(here, going, "Garden", "me", quiet)
    assert (done.new, done.agrees) == (COUNT - 1, True), "it is gone on both sides"
    late = entry(picture(50))
    send(elsewhere.client, project, late)
    pictures = TrainingPictures(here.training, "Garden")
    pictures.remove_picture(hashlib.sha256(picture(3)).hexdigest())
    assert taken(here, elsewhere).new == 2, "what is new there, and what was taken away here"


def test_two_pictures_there_of_one_content_are_one_here_and_count_as_two(
    here: Stores, elsewhere: Elsewhere, project: dict[str, Any]
) -> None:
    class Twice(CustomVision):
        def count(self, project: Any, kind: str) -> int:
            return super().count(project, kind) + (kind == "untagged")

        def images(self, project: Any, kind: str) -> Iterator[RemoteImage]:
            for one in super().images(project, kind):
                yield one
                if kind == "untagged":
                    yield RemoteImage("f" * 8 + one.id[8:], one.original_image_uri, one.created, one.width, one.height)

    twice = Twice("http://localhost", "any", http=elsewhere.http, sleep=lambda _: None)
    done = take_over(here, twice, "Garden", "me", quiet)
    assert (done.new + done.same, done.agrees) == (COUNT + 1, True)
    assert len(contents(here)) == COUNT
    found = TrainingPictures(here.training, "Garden").facts(hashlib.sha256(picture(1)).hexdigest())
    assert found is not None
    assert len(found[0].metadata[ID_THERE].split(",")) == 2


def test_what_cannot_come_over_is_said_before_anything_does(here: Stores, elsewhere: Elsewhere) -> None:
    with pytest.raises(NotFound, match="no project 'Yard'"):
        taken(here, elsewhere, "Yard")
    tags = [{"id": "1", "name": "unknown", "imageCount": 1, "type": "Regular"}]
    projects = elsewhere.client.training("GET", "/projects").content
    elsewhere.faults = [httpx2.Response(200, content=projects), None, httpx2.Response(200, json=tags)]
    with pytest.raises(SettingsError, match="'unknown' cannot be a label here"):
        taken(here, elsewhere)
    found = [{"id": "1", "name": "Boxes", "settings": {"domainId": "2", "classificationType": "Multilabel"}}]
    elsewhere.faults = [
        httpx2.Response(200, json=found), httpx2.Response(200, json={"id": "2", "type": "ObjectDetection"})
    ]  # fmt: skip
    with pytest.raises(SettingsError, match="detects objects, which is not offered here"):
        taken(here, elsewhere, "Boxes")
    assert [one.name for one in here.projects.list()] == ["mine"]


def test_the_services_names_are_taken_as_they_are_or_made_others_where_they_are_taken(
    here: Stores, elsewhere: Elsewhere, services: Services, app: FastAPI
) -> None:
    here.projects.create("Garden", "me")
    done = taken(here, elsewhere)
    assert done.project.title.startswith("Garden (")
    assert done.agrees


def test_what_was_tagged_otherwise_there_is_so_here_too_but_for_what_was_changed_here(
    here: Stores, elsewhere: Elsewhere, project: dict[str, Any]
) -> None:
    taken(here, elsewhere)
    pictures, client = TrainingPictures(here.training, "Garden"), elsewhere.client
    tags = {one["name"]: one["id"] for one in client.training("GET", f"/projects/{project['id']}/tags").json()}
    ids = {n: send(client, project, entry(picture(n)))[0]["image"]["id"] for n in (2, 3, 4)}
    path = f"/projects/{project['id']}/images/tags"
    for n, before in ((2, "lily"), (3, "rose"), (4, "lily")):
        client.training("DELETE", path, params={"imageIds": ids[n], "tagIds": tags[before]})
    client.training("POST", path, json={"tags": [{"imageId": ids[2], "tagId": tags["rose"]}]})
    sha256 = hashlib.sha256(picture(4)).hexdigest()
    pictures.change(sha256, lambda facts: replace(facts, labels=("tulip",)))
    fetched = elsewhere.fetched
    done = taken(here, elsewhere)
    assert elsewhere.fetched == fetched
    assert done.notes == ["3 came before and have other tags or regions there now, which they have here too."]
    found = {n: pictures.facts(hashlib.sha256(picture(n)).hexdigest()) for n in (2, 3, 4)}
    assert {n: one[0].labels for n, one in found.items() if one} == {2: ("rose",), 3: (), 4: ("tulip",)}
    assert done.agrees, "what was relabelled here has no tag there any more"


def test_what_was_labelled_otherwise_here_is_counted_and_fails_no_import(
    here: Stores, elsewhere: Elsewhere, project: dict[str, Any]
) -> None:
    taken(here, elsewhere)
    pictures, sha256 = TrainingPictures(here.training, "Garden"), hashlib.sha256(picture(3)).hexdigest()
    for labels in (("lily",), ()):
        pictures.change(sha256, lambda facts, labels=labels: replace(facts, labels=labels))  # type: ignore[misc]
        done = taken(here, elsewhere)
        assert done.agrees, done.rows
        assert done.notes == ["1 were labelled otherwise here, which stays; they are counted as they came."]
        found = pictures.facts(sha256)
        assert found is not None
        assert found[0].labels == labels


def test_a_tag_that_was_renamed_here_keeps_its_name_and_id(
    here: Stores, elsewhere: Elsewhere, project: dict[str, Any]
) -> None:
    taken(here, elsewhere)
    pictures, sha256s = (
        TrainingPictures(here.training, "Garden"),
        [hashlib.sha256(picture(n)).hexdigest() for n in (3, 5)],
    )
    rose = next(one for one in here.custom_vision.read("Garden").tags if one.name == "rose")
    renamed = replace(rose, name="Rosa", description="ours", former=("rose",))

    def with_it(file: CustomVisionFile) -> CustomVisionFile:
        return replace(file, tags=tuple(renamed if one.id == rose.id else one for one in file.tags))

    here.custom_vision.change("Garden", with_it)
    for n in (3, 5, 7):
        pictures.change(hashlib.sha256(picture(n)).hexdigest(), lambda facts: replace(facts, labels=("Rosa",)))
    tags = {
        one["name"]: one["id"] for one in elsewhere.client.training("GET", f"/projects/{project['id']}/tags").json()
    }
    id, path = (
        send(elsewhere.client, project, entry(picture(3)))[0]["image"]["id"],
        f"/projects/{project['id']}/images/tags",
    )
    elsewhere.client.training("DELETE", path, params={"imageIds": id, "tagIds": tags["rose"]})
    elsewhere.client.training("POST", path, json={"tags": [{"imageId": id, "tagId": tags["lily"]}]})
    send(elsewhere.client, project, entry(picture(50), tags["rose"]))
    done = taken(here, elsewhere)
    assert done.agrees, done.rows
    assert {row.what: row.here for row in done.rows}["with 'Rosa'"] == 3
    assert done.notes == ["1 came before and have other tags or regions there now, which they have here too."]
    assert renamed in here.custom_vision.read("Garden").tags
    found = [pictures.facts(sha256) for sha256 in (*sha256s, hashlib.sha256(picture(50)).hexdigest())]
    assert [one[0].labels for one in found if one] == [("lily",), ("Rosa",), ("Rosa",)]


@pytest.fixture
def detection(elsewhere: Elsewhere, project: dict[str, Any]) -> dict[str, str]:
    """The same project as one that detects objects: tags are in regions, and four pictures have two. Ids of tags."""
    tags = {
        one["name"]: one["id"]
        for one in elsewhere.client.training("GET", f"/projects/{project['id']}/tags").json()
        if one["type"] == "Regular"
    }

    def told(request: httpx2.Request, found: httpx2.Response) -> httpx2.Response | None:
        path = request.url.path
        if path.endswith("/projects"):
            return httpx2.Response(200, json=[{"id": project["id"], "name": "Garden", "settings": {"domainId": "2"}}])
        if path.endswith("/domains/2"):
            return httpx2.Response(200, json={"id": "2", "type": "ObjectDetection"})
        if path.endswith("/tags"):
            return httpx2.Response(200, json=[{"id": id, "name": name, "imageCount": 4} for name, id in tags.items()])
        if path.endswith(("/images/tagged", "/images/untagged")) and int(request.url.params["skip"]):
            return httpx2.Response(200, json=[])
        if path.endswith("/images/tagged"):
            return httpx2.Response(200, json=[boxed(one) for one in found.json()[:4]])
        if path.endswith("/count"):
            return httpx2.Response(200, json=4 if path.endswith("/tagged/count") else 1)
        return None

    def boxed(image: dict[str, Any]) -> dict[str, Any]:
        regions = [
            {"regionId": f"{image['id']}-{n}", "tagId": id, "left": 0.5 * n, "top": 0.0, "width": 0.5, "height": 1.0}
            for n, id in enumerate(tags.values())
        ]
        return image | {"tags": [{"tagId": id} for id in tags.values()], "regions": regions}

    elsewhere.always = told
    return tags


def test_a_project_that_detects_comes_as_pictures_cut_by_region(
    here: Stores, elsewhere: Elsewhere, detection: dict[str, str]
) -> None:
    with pytest.raises(SettingsError, match="With --crop-regions"):
        taken(here, elsewhere)
    for new in (5, 0):
        done = take_over(here, source(elsewhere), "Garden", "me", quiet, crop_regions=True)
        assert (done.new, done.agrees) == (new, True), done.rows
        assert {row.what: row.here for row in done.rows} == {
            "tagged pictures": 4, "untagged pictures": 1, "regions": 8, "regions cut out": 8,
            "with 'lily'": 4, "with 'rose'": 4,
        }  # fmt: skip
        learned_from = open_set(here, "Garden").labelled
        assert sorted(one.label for one in learned_from) == ["lily"] * 4 + ["rose"] * 4
        assert len({one.group for one in learned_from}) == 4
        assert len(contents(here)) == 5 + 8
    assert {picture(n) for n in range(COUNT)} >= {
        data for sha256, data in contents(here).items() if sha256 not in {one.sha256 for one in learned_from}
    }
    assert here.custom_vision.read("Garden").claims == (), "what was claimed of boxes says nothing of labels"


def test_regions_of_a_project_that_classifies_are_cut_later_too(here: Stores, elsewhere: Elsewhere) -> None:
    taken(here, elsewhere)
    fetched = elsewhere.fetched
    done = take_over(here, source(elsewhere), "Garden", "me", quiet, crop_regions=True)
    assert (elsewhere.fetched, done.new, done.agrees) == (fetched, 0, True)
    assert [row.here for row in done.rows if row.what == "regions cut out"] == [1]
    original = hashlib.sha256(picture(2)).hexdigest()
    assert {one.label for one in open_set(here, "Garden").labelled if one.group == original} == {"lily"}
    assert len(contents(here)) == COUNT + 1


def test_what_the_service_claimed_is_kept_by_iteration_and_tag(
    here: Stores, elsewhere: Elsewhere, project: dict[str, Any]
) -> None:
    def claimed(request: httpx2.Request, found: httpx2.Response) -> httpx2.Response | None:
        path = request.url.path
        if path.endswith("/iterations"):
            rows = [
                ("2", "Iteration 2", "Completed"),
                ("1", "Iteration 1", "Completed"),
                ("3", "Iteration 3", "Training"),
            ]
            times = {"1": "2026-10-01T09:00:00Z", "2": "2026-11-01T09:00:00Z", "3": None}
            told = [{"id": id, "name": name, "status": status, "created": times[id]} for id, name, status in rows]
            return httpx2.Response(200, json=told)
        if path.endswith("/performance"):
            assert request.url.params["threshold"] == "0.5"
            if "/iterations/1/" in path:
                return httpx2.Response(400, json={"code": "x", "message": "It is too old."})
            each = [{"id": "t", "name": "rose", "precision": 0.8, "recall": 0.7, "averagePrecision": 0.75}]
            figures = {"precision": 0.9, "recall": 0.85, "averagePrecision": 0.88, "perTagPerformance": each}
            return httpx2.Response(200, json=figures)
        return None

    elsewhere.always = claimed
    done = taken(here, elsewhere)
    assert done.agrees
    assert "What was claimed of 'Iteration 1' could not be read." in done.notes[0]
    (claim,) = here.custom_vision.read("Garden").claims
    assert (claim.name, claim.precision, claim.recall, claim.average_precision) == ("Iteration 2", 0.9, 0.85, 0.88)
    assert claim.tags == (TagClaim("rose", 0.8, 0.7, 0.75),)

    def unreadable(request: httpx2.Request, found: httpx2.Response) -> httpx2.Response | None:
        refused = httpx2.Response(400, json={"code": "x", "message": "Not now."})
        return refused if request.url.path.endswith("/performance") else claimed(request, found)

    elsewhere.always = unreadable
    assert len(taken(here, elsewhere).notes) == 2
    assert here.custom_vision.read("Garden").claims == (claim,), "what cannot be read this time is still known"
