"""The client against the whole web app in this process, where people sign in."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imagestore.accounts.roles import Role
from imagestore.client import Client
from unit.web.conftest import drop, guarded, guarded_app, people, services, stores
from unit.web.signed_in import PUBLIC, Person

__all__ = ["drop", "guarded", "guarded_app", "people", "services", "stores"]
ClientOf = Callable[[Role | None], Client]


@pytest.fixture
def http(guarded_app: FastAPI) -> Iterator[TestClient]:
    with TestClient(guarded_app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def client_of(http: TestClient, people: dict[Role, Person]) -> ClientOf:
    """A client with the key of somebody with this role, or without a key."""

    def made(role: Role | None) -> Client:
        return Client(PUBLIC, None if role is None else people[role].secret, http=http)

    return made
