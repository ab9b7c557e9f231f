"""All settings together, and how they are read from environment variables."""

import functools
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import msgspec

from imagestore.decoding import convert
from imagestore.errors import SettingsError
from imagestore.settings import names
from imagestore.settings.azureml import AzureMlSettings
from imagestore.settings.connections import CONNECTIONS
from imagestore.settings.jobs import JobSettings
from imagestore.settings.load import LoadSettings
from imagestore.settings.mail import MailSettings
from imagestore.settings.openid import OpenIdSettings
from imagestore.settings.pictures import PictureSettings
from imagestore.settings.web import Auth, SignUp, WebSettings

log = logging.getLogger("imagestore.settings")


@dataclass(frozen=True)
class Settings(
    AzureMlSettings, MailSettings, OpenIdSettings, LoadSettings, WebSettings, JobSettings, PictureSettings
):  # their fields come in the order of the last to the first
    """The settings of one process, checked."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings in these environment variables. Raises SettingsError, which names the first that is wrong.

        Names and values of an earlier version are understood, and a name that is nearly a setting's is pointed out,
        both with a warning in the log.
        """
        values, warnings = names.understood(environ, _names())
        for warning in warnings:
            _warn_once(warning)
        given = {name.lower(): value for name, value in values.items()}
        try:
            settings = convert(given, cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(_explained(str(error), given)) from None
        settings._check()
        return settings

    def environment(self) -> dict[str, str]:
        """Every setting as an environment variable (host.json and the bindings need them by name)."""
        return {name.upper(): str(value) for name, value in asdict(self).items()}

    def _check(self) -> None:
        """Check at start what no single setting shows, instead of at the first failure."""
        _ = self.pixel_limits, self.allowed_origins, self.issuers
        self.check_address()
        self.check_mail()
        if self.auth is Auth.REQUIRED and self.sign_up is SignUp.OPEN and not self.mail_server:
            raise SettingsError(
                "SIGN_UP is 'open', and MAIL_SERVER is not set: whoever likes could have an account with the email "
                "address of somebody else. Set MAIL_SERVER, which sends a link there (docs/sign-in.md), or "
                "SIGN_UP=invitation."
            )
        if not self.retry_delays_s:
            raise SettingsError("RETRY_DELAYS_SECONDS is empty.")
        containers = {f.name: getattr(self, f.name) for f in fields(self) if f.name.endswith("_container")}
        if len(set(containers.values())) != len(containers):
            given = ", ".join(f"{name.upper()} is '{value}'" for name, value in containers.items())
            raise SettingsError(f"{given}: they must differ, or each result would start a new run.")


def concerns_us(name: str) -> bool:
    """Whether an environment variable of this name is a setting or connection, was one, or is nearly one."""
    is_one = name in _names() or name in names.FORMER_NAMES or name.split("__")[0] in CONNECTIONS
    return is_one or names.nearly(name, _names()) is not None


def _names() -> tuple[str, ...]:
    return tuple(f.name.upper() for f in fields(Settings))


@functools.cache
def _warn_once(warning: str) -> None:
    """Log a warning, but not again each time that this process reads its settings."""
    log.warning(warning)


def _explained(message: str, given: Mapping[str, str]) -> str:
    found = re.search(r" - at `\$\.(\w+)`", message)
    if not found:
        return message
    name = found[1]
    return f"{name.upper()} is '{given[name]}': {message[: found.start()].lower()}. See docs/settings.md."
