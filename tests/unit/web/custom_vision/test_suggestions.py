"""Tags that an iteration suggests."""

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from imagestore.store import Stores
from imagestore.web.custom_vision import answering, suggestions
from unit.pictures import encoded

from .conftest import Client, entry, picture, refused, send, tag


def level(of: int) -> bytes:
    """A picture that the model finds the likelier to be light, the higher this is, from 0 to 255."""
    return encoded(Image.new("L", (64, 64), of))


@pytest.fixture
def path(client: Client, project: dict[str, Any], makes: Callable[[str, str], None]) -> str:
    """The project's path; it has version 1, which knows dark and light."""
    makes("Garden", "1")
    for name in ("dark", "light"):
        tag(client, project, name)
    return f"/projects/{project['id']}"


def ids_of(client: Client, project: dict[str, Any], *levels: int) -> list[str]:
    return [one["image"]["id"] for one in send(client, project, *(entry(level(of)) for of in levels))]


def test_tags_are_suggested_for_pictures_that_have_none(client: Client, path: str, project: dict[str, Any]) -> None:
    (kept,) = send(client, project, entry(picture(1)))
    asked = {"imageIds": kept["image"]["id"]}
    (said,) = client.training("POST", f"{path}/tagsandregions/suggestions", params=asked).json()
    assert said["id"] == kept["image"]["id"]
    best = max(one["probability"] for one in said["predictions"])
    assert said["predictionUncertainty"] == pytest.approx(1 - best, abs=1e-5)
    many = {"imageIds": ",".join([kept["image"]["id"][:-2] + f"{n:02}" for n in range(65)])}
    refused(client.training("POST", f"{path}/tagsandregions/suggestions", params=many), "BadRequestExceededBatchSize")


def test_pictures_are_asked_for_by_the_tag_that_is_suggested(
    client: Client, path: str, project: dict[str, Any]
) -> None:
    middle, lightest, light = ids_of(client, project, 10, 255, 190)
    tags = {one["name"]: one["id"] for one in client.training("GET", f"{path}/tags").json()}
    send(client, project, entry(level(254), tags["light"]))

    def asked(**more: Any) -> Any:
        wanted = {"tagIds": [tags["light"]], "threshold": 0.7, **more}
        return client.training("POST", f"{path}/images/suggested", json=wanted).json()

    found = asked()
    assert [one["id"] for one in found["results"]] == [lightest, light], "the surest first, and none that has a tag"
    assert client.get(found["results"][0]["originalImageUri"]).content == level(255)
    assert (found["results"][0]["width"], found["token"]["continuation"]) == (64, "")
    assert [one["id"] for one in asked(sortBy="UncertaintyDescending")["results"]] == [light, lightest]
    first = asked(maxCount=1)
    (second,) = asked(maxCount=1, continuation=first["token"]["continuation"])["results"]
    assert ([one["id"] for one in first["results"]], second["id"]) == ([lightest], light)
    assert {one["id"] for one in asked(tagIds=[], threshold=0)["results"]} == {middle, lightest, light}
    wanted = {"tagIds": list(tags.values()), "threshold": 0.7}
    counted = client.training("POST", f"{path}/images/suggested/count", json=wanted).json()
    assert counted == {tags["dark"]: 0, tags["light"]: 2}
    refused(client.training("POST", f"{path}/images/suggested", json={"continuation": "x"}), "BadRequestInvalid")


def test_each_question_looks_at_some_more_and_at_none_twice(
    client: Client, path: str, project: dict[str, Any], stores: Stores, monkeypatch: pytest.MonkeyPatch,
    makes: Callable[[str, str], None],
) -> None:  # fmt: skip
    ids_of(client, project, 10, 20, 30)
    monkeypatch.setattr(suggestions, "MOST_AT_ONCE", 2)
    looked_at: list[str] = []

    def counting(*arguments: Any, **options: Any) -> Any:
        looked_at.append(arguments[2])
        return answering.predict(*arguments, **options)

    monkeypatch.setattr(suggestions, "predict", counting)
    counts = [len(client.training("POST", f"{path}/images/suggested", json={}).json()["results"]) for _ in range(3)]
    assert (counts, looked_at) == ([2, 2, 2], ["1", "1", "1"]), "a page has two; the third was looked at too"
    assert len(client.training("POST", f"{path}/images/suggested", json={"maxCount": 9}).json()["results"]) == 3
    makes("Garden", "2")
    client.training("POST", f"{path}/images/suggested", json={})
    assert looked_at[3:] == ["2", "2"], "another iteration says something else"
