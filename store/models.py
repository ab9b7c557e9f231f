"""Versions of models in the container `models`: `<name>/<version>/…` are files that never change, `active.json` names
the live one and pins its SHA-256."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from errors import Conflict, Missing, StoreError
from store.blobs import Blobs

ACTIVE = "active.json"
MODEL_FILE = "model.onnx"
METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"
NAME = "^[A-Za-z0-9_-]{1,64}$"
"""What a model may be called: it is part of blob names and addresses."""
_HISTORY = 50
_TRIES = 100


class Insist(StrEnum):
    """What who promotes takes upon themselves: `ACCEPT_EQUAL` where the test cannot tell, `FORCE` whatever it says."""

    NOTHING = "nothing"
    ACCEPT_EQUAL = "accept_equal"
    FORCE = "force"


@dataclass(frozen=True)
class Entry:
    """A promotion: which model, when (UTC) and by whom, and why if it was forced or rolled back."""

    name: str
    version: str
    sha256: str
    at: str
    by: str
    note: str = ""


@dataclass(frozen=True)
class Active:
    """The live model, and those that were live before it, latest first."""

    live: Entry
    previous: tuple[Entry, ...] = ()


class Models:
    """The registry."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def claim(self, name: str) -> str:
        """The number of a version that nobody else will be given, whether it is kept in the end or not. Away."""
        number = max((int(version) for _, version in self.versions(name)), default=0) + 1
        for attempt in range(_TRIES):
            version = str(number + attempt)
            try:
                self._blobs.put(f"{name}/{version}/claim", b"", "text/plain", None)
            except Conflict:
                continue  # somebody trains at the same time, or training failed
            return version
        raise Conflict(f"no free version of '{name}' was found")

    def keep(self, name: str, version: str, files: dict[str, bytes]) -> None:
        """Keep a version that was claimed, its model file last, so that a version with one is whole. Away."""
        for file in sorted(files, key=lambda file: file == MODEL_FILE):
            self._blobs.overwrite(f"{name}/{version}/{file}", files[file], "application/octet-stream")

    def versions(self, name: str | None = None) -> list[tuple[str, str]]:
        """(name, version) of each that is whole, by name and number. Away."""
        found = (one for one, _ in self._whole() if name in (None, one[0]))
        return sorted(found, key=lambda one: (one[0], int(one[1])))

    def newest(self, most: int) -> list[tuple[str, str]]:
        """(name, version) of those that were kept last, the last first. Away."""
        found = sorted(self._whole(), key=lambda one: (one[1], int(one[0][1])), reverse=True)
        return [one for one, _ in found[:most]]

    def read(self, name: str, version: str, file: str = MODEL_FILE, max_bytes: int | None = None) -> bytes:
        """A file of a version. Missing; StoreError where it is larger than it may be; Away."""
        try:
            blob = self._blobs.get(f"{name}/{version}/{file}", max_bytes)
        except Missing:
            raise Missing(f"There is no version {version} of the model '{name}': imagestore models.") from None
        if blob.data is None:
            raise StoreError(f"{name} {version} has {blob.size_bytes} bytes; the limit is {max_bytes}.")
        return blob.data

    def figures(self, name: str, version: str) -> dict[str, Any] | None:
        """What a version's evaluation said; None where that is not kept, or not ours. Away."""
        try:
            found: dict[str, Any] = msgspec.json.decode(self.read(name, version, METRICS_FILE), type=dict[str, Any])
        except (Missing, msgspec.MsgspecError):
            return None
        return found if found.keys() >= {"metrics", "sentence"} else None

    def active(self) -> tuple[Active, str] | None:
        """Which model is live, and the ETag of that; None while none was promoted. StoreError, Away."""
        try:
            blob = self._blobs.get(ACTIVE)
        except Missing:
            return None
        try:
            return msgspec.json.decode(blob.data or b"", type=Active), blob.etag
        except msgspec.MsgspecError as error:
            raise StoreError(f"{ACTIVE} in {self._blobs.container} cannot be read: {error}") from None

    def begin(self, active: Active) -> None:
        """Say for the first time which one is live. Conflict where somebody did so meanwhile; Away."""
        self._write(active, None)

    def activate(self, entry: Entry, replacing: tuple[Active, str]) -> None:
        """Make it the live one. Conflict where somebody promoted meanwhile; Away."""
        before, etag = replacing
        self._write(Active(entry, (before.live, *before.previous)[:_HISTORY]), etag)

    def step_back(self, entry: Entry, active: tuple[Active, str]) -> None:
        """Make an earlier one live again, and forget those after it. Conflict, Away."""
        before, etag = active
        self._write(Active(entry, before.previous[1:]), etag)

    def note(self, name: str, data: bytes) -> None:
        """Keep how far a job came. Away."""
        self._blobs.overwrite(name, data, "application/json")

    def noted(self, name: str) -> bytes:
        """What was noted. Missing, Away."""
        return self._blobs.get(name).data or b""

    def _whole(self) -> Iterator[tuple[tuple[str, str], datetime]]:
        for page, _ in self._blobs.list():
            for blob in page:
                parts = blob.name.split("/")
                if len(parts) == 3 and parts[2] == MODEL_FILE and parts[1].isdecimal():
                    yield (parts[0], parts[1]), blob.last_modified

    def _write(self, active: Active, etag: str | None) -> None:
        self._blobs.put(ACTIVE, msgspec.json.format(msgspec.json.encode(active)), "application/json", etag)
