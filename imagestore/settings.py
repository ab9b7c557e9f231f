"""Every setting: its name, default and meaning. Only entry points read them; configure.py hands on what others need.

The environment variable is the attribute's name in capitals. `python -m imagestore.settings` writes
local.settings.example.json and the table in docs/settings.md from this file.
"""

import difflib
import functools
import getpass
import ipaddress
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from imagestore.errors import SettingsError
from imagestore.record import LONGEST_NAME

log = logging.getLogger("imagestore.settings")
ROOT = Path(__file__).resolve().parents[1]
CONNECTIONS = {
    "AzureWebJobsStorage": "The Functions host's own storage account.",
    "IMAGES_STORAGE": "The account with the pictures: a connection string, or IMAGES_STORAGE__blobServiceUri and "
    "IMAGES_STORAGE__queueServiceUri for sign-in by identity. May be the same account.",
    "COSMOS": "The Cosmos DB account: a connection string, or COSMOS__accountEndpoint for sign-in by identity.",
    "KEY_VAULT": "Where the web app's signing keys are in Azure: KEY_VAULT__vaultUri. On a laptop a file keeps them.",
}
CONNECTION_KEYS = {
    "IMAGES_STORAGE": ("blobServiceUri", "queueServiceUri", "credential", "clientId"),
    "COSMOS": ("accountEndpoint", "credential", "clientId"),
    "KEY_VAULT": ("vaultUri", "credential", "clientId"),
}
"""What may follow a connection's name and two underscores, for sign-in by identity."""
AZURITE = "UseDevelopmentStorage=true"
COSMOS_EMULATOR = (
    "AccountEndpoint=http://localhost:8081/;"
    "AccountKey=C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==;"
)

Container = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")]
NameLength = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_NAME)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


FORMER_NAMES = {
    "LIVE_SECONDS": "FEED_POLL_SECONDS",
    "MIN_SIDE": "MIN_SIDE_PIXELS",
    "MODEL_SECONDS": "MODEL_POLL_SECONDS",
    "POISON_DELAY": "POISON_DELAY_SECONDS",
    "RETRY_DELAYS": "RETRY_DELAYS_SECONDS",
    "SWEEP_MIN_AGE": "SWEEP_MIN_AGE_SECONDS",
    "SWEEP_SECONDS": "SWEEP_BUDGET_SECONDS",
    "TOP": "TOP_CLASSES",
}
"""The names of settings in version 0.1. They are understood until version 0.3."""
FORMER_MODEL = "model/default.onnx"
"""The path of the shipped model in version 0.1, as its example of local.settings.json has it."""
_ALIKE = 0.86
"""A name that is this similar to a setting's (ratio of difflib) is taken for a misspelling."""


class Auth(StrEnum):
    """Whether people and programs must sign in."""

    REQUIRED = "required"
    OFF = "off"


class SignUp(StrEnum):
    """Who may make an account: those who were invited, or everybody."""

    INVITATION = "invitation"
    OPEN = "open"


@dataclass(frozen=True)
class Settings:
    """The settings of one process, checked."""

    uploads_container: Container = _setting("uploads", "Where pictures are dropped. May exist already, with pictures.")
    staging_container: Container = _setting("staging", "Preprocessed pictures, one PNG per upload.")
    results_container: Container = _setting("results", "One JSON result per upload.")
    thumbnails_container: Container = _setting("thumbnails", "Small pictures for the web page, made when first seen.")
    models_container: Container = _setting("models", "Versions of your own models, and which one is live.")
    training_container: Container = _setting("training", "Labelled pictures to learn from, and which of them test.")
    deadletter_container: Container = _setting("deadletter", "Where Event Grid puts events that it could not deliver.")
    keep_results: bool = _setting(False, "Whether results outlive the deletion of their uploads.")
    cosmos_database: str = _setting("imagedata", "The Cosmos DB database with the records.")
    model: str = _setting(
        "model/default/model.onnx", "The model file while none is promoted, relative to the app's folder or absolute."
    )
    model_poll_seconds: Seconds = _setting(10.0, "How often a worker looks whether another model was promoted.")
    top_classes: Positive = _setting(5, "How many classes with their probabilities a record keeps.")
    instance_memory_mb: Annotated[int, msgspec.Meta(ge=0)] = _setting(
        0,
        "Memory of the function instance, 2048 or 4096, from which follows how many pictures are decoded at once and "
        "how large they may be (docs/azure.md). infra/ sets it. 0: not counted, for a machine of your own.",
    )
    max_bytes: Positive = _setting(100_000_000, "Largest upload in bytes; a larger one is rejected unread.")
    max_pixels: Positive = _setting(100_000_000, "Most pixels (width × height) of a picture that is decoded.")
    max_pixels_by_format: str = _setting(
        "JPEG2000=50000000,WEBP=50000000", "Lower limits for formats whose decoders need more memory for a pixel."
    )
    min_side_pixels: Positive = _setting(8, "Shortest side in pixels that is still classified.")
    max_name_length: NameLength = _setting(LONGEST_NAME, "Longest blob name in characters; a longer one is rejected.")
    max_metadata_bytes: Positive = _setting(65_536, "How much metadata a record keeps, in bytes of JSON.")
    keep_location: bool = _setting(False, "Whether records keep the place where a picture was taken.")
    decode_seconds: Seconds = _setting(30.0, "How long one picture may take to decode.")
    retry_delays_seconds: str = _setting("10,30,120,600,1800", "The pauses between the attempts when a service fails.")
    poison_delay_seconds: Seconds = _setting(
        600.0, "How long a message from the host's poison queue waits until it is tried again."
    )
    sweep_schedule: str = _setting("0 */15 * * * *", "When lost uploads are looked for (NCRONTAB, seconds first).")
    undelete_days: Annotated[int, msgspec.Meta(ge=0, le=14)] = _setting(
        7,
        "An upload that was deleted and is restored within so many days is found by the sweep: Azure raises no event.",
    )
    deadletter_schedule: str = _setting(
        "0 */2 * * * *", "When events that could not be delivered are read (NCRONTAB, seconds first)."
    )
    sweep_min_age_seconds: float = _setting(3600.0, "The sweep leaves uploads younger than this to their events.")
    sweep_budget_seconds: Seconds = _setting(
        60.0, "How long one run of the sweep may take; the next goes on from there."
    )
    web_index: str = _setting("", "The web app's own index of the records, a file; it is made anew if it is missing.")
    feed_poll_seconds: Seconds = _setting(
        0.2, "How often the web app looks for new results while somebody waits for them."
    )
    undo_seconds: Seconds = _setting(15.0, "How long a deletion on the page can be undone.")
    auth: Auth = _setting(
        Auth.OFF, "`required`: people and programs sign in. `off`: whoever reaches the web app is its owner, so it "
        "listens on a loopback address only and takes no forwarded requests."
    )  # fmt: skip
    public_url: str = _setting(
        "", "The web app's address as its users know it, such as https://pictures.example.org: links begin with it, "
        "and requests under another host name are refused."
    )  # fmt: skip
    trusted_proxies: Annotated[int, msgspec.Meta(ge=0, le=10)] = _setting(
        0, "How many proxies stand before the web app and add the address of who asks to X-Forwarded-For."
    )
    sign_up: SignUp = _setting(SignUp.INVITATION, "Who may make an account: `invitation`, or `open` for everybody.")
    session_idle_minutes: Positive = _setting(120, "A session ends after so many minutes in which nothing is asked.")
    session_hours: Positive = _setting(168, "A session ends so many hours after sign-in, whatever is asked.")
    audit_days: Positive = _setting(365, "How many days an entry of the audit log is kept.")
    cors_origins: str = _setting(
        "", "Origins of other sites whose pages may use the API with a key or token, separated by commas."
    )
    secrets_file: str = _setting(
        "", "A file (mode 0600) that keeps the web app's signing keys where there is no KEY_VAULT."
    )
    oidc_issuer: str = _setting("", "The OpenID Connect issuer at which people may sign in (docs/sign-in.md).")
    oidc_client_id: str = _setting("", "As which client the issuer knows this app.")
    oidc_name: str = _setting("single sign-on", "What people call the issuer: the page offers 'Sign in with …'.")
    oidc_roles_claim: str = _setting("roles", "In which claim the issuer says which roles somebody has.")
    oidc_roles: str = _setting("", "Which values of that claim give which roles, such as Editors=contributor,IT=admin.")
    oidc_default_role: str = _setting("", "The role of those to whom OIDC_ROLES gives none; empty: they are refused.")
    oidc_audience: str = _setting("", "For whom the issuer's access tokens must be that the API takes; empty: none is.")
    oidc_scope: str = _setting("imagestore", "The scope that such a token must have.")

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings in these environment variables. Raises SettingsError, which names the first that is wrong.

        Names and values of an earlier version are understood, and a name that is nearly a setting's is pointed out,
        both with a warning in the log.
        """
        values, warnings = _understood(environ)
        for warning in warnings:
            _warn_once(warning)
        given = {name.lower(): value for name, value in values.items()}
        try:
            settings = msgspec.convert(given, cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(_explained(str(error), given)) from None
        settings._check()
        return settings

    @property
    def retry_delays_s(self) -> tuple[float, ...]:
        """RETRY_DELAYS_SECONDS as numbers."""
        try:
            return tuple(float(part) for part in self.retry_delays_seconds.split(","))
        except ValueError:
            raise SettingsError(
                f"RETRY_DELAYS_SECONDS is '{self.retry_delays_seconds}': it takes numbers, separated by commas, such "
                "as 10,30,120."
            ) from None

    @property
    def pixel_limits(self) -> dict[str, int]:
        """MAX_PIXELS_BY_FORMAT by format."""
        limits: dict[str, int] = {}
        for part in filter(None, (part.strip() for part in self.max_pixels_by_format.split(","))):
            format, _, count = part.partition("=")
            if not format or not count.isdecimal() or int(count) == 0:
                raise SettingsError(
                    f"MAX_PIXELS_BY_FORMAT is '{self.max_pixels_by_format}': '{part}' is not a format and its most "
                    "pixels, such as JPEG2000=50000000,WEBP=50000000. docs/formats.md lists the formats."
                )
            limits[format] = int(count)
        return limits

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """CORS_ORIGINS as origins: scheme, host and port."""
        origins = tuple(part.strip() for part in self.cors_origins.split(",") if part.strip())
        for origin in origins:
            if not _is_address(origin) or urlsplit(origin).path or "*" in origin:
                raise SettingsError(
                    f"CORS_ORIGINS is '{self.cors_origins}': '{origin}' is no origin such as https://shop.example.org "
                    "(scheme, host and, if need be, port)."
                )
        return origins

    @property
    def model_path(self) -> Path:
        """MODEL as a path; a relative one starts at the app's folder."""
        return ROOT / self.model

    def environment(self) -> dict[str, str]:
        """Every setting as an environment variable (host.json and the bindings need them by name)."""
        return {name.upper(): str(value) for name, value in asdict(self).items()}

    def _check(self) -> None:
        """Check at start what no single setting shows, instead of at the first failure."""
        _ = self.pixel_limits, self.allowed_origins
        if self.public_url and (not _is_address(self.public_url) or urlsplit(self.public_url).path not in ("", "/")):
            raise SettingsError(
                f"PUBLIC_URL is '{self.public_url}': it is an address such as https://pictures.example.org, without a "
                "path. Only on this machine (localhost, 127.0.0.1) may it begin with http://."
            )
        if not self.retry_delays_s:
            raise SettingsError("RETRY_DELAYS_SECONDS is empty.")
        containers = {f.name: getattr(self, f.name) for f in fields(self) if f.name.endswith("_container")}
        if len(set(containers.values())) != len(containers):
            given = ", ".join(f"{name.upper()} is '{value}'" for name, value in containers.items())
            raise SettingsError(f"{given}: they must differ, or each result would start a new run.")


def is_loopback(host: str) -> bool:
    """Whether this address or name is this machine's own, reachable from nowhere else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    """Whether this is an https address, or an http one of this machine, of a host and no user or query."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_bare = not (parts.query or parts.fragment or parts.username is not None) and text.isascii()
    return bool(host) and is_bare and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def read_local_settings(path: Path) -> dict[str, str]:
    """The values in a local.settings.json; none if there is no such file. Raises SettingsError if it is broken."""
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
    """The name of the user who runs this process, for the history of promotions and corrections."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user on this machine
        return "local"


def concerns_us(name: str) -> bool:
    """Whether an environment variable of this name is a setting or connection, was one, or is nearly one."""
    return name in _names() or name in FORMER_NAMES or name.split("__")[0] in CONNECTIONS or _nearly(name) is not None


@functools.cache
def _warn_once(warning: str) -> None:
    """Log a warning, but not again each time that this process reads its settings."""
    log.warning(warning)


def _names() -> list[str]:
    return [f.name.upper() for f in fields(Settings)]


def _nearly(name: str) -> str | None:
    """The setting or connection that this name nearly is; None if there is none, or if the name is one of azd's."""
    if name.startswith("AZURE_"):  # such as AZURE_DEADLETTER_CONTAINER, which infra/ puts out for the hooks
        return None
    connection, underscores, key = name.partition("__")
    if underscores:
        known = _alike(connection, CONNECTION_KEYS)
        meant = known and f"{known}__{_alike(key, CONNECTION_KEYS[known]) or key}"
    else:
        known = _alike(name, [*_names(), *CONNECTIONS, *FORMER_NAMES])
        meant = name if known == name else FORMER_NAMES.get(known or "", known)
    return meant if meant != name else None


def _alike(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, if one is."""
    by_capitals = {each.upper(): each for each in known}
    found = difflib.get_close_matches(name.upper(), by_capitals, 1, _ALIKE)
    return by_capitals[found[0]] if found else None


def _understood(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The values of settings by their current names, and the warnings about those that are not in order."""
    values = {name: environ[name] for name in _names() if environ.get(name)}
    warnings = []
    for former, name in FORMER_NAMES.items():
        if environ.get(former):
            warnings.append(f"{former} is called {name} now, and will not be understood in version 0.3. Rename it.")
            values.setdefault(name, environ[former])
    if values.get("MODEL") == FORMER_MODEL and not (ROOT / FORMER_MODEL).exists():
        del values["MODEL"]
        warnings.append(
            f"MODEL is '{FORMER_MODEL}', which is {Settings.model} now and will not be understood in version 0.3. "
            "Remove the setting, or change it."
        )
    alike = [(name, meant) for name in environ if name not in values and (meant := _nearly(name))]
    warnings += [f"{name} is no setting, and does nothing. Is {it} meant? See docs/settings.md." for name, it in alike]
    return values, warnings


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
