"""Mail goes to a real mail server, over a connection that nobody reads, or not at all."""

import threading
from pathlib import Path
from typing import Any

import pytest

from imagestore.accounts.mail import Background, MailServer
from imagestore.errors import Overloaded, Unavailable
from unit.accounts.mail_server import PASSWORD, SENDER, USER, mail_server


def server_of(port: int, encryption: Any, **more: Any) -> MailServer:
    return MailServer("localhost", port, encryption, SENDER, **more)


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_mail_is_sent_encrypted_and_signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encryption: str) -> None:
    with mail_server(tmp_path, encryption=encryption, asks_who=encryption == "starttls") as box:
        monkeypatch.setenv("SSL_CERT_FILE", str(box.certificate))
        who = {"user": USER, "password": lambda: PASSWORD} if encryption == "starttls" else {}
        server_of(box.port, encryption, **who).send("maria@example.org", "Another password", "https://x.example/ü")
        (message,) = box.messages
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, "maria@example.org", "Another password")
    assert box.to == ["maria@example.org"]
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert box.last().strip() == "https://x.example/ü"
    assert box.encrypted == [True]


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_a_server_whose_certificate_is_not_trusted_gets_no_mail(tmp_path: Path, encryption: str) -> None:
    with mail_server(tmp_path, encryption=encryption) as box:
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            server_of(box.port, encryption).send("maria@example.org", "x", "a link")
        assert box.messages == []


def test_a_server_that_offers_no_encryption_gets_no_mail(tmp_path: Path) -> None:
    with mail_server(tmp_path) as box:
        with pytest.raises(Unavailable, match="SMTPNotSupportedError"):
            server_of(box.port, "starttls").send("maria@example.org", "x", "a link")
        assert box.messages == []


def test_what_the_server_says_is_said_and_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(tmp_path, encryption="starttls", asks_who=True) as box:
        monkeypatch.setenv("SSL_CERT_FILE", str(box.certificate))
        wrong = server_of(box.port, "starttls", user=USER, password=lambda: "wrong")
        with pytest.raises(Unavailable, match="SMTPAuthenticationError 535") as refused:
            wrong.send("maria@example.org", "x", "a link")
    assert "maria" not in str(refused.value)
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        server_of(9, "none").send("maria@example.org", "x", "a link")


@pytest.mark.parametrize("to", ["a@example.org\r\nBcc: eve@example.org", "a@example.org\nx"])
def test_nothing_in_an_address_becomes_a_header(tmp_path: Path, to: str) -> None:
    with mail_server(tmp_path) as box:
        with pytest.raises(ValueError, match=r"linefeed|newline|not allowed"):
            server_of(box.port, "none").send(to, "x", "y")
        assert box.messages == []


def test_what_waits_is_bounded_and_a_failure_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    background, may_go, done = Background(most=2), threading.Event(), list[int]()

    def fail() -> None:
        may_go.wait()
        raise Unavailable("sending mail by x: TimeoutError")

    background.put(fail)
    refused = 0
    for number in range(9):
        try:
            background.put(lambda number=number: done.append(number))  # type: ignore[misc]
        except Overloaded:
            refused += 1
    assert refused >= 6
    may_go.set()
    background.finish()
    assert done == list(range(len(done)))
    assert done
    assert "sending mail by x: TimeoutError" in caplog.text
