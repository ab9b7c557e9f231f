"""How good Custom Vision's iterations are, at any threshold and picture by picture."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from imagestore.store import Stores
from imagestore.store.held_out import HELD_OUT_FILE, STEPS, AnsweredPicture, HeldOut, LabelAnswers

from .conftest import Client, entry, picture, refused, send, tag

Makes = Callable[[str, str], None]


def counts(**of: int) -> list[int]:
    """Counts by hundredths: `at90=2` is two pictures of 90 hundredths."""
    found = [0] * (STEPS + 1)
    for name, count in of.items():
        found[int(name.removeprefix("at"))] = count
    return found


@pytest.fixture
def path(client: Client, project: dict[str, Any], makes: Makes, stores: Stores) -> str:
    """The path of the iteration of version 1, which was tested on two roses and a lily, of which one is gone."""
    makes("Garden", "1")
    rose, lily = tag(client, project, "rose"), tag(client, project, "lily")
    send(client, project, entry(picture(1), rose), entry(picture(2), lily))
    answered = [
        AnsweredPicture(hashlib.sha256(picture(seed)).hexdigest(), (label,), {label: 0.9, "other": 0.1})
        for seed, label in ((1, "rose"), (2, "lily"), (3, "rose"))
    ]
    kept = HeldOut(
        [
            LabelAnswers("rose", 0.75, counts(at90=2, at60=1, at10=1), counts(at95=1, at20=5)),
            LabelAnswers("lily", 0.25, counts(at50=1), counts(at49=2)),
            LabelAnswers("never", 0.0, counts(), counts(at99=1)),
        ],
        answered,
    )
    stores.models.keep("Garden", "1", {HELD_OUT_FILE: msgspec.json.encode(kept)})
    (found,) = client.training("GET", f"/projects/{project['id']}/iterations").json()
    return f"/projects/{project['id']}/iterations/{found['id']}/performance"


def test_figures_are_those_at_the_threshold(client: Client, path: str) -> None:
    def at(threshold: float | None) -> dict[str, Any]:
        asked = {} if threshold is None else {"threshold": threshold, "overlapThreshold": 0.3}
        found: dict[str, Any] = client.training("GET", path, params=asked).json()
        return found

    rose, lily = at(0.5)["perTagPerformance"]
    assert (rose["name"], rose["precision"], rose["recall"], rose["averagePrecision"]) == ("rose", 0.75, 0.75, 0.75)
    assert (lily["precision"], lily["recall"]) == (1, 1)
    assert (at(0.5)["precision"], at(0.5)["recall"], at(0.5)["averagePrecision"]) == (0.8, 0.8, 0.5)
    assert at(None) == at(0.5)
    assert (at(0.92)["precision"], at(0.92)["recall"]) == (0, 0)
    assert (at(0)["recall"], at(0)["perTagPerformance"][0]["precision"]) == (1, 0.4)
    refused(client.training("GET", path, params={"threshold": 1.5}), "BadRequest")


def test_each_held_out_picture_is_told_with_what_was_said(client: Client, path: str, project: dict[str, Any]) -> None:
    (lily, rose) = client.training("GET", f"{path}/images").json()
    assert [one["tagName"] for one in rose["tags"]] == ["rose"]
    assert [(one["tagName"], one["probability"]) for one in lily["predictions"]] == [("lily", 0.9), ("other", 0.1)]
    assert client.get(rose["imageUri"]).content == picture(1)
    assert client.training("GET", f"{path}/images/count").json() == 2, "one of the three is gone"
    asked = {"tagIds": rose["tags"][0]["tagId"]}
    assert client.training("GET", f"{path}/images/count", params=asked).json() == 1
    (oldest,) = client.training("GET", f"{path}/images", params={"orderBy": "Oldest", "take": 1}).json()
    assert oldest["id"] == rose["id"]


def test_a_version_of_before_has_the_figures_of_its_report(
    client: Client, project: dict[str, Any], makes: Makes, stores: Stores
) -> None:
    makes("Garden", "1")
    classes = [{"label": "rose", "count": 4, "precision": {"right": 3, "of": 4}, "recall": {"right": 1, "of": 2}}]
    metrics = msgspec.json.encode({"metrics": {"classes": classes}, "sentence": "Good."})
    stores.models.keep("Garden", "1", {"metrics.json": metrics})
    (found,) = client.training("GET", f"/projects/{project['id']}/iterations").json()
    path = f"/projects/{project['id']}/iterations/{found['id']}/performance"
    performance = client.training("GET", path).json()
    assert (performance["precision"], performance["recall"]) == (0.75, 0.5)
    assert performance["perTagPerformance"][0]["name"] == "rose"
    code = "NotFoundIterationPerformance"
    assert "Train again" in refused(client.training("GET", path, params={"threshold": 0.5}), code, 404)
    refused(client.training("GET", f"{path}/images"), code, 404)


def test_the_figures_of_several_tags_have_their_average_precision(
    client: Client, project: dict[str, Any], makes: Makes, stores: Stores
) -> None:
    makes("Garden", "1")
    share, between = {"right": 3, "of": 4, "low": None, "high": None}, {"value": 0.5, "low": None, "high": None}
    one = {"label": "rose", "count": 4, "precision": share, "recall": share, "average_precision": between}
    metrics = msgspec.json.encode({"metrics": {"classes": [one]}, "sentence": "Good."})
    stores.models.keep("Garden", "1", {"metrics.json": metrics})
    path = f"/projects/{project['id']}/iterations"
    (found,) = client.training("GET", path).json()
    performance = client.training("GET", f"{path}/{found['id']}/performance").json()
    assert (performance["precision"], performance["averagePrecision"]) == (0.75, 0.5)
