"""A project of Custom Vision is taken over: whole, byte for byte, and nothing twice, whatever happens on the way."""

import hashlib
from collections.abc import Iterator
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI

from imagestore.cli.take_over import ID_THERE, TakenOver, take_over
from imagestore.client.custom_vision import TRIES, CustomVision, RemoteImage
from imagestore.errors import NotFound, RemoteError, SettingsError
from imagestore.store import Stores
from imagestore.store.projects import LabelsPerPicture
from imagestore.store.training import TrainingPictures
from imagestore.web.services import Services
from unit.model.labelled_pictures import quiet
from unit.web.conftest import app, services, stores
from unit.web.custom_vision.conftest import Client, client, entry, picture, project, send, tag
from unit.web.memory import memory_stores

__all__ = ["app", "client", "project", "services", "stores"]
COUNT = 9


class Elsewhere:
    """What the importer asks: the API of another instance, with faults that a test sets."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.faults: list[Any] = []
        self.asked: list[str] = []

    def request(self, method: str, address: str, **options: Any) -> Any:
        self.asked.append(str(address))
        if self.faults and (fault := self.faults.pop(0)) is not None:
            if isinstance(fault, Exception):
                raise fault
            return fault
        answer = self.client.request(method, address, **options)
        return httpx2.Response(answer.status_code, content=answer.content)

    def close(self) -> None:
        return

    @property
    def fetched(self) -> int:
        """How many pictures were fetched."""
        return sum("/content?" in one for one in self.asked)


@pytest.fixture
def elsewhere(client: Client, project: dict[str, Any]) -> Elsewhere:
    """A project with two tags, a negative one, regions, an untagged picture and words beside the pictures."""
    rose, lily = tag(client, project, "rose", description="red"), tag(client, project, "lily")
    none = tag(client, project, "none of these", type="Negative")
    for n in range(COUNT):
        given = {0: [none], 1: []}.get(n, [rose if n % 2 else lily])
        made = entry(picture(n), *given, name=f"{n}.png")
        made["regions"] = [{"tagId": given[0], "left": 0.1, "top": 0.1, "width": 0.5, "height": 0.5}] if n == 2 else []
        send(client, project, made)
    return Elsewhere(client)


@pytest.fixture
def here() -> Stores:
    return memory_stores()


def source(elsewhere: Elsewhere, pauses: list[float] | None = None) -> CustomVision:
    waited = [] if pauses is None else pauses
    return CustomVision("http://localhost", "any", http=cast(Any, elsewhere), sleep=waited.append)


def taken(here: Stores, elsewhere: Elsewhere, wanted: str = "Garden") -> TakenOver:
    return take_over(here, source(elsewhere), wanted, "me", quiet)


def contents(here: Stores) -> dict[str, bytes]:
    pictures = TrainingPictures(here.training, "Garden")
    return {one.sha256: pictures.picture(one.sha256) for one in pictures.list() if one.is_there}


def test_everything_comes_over_byte_for_byte(here: Stores, elsewhere: Elsewhere, project: dict[str, Any]) -> None:
    done = taken(here, elsewhere)
    assert (done.new, done.same, done.agrees) == (COUNT, 0, True)
    assert {row.what: row.here for row in done.rows} == {
        "tagged pictures": COUNT - 1, "untagged pictures": 1, "with 'rose'": 3, "with 'lily'": 4,
        "with 'none of these'": 1,
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

        def content(self, project: Any, image: RemoteImage) -> bytes | None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return super().content(project, image)

    dying = Dies("http://localhost", "any", http=cast(Any, elsewhere), sleep=lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        take_over(here, dying, "Garden", "me", quiet)
    kept = len(contents(here))
    done = taken(here, elsewhere)
    assert (done.new, done.agrees) == (COUNT - kept, True)
    assert len(contents(here)) == COUNT


def test_answers_that_are_slow_throttled_half_and_wrong_are_asked_again(here: Stores, elsewhere: Elsewhere) -> None:
    pauses: list[float] = []
    elsewhere.faults = [
        httpx2.Response(429, headers={"Retry-After": "7"}), None, httpx2.ReadTimeout("slow"), None,
        httpx2.Response(200, content=b'[{"id": "half'), None, httpx2.Response(503), None, None,
        httpx2.RemoteProtocolError("broke off"), None, httpx2.Response(500),
    ]  # fmt: skip
    done = take_over(here, source(elsewhere, pauses), "Garden", "me", quiet)
    assert (done.new, done.agrees) == (COUNT, True)
    assert pauses[0] == 7
    assert len(contents(here)) == COUNT


def test_an_address_that_is_over_is_asked_for_anew(here: Stores, elsewhere: Elsewhere) -> None:
    class Over(Elsewhere):
        refused = 0

        def request(self, method: str, address: str, **options: Any) -> Any:
            if "/content?" in str(address) and self.refused < 2:
                self.refused += 1
                return httpx2.Response(403)
            return super().request(method, address, **options)

    over = Over(elsewhere.client)
    assert taken(here, over).agrees
    assert over.refused == 2


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

    going = Goes("http://localhost", "any", http=cast(Any, elsewhere), sleep=lambda _: None)
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

    twice = Twice("http://localhost", "any", http=cast(Any, elsewhere), sleep=lambda _: None)
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
    elsewhere.faults = [httpx2.Response(200, content=projects), httpx2.Response(200, json=tags)]
    with pytest.raises(SettingsError, match="'unknown' cannot be a label here"):
        taken(here, elsewhere)
    found = [{"id": "1", "name": "Boxes", "settings": {"domainId": "2"}}]
    elsewhere.faults = [
        httpx2.Response(200, json=found), httpx2.Response(200, json={"id": "2", "type": "ObjectDetection"})
    ]  # fmt: skip
    with pytest.raises(SettingsError, match="detects objects, which is not offered here"):
        taken(here, elsewhere, "Boxes")
    assert [one.name for one in here.projects.list()] == ["mine"]


def test_a_service_that_stays_away_or_refuses_the_key_is_said(here: Stores, elsewhere: Elsewhere) -> None:
    elsewhere.faults = [httpx2.ConnectError("no route")] * TRIES
    with pytest.raises(RemoteError, match="could not be asked: no route"):
        taken(here, elsewhere)
    elsewhere.faults = [httpx2.Response(401, json={"code": "x", "message": "Access denied."})]
    with pytest.raises(RemoteError, match=r"does not take the key \(401\): Access denied"):
        taken(here, elsewhere)
    with pytest.raises(SettingsError, match="The key holds characters"):
        CustomVision("http://localhost", "a key\n")


def test_pictures_are_fetched_without_the_key(here: Stores, elsewhere: Elsewhere) -> None:
    sent: list[dict[str, str]] = []
    before = elsewhere.request

    def watched(method: str, address: str, **options: Any) -> Any:
        if "/content?" in str(address):
            sent.append(options["headers"])
        return before(method, address, **options)

    elsewhere.request = watched  # type: ignore[method-assign]
    taken(here, elsewhere)
    assert sent == [{}] * COUNT


def test_the_services_names_are_taken_as_they_are_or_made_others_where_they_are_taken(
    here: Stores, elsewhere: Elsewhere, services: Services, app: FastAPI
) -> None:
    here.projects.create("Garden", "me")
    done = taken(here, elsewhere)
    assert done.project.title.startswith("Garden (")
    assert done.agrees
