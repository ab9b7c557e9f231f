"""Email addresses as they are kept and compared."""

import re
import unicodedata

import idna

from imagestore.errors import NotAccepted

LONGEST_EMAIL = 254
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""The categories of characters that nobody sees."""
_ATOM = r"[^\s@<>()\[\]\\,;:\".]+"
_EMAIL = re.compile(rf"(?!.*=\?)(?=.{{1,64}}@){_ATOM}(\.{_ATOM})*@[^\s@<>()\[\]\\,;:\"/]+\.[^\s@<>()\[\]\\,;:\"/.]+")
"""A mailbox without quotes (RFC 5322, dot-atom), and nothing that a header decodes to another address (RFC 2047)."""


def has_unseen(text: str) -> bool:
    """Whether there is a character in it that nobody sees."""
    return any(unicodedata.category(character) in UNSEEN for character in text)


def normalised(email: str) -> str:
    """An email address as it is kept. Two that are kept alike belong to one mailbox. Raises NotAccepted.

    The domain is as IDNA 2008 writes it in Unicode, with upper case and the like mapped by UTS 46: `Straße.example` and
    `strasse.example` are two, and `xn--strae-oqa.example` is the first. What stands before the @ is composed (NFC) and
    in small letters, since people write both `Maria` and `maria`, and mean one mailbox.
    """
    text = email.strip()
    mailbox, _, domain = text.rpartition("@")
    try:
        if len(text) > LONGEST_EMAIL or has_unseen(text):
            raise ValueError
        address = f"{unicodedata.normalize('NFC', mailbox.lower())}@{idna.decode(idna.encode(domain, uts46=True))}"
        if len(in_ascii_domain(address)) > LONGEST_EMAIL or not _EMAIL.fullmatch(address):
            raise ValueError
    except ValueError:  # idna's errors are such
        raise NotAccepted(f"'{text[:80]}' is no email address such as maria@example.org.") from None
    return address


def in_ascii_domain(email: str) -> str:
    """A normalised address as mail servers want it: its domain in ASCII (`xn--…`)."""
    mailbox, _, domain = email.rpartition("@")
    return f"{mailbox}@{idna.encode(domain).decode()}"
