"""A mail server (SMTP) on this machine, which keeps what it is sent."""

import contextlib
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "pictures", "the password of the mail server"
SENDER = "Pictures <pictures@example.org>"


@dataclass
class Mailbox:
    """What the server was sent. With `refuses` it takes nothing; `encrypted` tells of each message how it came."""

    port: int
    certificate: Path
    messages: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refuses: bool = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuses:
            return "451 not now"
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.to += envelope.rcpt_tos
        transport = server.transport
        self.encrypted.append(transport is not None and transport.get_extra_info("sslcontext") is not None)
        return "250 taken"

    def last(self) -> str:
        """The text of the last message."""
        return str(self.messages[-1].get_content())


def certificate(folder: Path) -> Path:
    """A file with a key and a certificate for localhost that no one else has issued."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextlib.contextmanager
def mail_server(folder: Path, *, encryption: str = "none", asks_who: bool = False) -> Iterator[Mailbox]:
    """A server that runs; `asks_who` has it take mail from USER with PASSWORD alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box = Mailbox(port, certificate(folder))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(box.certificate)

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        is_right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)

    options: dict[str, Any] = {}
    if encryption == "tls":
        options["ssl_context"] = context
    if encryption == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if asks_who:
        options |= {
            "authenticator": authenticate,
            "auth_required": True,
            "auth_require_tls": encryption == "starttls",
        }
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
