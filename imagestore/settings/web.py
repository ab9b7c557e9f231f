"""Settings of the web app: what it keeps for itself, its address, and who may use it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from imagestore.errors import SettingsError
from imagestore.settings.kinds import Positive, Seconds, is_address, setting

FactorFrom = Literal["", "viewer", "contributor", "trainer", "admin"]


class Auth(StrEnum):
    """Whether people and programs must sign in."""

    REQUIRED = "required"
    OFF = "off"


class SignUp(StrEnum):
    """Who may make an account: those who were invited, or everybody."""

    INVITATION = "invitation"
    OPEN = "open"


@dataclass(frozen=True)
class WebSettings:
    """The web app's index and feed, its address, sign-in, sessions, programs, and the audit log."""

    web_index: str = setting("", "The web app's own index of the records, a file; it is made anew if it is missing.")
    feed_poll_seconds: Seconds = setting(
        0.2, "How often the web app looks for new results while somebody waits for them."
    )
    undo_seconds: Seconds = setting(15.0, "How long a deletion on the page can be undone.")
    auth: Auth = setting(
        Auth.OFF, "`required`: people and programs sign in. `off`: whoever reaches the web app is its owner, so it "
        "listens on a loopback address only and takes no forwarded requests."
    )  # fmt: skip
    public_url: str = setting(
        "", "The web app's address as its users know it, such as https://pictures.example.org: links begin with it, "
        "and requests under another host name are refused."
    )  # fmt: skip
    trusted_proxies: Annotated[int, msgspec.Meta(ge=0, le=10)] = setting(
        0, "How many proxies stand before the web app and add the address of who asks to X-Forwarded-For."
    )
    sign_up: SignUp = setting(
        SignUp.INVITATION, "Who may make an account: `invitation`, or `open` for everybody, which needs MAIL_SERVER."
    )  # fmt: skip
    second_factor_from: FactorFrom = setting(
        "", "From which role on who signs in with a password needs a second factor: `viewer` means everybody, "
        "`trainer` means trainers and administrators; empty: nobody."
    )  # fmt: skip
    session_idle_minutes: Positive = setting(120, "A session ends after so many minutes in which nothing is asked.")
    session_hours: Positive = setting(168, "A session ends so many hours after sign-in, whatever is asked.")
    audit_days: Positive = setting(365, "How many days an entry of the audit log is kept.")
    cors_origins: str = setting(
        "", "Origins of other sites whose pages may use the API with a key or token, separated by commas."
    )
    secrets_file: str = setting(
        "", "A file (mode 0600) that keeps signing keys and the secret of jobs where there is no KEY_VAULT."
    )

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """CORS_ORIGINS as origins: scheme, host and port."""
        origins = tuple(part.strip() for part in self.cors_origins.split(",") if part.strip())
        for origin in origins:
            if not is_address(origin) or urlsplit(origin).path or "*" in origin:
                raise SettingsError(
                    f"CORS_ORIGINS is '{self.cors_origins}': '{origin}' is no origin such as https://shop.example.org "
                    "(scheme, host and, if need be, port)."
                )
        return origins

    def check_address(self) -> None:
        """Raises SettingsError where PUBLIC_URL is no address."""
        if self.public_url and (not is_address(self.public_url) or urlsplit(self.public_url).path not in ("", "/")):
            raise SettingsError(
                f"PUBLIC_URL is '{self.public_url}': it is an address such as https://pictures.example.org, without a "
                "path. Only on this machine (localhost, 127.0.0.1) may it begin with http://."
            )
