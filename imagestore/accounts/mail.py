"""Sends mail through a mail server (SMTP), in the background: whoever asks for it does not wait, and learns nothing."""

import logging
import queue
import smtplib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import Literal

from imagestore.accounts.email_address import in_ascii_domain
from imagestore.errors import Overloaded, Unavailable

log = logging.getLogger("imagestore.mail")
SECRET = "mail-password"
MOST_WAITING = 100
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class MailServer:
    """A mail server: where it is, how the connection to it is encrypted, as whom to sign in, and who mail is from."""

    host: str
    port: int
    encryption: Literal["starttls", "tls", "none"]
    sender: str
    user: str = ""
    password: Callable[[], str | None] = lambda: None

    def send(self, to: str, subject: str, text: str) -> None:
        """Send a message. Raises Unavailable if the server does not take it; the message names no address."""
        message, address = EmailMessage(), in_ascii_domain(to)
        message["From"], message["To"], message["Subject"] = self.sender, address, subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=parseaddr(self.sender)[1].rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            with self._connected() as server:
                server.send_message(message, to_addrs=[address])
        except (smtplib.SMTPException, OSError) as error:
            code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
            raise Unavailable(f"sending mail by {self.host}: {type(error).__name__}{code}") from None

    def _connected(self) -> smtplib.SMTP:
        if self.encryption == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=_TIMEOUT_S, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
        try:
            if self.encryption == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password() or "")
        except BaseException:
            server.close()
            raise
        return server


class Background:
    """Does things one after the other on a thread of its own. What waits when the process ends is lost."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._waiting: queue.Queue[Callable[[], object]] = queue.Queue(most)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, do: Callable[[], object]) -> None:
        """Do this soon. Raises Overloaded if too much waits already."""
        try:
            self._waiting.put_nowait(do)
        except queue.Full:
            raise Overloaded("Too many people are asking for mail just now. Try again in a few minutes.") from None
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mail", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """Wait until all that waits is done."""
        self._waiting.join()

    def _work(self) -> None:
        while True:
            do = self._waiting.get()
            try:
                do()
            except Exception as error:  # the next one may well succeed
                log.error("%s: %s", type(error).__name__, error)
            finally:
                self._waiting.task_done()
