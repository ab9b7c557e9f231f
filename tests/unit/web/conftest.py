"""An index with records to fill it, and the whole web app in this process, over stores in memory.

Every answer of the app is compared with the API's description.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from classify import ModelLabels, ModelRef
from imagestore.accounts.passwords import Passwords
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.accounts.signing import Tokens, keys_of_this_process
from imagestore.jobs.board import JobBoard
from imagestore.jobs.sealed import Sealer
from imagestore.pipeline.rendition import Renderer
from imagestore.record import LONGEST_NAME, Record, Upload, record_id
from imagestore.settings import Auth
from imagestore.store import Stores
from imagestore.store.secrets import FileSecrets
from imagestore.web.app import app_of
from imagestore.web.index.change_feed import ChangeFeedReader
from imagestore.web.index.index import Index
from imagestore.web.index.likeness import Likeness
from imagestore.web.models.classifier import Classifier
from imagestore.web.models.live_model import LiveModel
from imagestore.web.openapi import describe
from imagestore.web.services import Services, WebOptions
from model.default.build import DEFAULT
from preprocess import Decoder, Limits
from unit.accounts.conftest import QUICK
from unit.web.in_turn import in_turn
from unit.web.memory import memory_stores
from unit.web.records import LABELS, picture, rejected, take_in
from unit.web.signed_in import PUBLIC, Browser, Person, person

Answer = Any
MAX_BYTES = 100_000


class TinyModel:
    """Stands for the live model."""

    def get(self) -> ModelLabels:
        return ModelLabels(ModelRef("m", "1", "f" * 64), ("Rose", "tabby"))

    def all(self) -> tuple[ModelLabels, ...]:
        return (self.get(),)

    def by_prefix(self) -> list[tuple[str, str]] | None:
        return [("", self.get().ref.sha256)]


@pytest.fixture
def stores() -> Stores:
    return memory_stores()


@pytest.fixture
def services(stores: Stores, tmp_path: Path) -> Services:
    index, renderer = Index(tmp_path / "index.sqlite"), Renderer(stores, Decoder(), Limits())
    return Services(
        options=WebOptions(MAX_BYTES, LONGEST_NAME, undo_seconds=5),
        stores=stores,
        index=index,
        change_feed=ChangeFeedReader(stores, index, 0.01),
        renderer=renderer,
        classifier=Classifier(stores, renderer, DEFAULT, 120_000_000),
        jobs=JobBoard(stores.jobs),
        likeness=Likeness(index),
        live_model=cast(LiveModel, TinyModel()),
        accounts=Accounts.over(
            stores.accounts, stores.audit, Tokens(keys_of_this_process(), ""), passwords=Passwords(QUICK)
        ),
        sealer=Sealer(FileSecrets(tmp_path / "secrets.json")),
    )


class Api(TestClient):
    """Asks the app; an address that begins with a slash is below /api/v1. Answers must be as the description says."""

    def __init__(self, app: FastAPI, asked: Any = None) -> None:
        super().__init__(asked or app, base_url="http://localhost", raise_server_exceptions=False)
        self._description = describe(app)

    def request(self, method: str, url: Any, **options: Any) -> Answer:
        response = super().request(method, f"/api/v1{url}" if url.startswith("/") else url, **options)
        self._check(method, response)
        return response

    def _check(self, method: str, response: Answer) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0]
        if not kind.endswith("json") or response.url.path.endswith("openapi.json"):
            return
        document = self._description
        schema: Any = {"$ref": "#/components/schemas/ProblemDetails"}
        if kind == "application/json":
            (operation,) = [
                operations[method.lower()]
                for address, operations in document["paths"].items()
                if matches(address, response.url.path) and method.lower() in operations
            ]
            schema = operation["responses"][str(response.status_code)]["content"][kind]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(response.json())


def matches(address: str, path: str) -> bool:
    """Whether this is a path of this address of the description."""
    parts, wanted = path.split("/"), address.split("/")
    return len(parts) == len(wanted) and all(
        there == part or there.startswith("{") for there, part in zip(wanted, parts, strict=True)
    )


_descriptions: list[dict[str, Any]] = []


@pytest.fixture
def app(services: Services) -> FastAPI:
    made = app_of(services)
    if _descriptions:
        made.openapi_schema = _descriptions[0]  # the same for every app, and long in the making
    _descriptions[:] = [describe(made)]
    return made


@pytest.fixture
def instances() -> int:
    """How many instances of the app there are, which answer in turn. Modules have their own where it is to be two."""
    return 1


@pytest.fixture
def api(app: FastAPI, instances: int, tmp_path: Path) -> Iterator[Api]:
    with Api(app, in_turn(app, tmp_path) if instances > 1 else None) as client:
        yield client


@pytest.fixture
def guarded(services: Services) -> Services:
    """What the routes need where people sign in."""
    accounts = Accounts.over(
        services.stores.accounts,
        services.stores.audit,
        Tokens(keys_of_this_process(), PUBLIC),
        passwords=Passwords(QUICK),
    )
    options = replace(services.options, auth=Auth.REQUIRED, public_url=PUBLIC)
    return replace(services, accounts=accounts, options=options)


@pytest.fixture
def guarded_app(guarded: Services) -> FastAPI:
    made = app_of(guarded)
    if _descriptions:
        made.openapi_schema = _descriptions[0]
    _descriptions[:] = [describe(made)]
    return made


@pytest.fixture
def browser(guarded_app: FastAPI, instances: int, tmp_path: Path) -> Iterator[Browser]:
    """A browser in which nobody has signed in."""
    with Browser(in_turn(guarded_app, tmp_path) if instances > 1 else guarded_app) as opened:
        yield opened


@pytest.fixture
def people(guarded: Services) -> dict[Role, Person]:
    """Somebody of each role."""
    return {role: person(guarded.accounts, role) for role in Role}


Drop = Callable[..., Record]


@pytest.fixture
def drop(stores: Stores, services: Services) -> Drop:
    """Upload a file and let the pipeline come to the record of it that is given (a picture, if none is)."""

    def dropped(name: str, data: bytes | None = None, made: Record | None = None) -> Record:
        content = name.encode() if data is None else data
        etag = stores.uploads.overwrite(name, content, "image/jpeg")
        upload = Upload(etag, len(content), "image/jpeg", hashlib.sha256(content).hexdigest())
        record = replace(made or picture(name), upload=upload)
        stores.records.write(record, None, stores.records.read(record_id(name)))
        services.index.put(cast(Any, stores.records.read(record_id(name))))
        return record

    return dropped


def problem(response: Answer, status: int) -> dict[str, Any]:
    """The problem details of an answer that is one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    details: dict[str, Any] = response.json()
    assert details["status"] == status
    assert details["detail"].endswith((".", "?"))
    return details


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path / "index.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def records(index: Index) -> list[Record]:
    """Two hundred, many alike in time and confidence, so that ties occur; taken in over several pages."""
    chance = random.Random(5)
    made = [
        picture(
            f"{chance.choice(('garden', 'Küche'))}/IMG_{number}.jpg",
            chance.choice(LABELS),
            chance.choice((0.1, 0.3, 0.35, 0.5, 0.9, 1.0)),
            at=f"2026-11-{chance.randint(10, 20)}T09:00:00.000Z",
            phash=f"{chance.getrandbits(64):016x}",
        )
        for number in range(180)
    ] + [rejected(f"bad {number}.jpg", chance.choice(("corrupt", "empty"))) for number in range(20)]
    chance.shuffle(made)
    for start in range(0, len(made), 70):
        take_in(index, made[start : start + 70], str(start))
    return made


@pytest.fixture
def admin(browser: Browser, people: dict[Role, Person]) -> Browser:
    """A browser in which an administrator has signed in."""
    browser.sign_in("a.admin@example.org")
    return browser
