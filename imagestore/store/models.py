"""Versions of models in the container `models`.

`<name>/<version>/…` are files that never change; `active.json` names the version that is live by default, with its
SHA-256.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from imagestore.decoding import decode
from imagestore.errors import Conflict, NotAModelName, NotFound, StoreError
from imagestore.store.blobs import Blobs
from imagestore.store.guarded import GuardedJson

ACTIVE = "active.json"
MODEL_FILE = "model.onnx"
METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"
TRAINING_FILE = "training.json"
INSPECTION_FILE = "inspection.json"
THRESHOLDS_FILE = "thresholds.json"
NAME = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"
"""What a model's name may be: it is part of blob names, of addresses and of command lines."""
_NAME = re.compile(NAME)
_VERSION = re.compile("[1-9][0-9]{0,8}")
_TRIES = 100


@dataclass(frozen=True)
class PromotionEntry:
    """A promotion: which model, when (UTC) and by whom. `note` is the reason if it was forced or rolled back."""

    name: str
    version: str
    sha256: str
    at: str
    by: str
    note: str = ""


@dataclass(frozen=True)
class Active:
    """A live model, and those that were live before it, the latest first."""

    live: PromotionEntry
    previous: tuple[PromotionEntry, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """Whether the model file with this SHA-256 can be used, as a bounded process found (UTC), and if not, why.

    `by` is the account that asked.
    """

    sha256: str
    at: str
    by: str
    is_admitted: bool
    why: str = ""


@dataclass(frozen=True)
class ThresholdsSet:
    """Of a version that has the weights of another, `of`: which thresholds it was given, when (UTC) and by which
    account. `labels` are thresholds of single labels."""

    of: str
    threshold: float
    labels: dict[str, float]
    at: str
    by: str


def is_name(name: str) -> bool:
    """Whether a model can have this name."""
    return _NAME.fullmatch(name) is not None


def demand_name(name: str) -> None:
    """Raises NotAModelName if no model can have this name."""
    if not is_name(name):
        raise NotAModelName(
            f"'{name[:80]}' cannot be the name of a model: it takes 1 to 64 letters from A to Z, digits, - and "
            "_, and no - at the beginning."
        )


class Models:
    """The versions of models. Every method raises Unavailable."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._active = GuardedJson(blobs, ACTIVE, Active, "what is live")

    def claim(self, name: str) -> str:
        """Reserve the next version number. It is never given out again, even if the version is not kept.

        Raises NotAModelName if no model can have this name.
        """
        demand_name(name)
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
        """Keep the files of a claimed version. The model file is written last, so a version that has one is complete.

        Raises NotAModelName if no model can have this name.
        """
        demand_name(name)
        for file in sorted(files, key=lambda file: file == MODEL_FILE):
            self._blobs.overwrite(f"{name}/{version}/{file}", files[file], "application/octet-stream")

    def versions(self, name: str | None = None) -> list[tuple[str, str]]:
        """(name, version) of each complete version, ordered by name and number."""
        return sorted((one for one, _ in self._whole(name)), key=lambda one: (one[0], int(one[1])))

    def kept_at(self, name: str) -> dict[str, datetime]:
        """When each complete version of a model was kept."""
        return {version: at for (_, version), at in self._whole(name)}

    def has(self, name: str, version: str) -> bool:
        """Whether there is this version, complete."""
        can_be = is_name(name) and _VERSION.fullmatch(version) is not None
        return can_be and self._blobs.stat(f"{name}/{version}/{MODEL_FILE}") is not None

    def newest(self, most: int | None = None) -> list[tuple[str, str]]:
        """(name, version) of those that were kept last, at most `most` of them, newest first."""
        found = sorted(self._whole(), key=lambda one: (one[1], int(one[0][1])), reverse=True)
        return [one for one, _ in found[:most]]

    def read(self, name: str, version: str, file: str = MODEL_FILE, max_bytes: int | None = None) -> bytes:
        """A file of a version. Raises NotFound, or StoreError if it has more than `max_bytes`."""
        try:
            blob = self._blobs.get(f"{name}/{version}/{file}", max_bytes)
        except NotFound:
            raise NotFound(f"There is no version {version} of the model '{name}': imagestore models.") from None
        if blob.data is None:
            raise StoreError(f"{name} {version} has {blob.size_bytes} bytes; the limit is {max_bytes}.")
        return blob.data

    def figures(self, name: str, version: str) -> dict[str, Any] | None:
        """The figures of a version's evaluation; None if there are none, or none that we wrote."""
        try:
            found: dict[str, Any] = decode(self.read(name, version, METRICS_FILE), dict[str, Any])
        except (NotFound, msgspec.MsgspecError):
            return None
        return found if found.keys() >= {"metrics", "sentence"} else None

    def inspection(self, name: str, version: str) -> Inspection | None:
        """What was found when this version's model file was looked at; None if nobody has, or nothing that we wrote."""
        try:
            return decode(self.read(name, version, INSPECTION_FILE), Inspection)
        except (NotFound, msgspec.MsgspecError):
            return None

    def thresholds_set(self, name: str, version: str) -> ThresholdsSet | None:
        """Of which version this one has the weights, and which thresholds it was given; None if it was trained or added
        as it is."""
        try:
            return decode(self.read(name, version, THRESHOLDS_FILE), ThresholdsSet)
        except (NotFound, msgspec.MsgspecError):
            return None

    def problem(self, name: str, version: str) -> str | None:
        """Why this version cannot be used, if its model file was looked at and refused."""
        found = self.inspection(name, version)
        return None if found is None or found.is_admitted else found.why

    def demand_usable(self, name: str, version: str) -> None:
        """Raises Conflict if this version's model file was looked at and refused."""
        if (why := self.problem(name, version)) is not None:
            raise Conflict(
                f"{name} {version} is not made live, since its file cannot be used: {why} To look at it once more: "
                f"imagestore models inspect {version} --project {name}."
            )

    def keep_inspection(self, name: str, version: str, found: Inspection) -> None:
        """Keep what was found beside the version, in place of what was found before."""
        demand_name(name)
        self._blobs.overwrite(f"{name}/{version}/{INSPECTION_FILE}", msgspec.json.encode(found), "application/json")

    def delete_all(self, name: str) -> int:
        """Delete every file of every version of a model. Returns how many there were."""
        demand_name(name)
        files = [blob.name for page, _ in self._blobs.list(prefix=f"{name}/") for blob in page]
        for file in files:
            self._blobs.delete(file)
        return len(files)

    def active(self) -> tuple[Active, str] | None:
        """What is live by default and the ETag of its entry; None if no model was promoted yet.

        Raises StoreError if the entry cannot be read.
        """
        active, etag = self._active.read()
        return None if active is None or etag is None else (active, etag)

    def put_active(self, active: Active, replacing: str | None) -> str:
        """Write what is live by default in place of the entry with this ETag. Returns the new one. Raises Conflict."""
        return self._active.write(active, replacing)

    def note(self, name: str, data: bytes) -> None:
        """Keep a note under this name, such as how far a job has come."""
        self._blobs.overwrite(name, data, "application/json")

    def noted(self, name: str) -> bytes:
        """The note that was kept under this name. Raises NotFound if there is none."""
        return self._blobs.get(name).data or b""

    def _whole(self, name: str | None = None) -> Iterator[tuple[tuple[str, str], datetime]]:
        for page, _ in self._blobs.list(prefix="" if name is None else f"{name}/"):
            for blob in page:
                parts = blob.name.split("/")
                if len(parts) == 3 and parts[2] == MODEL_FILE and is_name(parts[0]) and _VERSION.fullmatch(parts[1]):
                    yield (parts[0], parts[1]), blob.last_modified
