"""The API of another instance, which an importer asks, with faults that a test sets."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from imagestore.store import Stores
from imagestore.store.training import TrainingPictures
from model.custom_vision.service import CustomVision
from model.custom_vision.take_over import TakenOver, take_over
from unit.model.labelled_pictures import quiet
from unit.web.custom_vision.conftest import Client, entry, picture, send, tag
from unit.web.memory import memory_stores

COUNT = 9
Fault = Callable[[httpx2.Request, httpx2.Response], httpx2.Response | None]


class Elsewhere:
    """What the importer asks: the API of another instance, with faults that a test sets."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.faults: list[Any] = []
        self.always: Fault = lambda request, answer: None
        self.asked: list[httpx2.Request] = []

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if self.faults and (fault := self.faults.pop(0)) is not None:
            if isinstance(fault, Exception):
                raise fault
            assert isinstance(fault, httpx2.Response)
            return fault
        answer = self.client.request(request.method, str(request.url), headers=dict(request.headers))
        found = httpx2.Response(answer.status_code, content=answer.content)
        return self.always(request, found) or found

    @property
    def http(self) -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(self.handle))

    @property
    def fetched(self) -> int:
        """How many pictures were fetched."""
        return sum("/content" in str(one.url) for one in self.asked)


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
    return CustomVision("http://localhost", "any", http=elsewhere.http, sleep=waited.append)


def taken(here: Stores, elsewhere: Elsewhere, wanted: str = "Garden") -> TakenOver:
    return take_over(here, source(elsewhere), wanted, "me", quiet)


def contents(here: Stores) -> dict[str, bytes]:
    pictures = TrainingPictures(here.training, "Garden")
    return {one.sha256: pictures.picture(one.sha256) for one in pictures.list() if one.is_there}


def without_pictures(elsewhere: Elsewhere, *numbers: int, answer: Callable[[bytes], httpx2.Response]) -> None:
    """What the addresses of these pictures answer instead of the picture."""
    contents = {picture(n) for n in numbers}

    def instead(request: httpx2.Request, found: httpx2.Response) -> httpx2.Response | None:
        return answer(found.content) if found.content in contents else None

    elsewhere.always = instead
