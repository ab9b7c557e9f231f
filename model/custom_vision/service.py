"""Reads a project from Azure AI Custom Vision, or from another instance of this web app: what an import needs of it.

Nothing that comes from there is relied on: an answer may be late, half, of another form, or say the same twice.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
import msgspec

from imagestore import __version__
from imagestore.decoding import decode
from imagestore.distant_server import checked_key, checked_server, told_pause_s
from imagestore.errors import NotFetched, NotFound, NotGivenOut, RemoteError, SettingsError

PAGE = 256
FIRST_TRIES = 5
TRIES = 11
"""How often a request is made that may succeed later, before the service has answered at all (8 s with the pauses), and
after that (6 min)."""
TIMEOUT_S = 60.0
"""For how long no byte may come."""
LONGEST_S = 120.0
"""For how long an answer may come in all."""
LONGEST_PAUSE_S = 120.0
THROTTLED_S = 3600.0
"""For so long a request is put off whose answer is that there are too many."""
THROTTLED_IN_ALL_S = 8 * THROTTLED_S
"""For so long all requests together are put off for that: an hour, if all that are made at once are."""
MOST_PICTURES = 500_000
"""How many pictures a project may have there: five times what the service itself takes."""
MOST_BYTES = 50_000_000
PASSES = 3
"""How often the pictures are listed, if fewer come than there are said to be."""
THRESHOLD = 0.5
"""The probability from which on a tag counts as given in what the service claims."""
_API = "/customvision/v3.3/training"
_THROTTLED = 429
_LATER = {408, 409, 425, _THROTTLED, 500, 502, 503, 504}
_FIRST_PAUSE_S = 0.5
_READINGS = 3
_MOST_SAID = 300
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


class RemoteRegion(Camel):
    """A part of a picture, in shares of its width and height."""

    tag_id: str
    left: float
    top: float
    width: float
    height: float
    region_id: str | None = None
    tag_name: str | None = None


class RemoteImage(Camel):
    """A picture there. The address of its content is good for a while, without a key."""

    id: str
    original_image_uri: str
    created: str | None = None
    width: int = 0
    height: int = 0
    tags: list[RemoteImageTag] | None = None
    regions: list[RemoteRegion] | None = None
    metadata: dict[str, str] | None = None


class RemoteIteration(Camel):
    """A training there."""

    id: str
    name: str
    status: str
    created: str | None = None
    publish_name: str | None = None


class RemoteTagPerformance(Camel):
    """How good the service says that an iteration is at one tag."""

    name: str
    precision: float
    recall: float
    average_precision: float | None = None


class RemotePerformance(Camel):
    """How good the service says that an iteration is."""

    precision: float
    recall: float
    average_precision: float | None = None
    per_tag_performance: list[RemoteTagPerformance] | None = None


class RemoteDomain(Camel):
    """A domain there."""

    id: str
    type: str | None = None


@dataclass(frozen=True)
class _Answer:
    status: int
    content: bytes
    headers: Mapping[str, str]


class CustomVision:
    """One account of Custom Vision. What may succeed later is tried again. Every method raises RemoteError.

    `http` sends the requests; where whoever gave the endpoint is not to reach this network, it is a guarded one
    (model/custom_vision/guarded_http.py).
    """

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
        self._headers = {"Training-Key": checked_key(key)}
        self._client = http or httpx2.Client(timeout=TIMEOUT_S)
        self._client.headers["User-Agent"] = f"imagestore/{__version__}"
        self._sleep = sleep
        self._has_answered = False
        self._put_off_s = 0.0

    def project(self, wanted: str) -> RemoteProject:
        """The project with this id or name. Raises NotFound, or if several have the name, SettingsError."""
        listed = self._get(list[RemoteProject], "/projects")
        found = [one for one in listed if wanted == one.name or wanted.lower() == one.id.lower()]
        if not found:
            raise NotFound(f"There is no project '{wanted}' at {self.endpoint}.")
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise SettingsError(f"Several projects there are called '{wanted}': give the id of one of {ids}.")
        return found[0]

    def is_detection(self, project: RemoteProject) -> bool:
        """Whether a project finds objects rather than classifies."""
        domain = project.settings.domain_id
        if domain is None:
            return False
        try:
            return self._get(RemoteDomain, f"/domains/{domain}").type == "ObjectDetection"
        except NotFound:  # a domain that is no longer listed
            if project.settings.classification_type:
                return False
            raise

    def tags(self, project: RemoteProject) -> list[RemoteTag]:
        """Its tags."""
        return self._get(list[RemoteTag], f"/projects/{project.id}/tags")

    def count(self, project: RemoteProject, kind: str) -> int:
        """How many pictures are `tagged` or `untagged`."""
        found = self._get(int, f"/projects/{project.id}/images/{kind}/count")
        if found > MOST_PICTURES:
            raise RemoteError(f"'{project.name}' has {found:,} {kind} pictures there; at most {MOST_PICTURES:,} come.")
        return found

    def images(self, project: RemoteProject, kind: str) -> Iterator[RemoteImage]:
        """The pictures that are `tagged` or `untagged`, the oldest first, each once.

        They are listed again if fewer came than there are: one that is deleted there meanwhile moves the others to
        another page, and pages can come twice.
        """
        seen = set[str]()
        for _ in range(PASSES):
            total = self.count(project, kind)
            for one in self._listed(project, kind, total):
                if one.id not in seen:
                    seen.add(one.id)
                    yield one
            if len(seen) >= total:
                return

    def _listed(self, project: RemoteProject, kind: str, total: int) -> Iterator[RemoteImage]:
        skip, seen = 0, set[str]()
        while skip < total + PAGE:
            asked = {"take": PAGE, "skip": skip, "orderBy": "Oldest"}
            page = self._get(list[RemoteImage], f"/projects/{project.id}/images/{kind}", asked)
            before = len(seen)
            seen.update(one.id for one in page)
            if len(seen) == before:  # nothing, or pages without end
                return
            yield from page
            skip += len(page)

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
            return self._get(RemotePerformance, path, {"threshold": THRESHOLD})
        except NotFound:
            return None

    def content(
        self, project: RemoteProject, image: RemoteImage, problem_of: Callable[[bytes], str | None]
    ) -> bytes | None:
        """The bytes of a picture as they were uploaded; None if it is gone. The key is not sent along: addresses may
        lead elsewhere.

        An address that is over is asked for anew, and so is one that answers what is no picture, or half of one, as
        `problem_of` says. Raises NotGivenOut if that does not help, or if its address cannot be asked while the service
        itself still answers.
        """
        said = ""
        for reading in range(_READINGS):
            if reading:
                fresh = self.image(project, image.id)
                if fresh is None:
                    return None
                image = fresh
            try:
                answer = self._tried(image.original_image_uri, {"Accept-Encoding": "identity"}, follow=True)
            except NotGivenOut as error:
                raise NotGivenOut(f"The picture {image.id} cannot be fetched. {error}") from None
            except RemoteError as error:
                self.image(project, image.id)  # if the service is away too, nothing more is to be had
                raise NotGivenOut(f"The picture {image.id} cannot be fetched. {error}") from None
            found = f"status {answer.status}" if answer.status != 200 else problem_of(answer.content)
            if found is None:
                return answer.content
            said = found
        raise NotGivenOut(f"The picture {image.id} cannot be fetched: {said}.")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _said(self, answer: _Answer) -> str:
        """What an answer says, without the key, should it hold that: all who read jobs see what is said."""
        return _said(answer).replace(self._headers["Training-Key"], "[the key]")[:_MOST_SAID]

    def _get(self, kind: type[Kind], path: str, params: dict[str, Any] | None = None) -> Kind:
        for attempt in range(1, _READINGS + 1):
            answer = self._tried(self.endpoint + _API + path, self._headers, params)
            if answer.status in (401, 403):
                said = self._said(answer)
                raise RemoteError(f"{self.endpoint} does not take the key ({answer.status}): {said}")
            if answer.status == 404:
                raise NotFound(f"{self.endpoint} has nothing at {path}: {self._said(answer)}")
            if answer.status != 200:
                raise RemoteError(f"{self.endpoint} refused {path} ({answer.status}): {self._said(answer)}")
            try:
                return decode(answer.content, kind)
            except (msgspec.MsgspecError, UnicodeDecodeError):  # half an answer, or a proxy's page
                self._sleep(_FIRST_PAUSE_S * 2**attempt)
        raise RemoteError(f"{self.endpoint} does not answer {path} as Custom Vision does.")

    def _tried(
        self, address: str, headers: dict[str, str], params: dict[str, Any] | None = None, *, follow: bool = False
    ) -> _Answer:
        failures, put_off_s = 0, 0.0
        while True:
            pause_s = min(_FIRST_PAUSE_S * 2**failures, LONGEST_PAUSE_S)
            try:
                answer = self._asked(address, headers, params, follow)
            except (NotFetched, httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.TooManyRedirects) as error:
                raise NotGivenOut(str(error)) from None
            except httpx2.HTTPError as error:
                failures += 1
                if failures >= self._tries:
                    raise RemoteError(f"{self.endpoint} could not be asked: {error or type(error).__name__}.") from None
            else:
                if answer.status not in _LATER:
                    self._has_answered = True
                    return answer
                told_s = told_pause_s(answer.headers.get("retry-after"), pause_s)
                pause_s = min(max(told_s, _FIRST_PAUSE_S), LONGEST_PAUSE_S)
                is_throttled = (
                    answer.status == _THROTTLED and put_off_s < THROTTLED_S and self._put_off_s < THROTTLED_IN_ALL_S
                )
                failures += not is_throttled
                if failures >= self._tries:
                    return answer
                put_off_s += pause_s
                self._put_off_s += pause_s if is_throttled else 0
            self._sleep(pause_s)

    @property
    def _tries(self) -> int:
        return TRIES if self._has_answered else FIRST_TRIES

    def _asked(self, address: str, headers: dict[str, str], params: dict[str, Any] | None, follow: bool) -> _Answer:
        ends = time.monotonic() + LONGEST_S
        asked = self._client.stream("GET", address, params=params, headers=headers, follow_redirects=follow)
        with asked as response:
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if time.monotonic() > ends:
                    raise httpx2.ReadTimeout(f"an answer took more than {LONGEST_S:g} s")
                if len(content) > MOST_BYTES:
                    raise NotFetched(f"An answer of {self.endpoint} has more than {MOST_BYTES:,} bytes.")
            return _Answer(response.status_code, bytes(content), response.headers)


def _said(answer: _Answer) -> str:
    try:
        return str(decode(answer.content, dict[str, Any]).get("message", "")) or "no reason"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "no reason was given"
