"""Every setting: its name, default and meaning. Only entry points read them; the rooms below get small dataclasses.

The environment variable is the attribute's name in capitals. `python settings.py` writes local.settings.example.json
and the table in docs/settings.md from this file.
"""

import getpass
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import msgspec

from errors import SettingsError

ROOT = Path(__file__).resolve().parent
CONNECTIONS = {
    "AzureWebJobsStorage": "The Functions host's own storage account.",
    "IMAGES_STORAGE": "The account with the pictures: a connection string, or IMAGES_STORAGE__blobServiceUri and "
    "IMAGES_STORAGE__queueServiceUri for sign-in by identity. May be the same account.",
    "COSMOS": "The Cosmos DB account: a connection string, or COSMOS__accountEndpoint for sign-in by identity.",
}
AZURITE = "UseDevelopmentStorage=true"
COSMOS_EMULATOR = (
    "AccountEndpoint=http://localhost:8081/;"
    "AccountKey=C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==;"
)
WORK_QUEUE = "work"
BLOB_POISON_QUEUE = "webjobs-blobtrigger-poison"

Container = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")]
LONGEST_NAME = 1019
"""Azure takes names of 1,024 characters; the result's is five longer than the upload's."""
NameLength = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_NAME)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Settings:
    """The settings of one process, checked."""

    uploads_container: Container = _setting("uploads", "Where pictures are dropped. May exist already, with pictures.")
    staging_container: Container = _setting("staging", "Preprocessed pictures, one PNG per upload.")
    results_container: Container = _setting("results", "One JSON result per upload.")
    thumbnails_container: Container = _setting("thumbnails", "Small pictures for the web page, made when first seen.")
    models_container: Container = _setting("models", "Versions of your own models, and which one is live.")
    training_container: Container = _setting("training", "Labelled pictures to learn from, and which of them test.")
    keep_results: bool = _setting(False, "Whether results outlive the deletion of their uploads.")
    cosmos_database: str = _setting("imagedata", "The Cosmos DB database with the records.")
    model: str = _setting(
        "model/default.onnx", "The model file while none is promoted, relative to the app's folder or absolute."
    )
    model_seconds: Seconds = _setting(10.0, "How often a worker looks whether another model was promoted.")
    top: Positive = _setting(5, "How many classes with their probabilities a record keeps.")
    max_bytes: Positive = _setting(100_000_000, "Largest upload in bytes; a larger one is rejected unread.")
    max_pixels: Positive = _setting(100_000_000, "Most pixels (width × height × frames read) that are decoded.")
    min_side: Positive = _setting(8, "Shortest side in pixels that is still classified.")
    max_name_length: NameLength = _setting(LONGEST_NAME, "Longest blob name in characters; a longer one is rejected.")
    max_metadata_bytes: Positive = _setting(65_536, "How much metadata a record keeps, in bytes of JSON.")
    keep_location: bool = _setting(False, "Whether records keep the place where a picture was taken.")
    decode_seconds: Seconds = _setting(30.0, "How long one picture may take to decode.")
    retry_delays: str = _setting("10,30,120,600,1800", "Seconds between the attempts when a service fails.")
    poison_delay: Seconds = _setting(600.0, "Seconds until a message from the host's poison queue is tried again.")
    sweep_schedule: str = _setting("0 */15 * * * *", "When lost uploads are looked for (NCRONTAB, seconds first).")
    sweep_min_age: float = _setting(3600.0, "The sweep leaves uploads younger than this many seconds to their events.")
    sweep_seconds: Seconds = _setting(60.0, "How long one run of the sweep may take; the next goes on from there.")
    web_index: str = _setting("", "The web app's own index of the records, a file; it is made anew if it is missing.")
    live_seconds: Seconds = _setting(0.2, "How often the web app looks for new results while somebody waits for them.")
    undo_seconds: Seconds = _setting(15.0, "How long a deletion on the page can be undone.")

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings in these environment variables; SettingsError names the first that is wrong."""
        given = {f.name: environ[f.name.upper()] for f in fields(cls) if environ.get(f.name.upper())}
        try:
            settings = msgspec.convert(given, cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(_explained(str(error), given)) from None
        settings._check()
        return settings

    @property
    def delays(self) -> tuple[float, ...]:
        """RETRY_DELAYS in seconds."""
        try:
            return tuple(float(part) for part in self.retry_delays.split(","))
        except ValueError:
            raise SettingsError(
                f"RETRY_DELAYS is '{self.retry_delays}': it takes seconds, separated by commas, such as 10,30,120."
            ) from None

    @property
    def model_path(self) -> Path:
        """MODEL as a path; a relative one starts at the app's folder."""
        return ROOT / self.model

    def environment(self) -> dict[str, str]:
        """Every setting as an environment variable (host.json and the bindings need them all by name)."""
        return {name.upper(): str(value) for name, value in asdict(self).items()}

    def _check(self) -> None:
        """What no single setting shows; said at start, not at the first failure."""
        if not self.delays:
            raise SettingsError("RETRY_DELAYS is empty.")
        containers = {f.name: getattr(self, f.name) for f in fields(self) if f.name.endswith("_container")}
        if len(set(containers.values())) != len(containers):
            given = ", ".join(f"{name.upper()} is '{value}'" for name, value in containers.items())
            raise SettingsError(f"{given}: they must differ, or each result would start a new run.")


@dataclass(frozen=True)
class Connection:
    """How to reach one service: a connection string, or addresses to which the app signs in with its identity."""

    name: str
    string: str | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, environ: Mapping[str, str]) -> "Connection":
        """The connection of this name; SettingsError where it is not set."""
        if string := environ.get(name):
            return cls(name, string)
        prefix = name + "__"
        addresses = {key[len(prefix) :]: value for key, value in environ.items() if key.startswith(prefix) and value}
        if not addresses:
            raise SettingsError(f"{name} is not set. {CONNECTIONS[name]} See docs/settings.md.")
        return cls(name, None, addresses)

    def address(self, key: str) -> str:
        """The address `<name>__<key>`, or of that name in the connection string; SettingsError where it is not set."""
        if self.string is not None:
            parts = dict(part.partition("=")[::2] for part in self.string.split(";"))
            return parts.get(key[0].upper() + key[1:], "an unnamed address")
        if key not in self.addresses:
            raise SettingsError(f"{self.name}__{key} is not set. {CONNECTIONS[self.name]} See docs/settings.md.")
        return self.addresses[key]


def read_local_settings(path: Path) -> dict[str, str]:
    """The values of a local.settings.json (empty where there is no such file); SettingsError where it is broken."""
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text("utf-8"))["Values"]
        return {str(key): str(value) for key, value in values.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f'{path.name} cannot be read ({error}). It must look like {{"Values": {{"NAME": "value"}}}}; '
            "local.settings.example.json shows one."
        ) from None


def account() -> str:
    """Who runs this, for histories; sign-in will tell better."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user on this machine
        return "local"


def _explained(message: str, given: Mapping[str, str]) -> str:
    found = re.search(r" - at `\$\.(\w+)`", message)
    if not found:
        return message
    name = found[1]
    return f"{name.upper()} is '{given[name]}': {message[: found.start()].lower()}. See docs/settings.md."


def _rows() -> list[tuple[str, Any, str]]:
    def default(f: Field[Any]) -> Any:
        return "" if f.default is MISSING else f.default

    return [(f.name.upper(), default(f), f.metadata["meaning"]) for f in fields(Settings)]


def example() -> str:
    """The text of local.settings.example.json."""
    values = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": AZURITE,
        "IMAGES_STORAGE": AZURITE,
        "COSMOS": COSMOS_EMULATOR,
        **Settings().environment(),
    }
    return json.dumps({"IsEncrypted": False, "Values": values}, indent=2) + "\n"


def table() -> str:
    """The settings as a Markdown table."""
    lines = ["| Name | Default | Meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | | {meaning} |" for name, meaning in CONNECTIONS.items()]
    lines += [f"| `{name}` | `{value}` | {meaning} |" for name, value, meaning in _rows()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "local.settings.example.json").write_text(example(), "utf-8")
    page = ROOT / "docs" / "settings.md"
    head = page.read_text("utf-8").split("| Name |")[0] if page.exists() else "# Settings\n\n"
    page.write_text(head + table(), "utf-8")
