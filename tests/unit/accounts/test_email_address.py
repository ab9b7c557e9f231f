"""Email addresses: what is one and the same, what is two, and what is none."""

import pytest

from imagestore.accounts.email_address import in_ascii_domain, normalised
from imagestore.errors import NotAccepted


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Maria@Example.ORG", "maria@example.org"),
        ("  maria@example.org\n", "maria@example.org"),
        ("maria@ＥＸＡＭＰＬＥ.org", "maria@example.org"),
        ("maria@example。org", "maria@example.org"),
        ("Mari\u0061\u0301@example.org", "mari\u00e1@example.org"),
        ("maria@MÜNCHEN.example", "maria@münchen.example"),
        ("maria@xn--mnchen-3ya.example", "maria@münchen.example"),
        ("maria+pictures@example.org", "maria+pictures@example.org"),
    ],
)
def test_one_mailbox_is_kept_in_one_way(written: str, kept: str) -> None:
    assert normalised(written) == kept
    assert normalised(kept) == kept


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("maria@straße.example", "maria@strasse.example"),
        ("maria@βόλος.example", "maria@βόλοσ.example"),
        ("ｍaria@example.org", "maria@example.org"),
        ("ﬁona@example.org", "fiona@example.org"),
        ("maria²@example.org", "maria2@example.org"),
        ("weiß@example.org", "weiss@example.org"),
        ("maria@exаmple.org", "maria@example.org"),
    ],
)
def test_two_mailboxes_are_kept_in_two_ways(one: str, other: str) -> None:
    """The last one's domain has a Cyrillic letter."""
    assert normalised(one) != normalised(other)


@pytest.mark.parametrize(
    "text",
    ["", "maria", "maria@", "@example.org", "a@b", "a b@example.org", "a@ex\u200bample.org", "a@b@example.org",
     "a@example.org\nBcc: x@example.org", "<a@example.org>", "x" * 300 + "@example.org", "a@-x.example",
     "a@" + "x" * 64 + ".org", "a@xn--0.example", "a@[192.0.2.7]", "a@under_score.example", "a@.org", "a@example.org.",
     "a@" + "ü" * 240 + ".org", "a@example.org/../x", ".a@example.org", "a.@example.org", "a..b@example.org",
     "x" * 65 + "@example.org", "=?utf-8?q?eve=40evil.example=2C?=_x@example.org", "=?utf-8?q?maria?=@example.org"],
)  # fmt: skip
def test_what_is_no_email_address_is_refused(text: str) -> None:
    with pytest.raises(NotAccepted, match="such as maria@example"):
        normalised(text)


def test_mail_servers_get_the_domain_in_ascii() -> None:
    assert in_ascii_domain("mária@straße.example") == "mária@xn--strae-oqa.example"
