"""Settings of the mail server that sends people links (docs/sign-in.md)."""

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Annotated, Literal

import msgspec

from imagestore.errors import SettingsError
from imagestore.settings.kinds import is_loopback, setting

Encryption = Literal["starttls", "tls", "none"]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


@dataclass(frozen=True)
class MailSettings:
    """The mail server."""

    mail_server: str = setting(
        "", "The mail server (SMTP) that sends links to people who have forgotten their password or make an account; "
        "empty: an administrator hands links out."
    )  # fmt: skip
    mail_port: Port = setting(587, "Its port: usually 587 with `starttls`, 465 with `tls`.")
    mail_encryption: Encryption = setting(
        "starttls", "How the connection to it is encrypted: `starttls`, `tls` from its start, or `none`, which only a "
        "server on this machine may have."
    )  # fmt: skip
    mail_user: str = setting("", "As whom the app signs in there; the secret `mail-password` is the password.")
    mail_from: str = setting("", "The sender of its mail, such as Pictures <pictures@example.org>.")

    def check_mail(self) -> None:
        """Raises SettingsError where the settings of the mail server do not go together."""
        if not self.mail_server:
            return
        if self.mail_encryption == "none" and not is_loopback(self.mail_server):
            raise SettingsError(
                f"MAIL_ENCRYPTION is 'none', and MAIL_SERVER is '{self.mail_server}', another machine: whoever is on "
                "the way would read the links. Use starttls or tls."
            )
        if "@" not in parseaddr(self.mail_from)[1] or not self.mail_from.isprintable():
            raise SettingsError(
                f"MAIL_FROM is '{self.mail_from}', and MAIL_SERVER is set: it is the sender of mail, such as "
                "Pictures <pictures@example.org>."
            )
