"""Reads a project from Azure AI Custom Vision, or from another instance of this web app: what an import needs of it."""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx2
import msgspec

from imagestore import __version__
from imagestore.client.http import checked_server
from imagestore.errors import NotFound, RemoteError, SettingsError

PAGE = 256
TRIES = 8
TIMEOUT_S = 60.0
LONGEST_PAUSE_S = 120.0
MOST_PICTURE_BYTES = 50_000_000
_API = "/customvision/v3.3/training"
_LATER = {408, 409, 425, 429, 500, 502, 503, 504}
_FIRST_PAUSE_S = 0.5
Kind = TypeVar("Kind")


class Camel(msgspec.Struct, rename="camel"):
    """Fields are written as `camelCase`; others are ignored."""


class RemoteSettings(Camel):
    """What of a project's settings matters here."""

    classification_type: str | None = None
    domain_id: str | None = None


class RemoteProject(Camel):
    """A project there."""

    id: str
    name: str
    settings: RemoteSettings
    description: str | None = None


class RemoteTag(Camel):
    """A tag there, with how many pictures have it."""

    id: str
    name: str
    image_count: int
    type: str = "Regular"
    description: str | None = None


class RemoteImageTag(Camel):
    """A tag of a picture."""

    tag_id: str


class RemoteImage(Camel):
    """A picture there. The address of its content is good for a while, without a key."""

    id: str
    original_image_uri: str
    created: str | None = None
    width: int = 0
    height: int = 0
    tags: list[RemoteImageTag] | None = None
    regions: list[dict[str, Any]] | None = None
    metadata: dict[str, str] | None = None


class RemoteIteration(Camel):
    """A training there."""

    id: str
    name: str
    status: str
    created: str | None = None
    publish_name: str | None = None


class RemotePerformance(Camel):
    """How good the service says that an iteration is."""

    precision: float
    recall: float
    average_precision: float | None = None


class RemoteDomain(Camel):
    """A domain there."""

    id: str
    type: str | None = None


class CustomVision:
    """One account of Custom Vision. What may succeed later is tried again. Every method raises RemoteError."""

    def __init__(
        self,
        endpoint: str,
        key: str,
        *,
        insecure_http: bool = False,
        http: httpx2.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = checked_server(endpoint, insecure_http=insecure_http)
        if not re.fullmatch("[!-~]{1,4096}", key.strip()):
            raise SettingsError("The key holds characters that no key has. Was it copied whole, and nothing else?")
        self._headers = {"User-Agent": f"imagestore/{__version__}", "Training-Key": key.strip()}
        self._client = http or httpx2.Client(follow_redirects=False, timeout=TIMEOUT_S)
        self._sleep = sleep

    def project(self, wanted: str) -> RemoteProject:
        """The project with this id or name. Raises NotFound, or if several have the name, SettingsError."""
        found = [one for one in self._get(list[RemoteProject], "/projects") if wanted in (one.id, one.name)]
        if not found:
            raise NotFound(f"There is no project '{wanted}' at {self.endpoint}.")
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise SettingsError(f"Several projects there are called '{wanted}': give the id of one of {ids}.")
        return found[0]

    def is_detection(self, project: RemoteProject) -> bool:
        """Whether a project finds objects rather than classifies."""
        if project.settings.classification_type:
            return False
        domain = project.settings.domain_id
        return domain is not None and self._get(RemoteDomain, f"/domains/{domain}").type == "ObjectDetection"

    def tags(self, project: RemoteProject) -> list[RemoteTag]:
        """Its tags."""
        return self._get(list[RemoteTag], f"/projects/{project.id}/tags")

    def count(self, project: RemoteProject, kind: str) -> int:
        """How many pictures are `tagged` or `untagged`."""
        return self._get(int, f"/projects/{project.id}/images/{kind}/count")

    def images(self, project: RemoteProject, kind: str) -> Iterator[RemoteImage]:
        """The pictures that are `tagged` or `untagged`, the oldest first, page after page."""
        for skip in itertools.count(0, PAGE):
            asked = {"take": PAGE, "skip": skip, "orderBy": "Oldest"}
            page = self._get(list[RemoteImage], f"/projects/{project.id}/images/{kind}", asked)
            yield from page
            if len(page) < PAGE:
                return

    def image(self, project: RemoteProject, id: str) -> RemoteImage | None:
        """One picture, with a new address; None if it is gone."""
        found = self._get(list[RemoteImage], f"/projects/{project.id}/images/id", {"imageIds": id})
        return next((one for one in found if one.id == id), None)

    def iterations(self, project: RemoteProject) -> list[RemoteIteration]:
        """Its iterations."""
        return self._get(list[RemoteIteration], f"/projects/{project.id}/iterations")

    def performance(self, project: RemoteProject, iteration: RemoteIteration) -> RemotePerformance | None:
        """How good the service says that an iteration is; None if it says nothing."""
        try:
            path = f"/projects/{project.id}/iterations/{iteration.id}/performance"
            return self._get(RemotePerformance, path, {"threshold": 0.5})
        except NotFound:
            return None

    def content(self, project: RemoteProject, image: RemoteImage) -> bytes | None:
        """The bytes of a picture as they were uploaded; None if it is gone. An address that is over is asked for anew.
        The key is not sent along: addresses may lead elsewhere."""
        for attempt in itertools.count(1):
            response = self._tried("GET", image.original_image_uri, {}, follow=True)
            if response.status_code == 200:
                if len(response.content) > MOST_PICTURE_BYTES:
                    raise RemoteError(f"The picture {image.id} has more than {MOST_PICTURE_BYTES} bytes.")
                return response.content
            fresh = self.image(project, image.id)
            if fresh is None:
                return None
            if attempt > 2:
                raise RemoteError(f"The picture {image.id} cannot be fetched: status {response.status_code}.")
            image = fresh
        raise AssertionError("the attempts end")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _get(self, kind: type[Kind], path: str, params: dict[str, Any] | None = None) -> Kind:
        for attempt in range(1, 4):
            response = self._tried("GET", self.endpoint + _API + path, self._headers, params)
            if response.status_code in (401, 403):
                raise RemoteError(f"{self.endpoint} does not take the key ({response.status_code}): {_said(response)}")
            if response.status_code == 404:
                raise NotFound(f"{self.endpoint} has nothing at {path}: {_said(response)}")
            if response.status_code != 200:
                raise RemoteError(f"{self.endpoint} refused {path} ({response.status_code}): {_said(response)}")
            try:
                return msgspec.json.decode(response.content, type=kind)
            except msgspec.MsgspecError:  # half an answer, or a proxy's page
                self._sleep(_FIRST_PAUSE_S * 2**attempt)
        raise RemoteError(f"{self.endpoint} does not answer {path} as Custom Vision does.")

    def _tried(
        self, method: str, address: str, headers: dict[str, str], params: dict[str, Any] | None = None, *,
        follow: bool = False,
    ) -> httpx2.Response:  # fmt: skip
        for attempt in itertools.count(1):
            pause_s = min(_FIRST_PAUSE_S * 2 ** (attempt - 1), LONGEST_PAUSE_S)
            try:
                response = self._client.request(
                    method, address, params=params, headers=headers, follow_redirects=follow
                )
            except httpx2.HTTPError as error:
                if attempt >= TRIES:
                    raise RemoteError(f"{self.endpoint} could not be asked: {error or type(error).__name__}.") from None
            else:
                if response.status_code not in _LATER or attempt >= TRIES:
                    return response
                told = response.headers.get("retry-after", "")
                pause_s = min(float(told), LONGEST_PAUSE_S) if told.isdecimal() else pause_s
            self._sleep(pause_s)
        raise AssertionError("the attempts end")


def _said(response: httpx2.Response) -> str:
    try:
        return str(msgspec.json.decode(response.content, type=dict[str, Any]).get("message", ""))[:300] or "no reason"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "no reason was given"
