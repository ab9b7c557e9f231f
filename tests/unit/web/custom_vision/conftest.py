"""A client of Custom Vision, over stores in memory."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imagestore.store import Stores
from imagestore.store.models import Inspection
from imagestore.web.services import Services
from unit.classify.test_model import tiny
from unit.jobs.conftest import PlayedRunner
from unit.memory_items import MemoryItems
from unit.model.labelled_pictures import scene
from unit.pictures import encoded
from unit.web.conftest import app, services, stores

__all__ = ["app", "services", "stores"]
Answer = Any
KEY = {"Training-Key": "any", "Prediction-Key": "any"}
TRAINING, PREDICTION = "/customvision/v3.3/training", "/customvision/v3.0/Prediction"


class Client(TestClient):
    """Asks as Custom Vision's clients do; an address begins below the version and kind of API."""

    def training(self, method: str, path: str, **options: Any) -> Answer:
        return self.request(method, TRAINING + path, headers=KEY, **options)

    def prediction(self, path: str, **options: Any) -> Answer:
        headers = {**KEY, **options.pop("headers", {})}
        return self.request("POST", PREDICTION + path, headers=headers, **options)


@pytest.fixture
def client(app: FastAPI, services: Services) -> Iterator[Client]:
    with Client(app, base_url="http://localhost", raise_server_exceptions=False) as opened:
        yield opened
    services.classifier.close()
    services.renderer.close()


@pytest.fixture
def runner(stores: Stores) -> PlayedRunner:
    return PlayedRunner(cast(MemoryItems, stores.jobs))


@pytest.fixture
def project(client: Client) -> dict[str, Any]:
    """A project of one tag a picture."""
    made = client.training("POST", "/projects", params={"name": "Garden", "classificationType": "Multiclass"})
    assert made.status_code == 200, made.text
    found: dict[str, Any] = made.json()
    return found


def picture(seed: int) -> bytes:
    return encoded(scene(seed))


def entry(data: bytes, *tags: str, name: str = "a.png") -> dict[str, Any]:
    """A picture in a batch."""
    return {"name": name, "contents": base64.b64encode(data).decode(), "tagIds": list(tags)}


def tag(client: Client, project: dict[str, Any], name: str, **more: str) -> str:
    """A new tag's id."""
    made = client.training("POST", f"/projects/{project['id']}/tags", params={"name": name, **more})
    assert made.status_code == 200, made.text
    return str(made.json()["id"])


def send(client: Client, project: dict[str, Any], *entries: dict[str, Any]) -> list[dict[str, Any]]:
    """What became of each of these pictures."""
    sent = client.training("POST", f"/projects/{project['id']}/images/files", json={"images": list(entries)})
    assert sent.status_code in (200, 207), sent.text
    found: list[dict[str, Any]] = sent.json()["images"]
    return found


Trains = Callable[[str], None]


@pytest.fixture
def makes(stores: Stores, tmp_path: Path) -> Callable[..., None]:
    """Keeps a version that was looked at, as a training does; `meta` is written into its model file."""

    def make(project: str, version: str, **meta: Any) -> None:
        data = tiny(tmp_path / "model.onnx", name=project, version=version, **meta).read_bytes()
        stores.models.keep(project, version, {"model.onnx": data})
        sha256 = hashlib.sha256(data).hexdigest()
        stores.models.keep_inspection(project, version, Inspection(sha256, "2026-11-21", "training", is_admitted=True))

    return make


def refused(response: Answer, code: str, status: int = 400) -> str:
    """The message of an answer with this code."""
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    return str(response.json()["message"])
