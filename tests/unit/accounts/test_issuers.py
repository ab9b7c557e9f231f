"""Whose tokens are believed: those of the issuers in the settings, of whom alone anything is fetched."""

from typing import Any

import pytest
from joserfc import jwt

from imagestore.accounts.issuers import Issuers
from imagestore.accounts.openid import OpenId, OpenIdOptions
from imagestore.errors import SignInRefused
from unit.accounts.conftest import Clock
from unit.accounts.test_openid import API, ISSUER, KEY, Issuer, openid_of, token


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def test_a_token_is_checked_with_the_keys_of_its_own_issuer(issuer: Issuer, clock: Clock) -> None:
    def elsewhere(url: str, headers: object = None) -> dict[str, Any]:
        raise AssertionError(f"{url} was fetched, which has nothing to do with this token")

    other = OpenId(OpenIdOptions("https://other.example.org", "", audience=API, id="b"), clock=clock, fetch=elsewhere)
    issuers = Issuers([openid_of(issuer, clock), other])
    identity = issuers.check(token(clock))
    assert (identity.issuer, identity.subject) == (ISSUER, "maria")
    assert [one.options.id for one in issuers.for_sign_in] == [""]


@pytest.mark.parametrize(
    "iss", ["http://169.254.169.254/latest", "https://login.example.org.evil.example", ISSUER + "/", "", None, 7, ["x"]]
)
def test_a_token_that_names_another_issuer_is_refused_and_nothing_is_fetched(
    issuer: Issuer, clock: Clock, iss: object
) -> None:
    header = {"jku": "http://169.254.169.254/keys", "x5u": "http://127.0.0.1/cert"}
    with pytest.raises(SignInRefused):
        Issuers([openid_of(issuer, clock)]).check(token(clock, header=header, iss=iss))
    assert issuer.asked == 0


def test_where_a_token_says_its_keys_are_is_not_looked_at(issuer: Issuer, clock: Clock) -> None:
    forged = jwt.encode(
        {"alg": "RS256", "kid": "stranger", "jku": "http://169.254.169.254/keys"},
        {"iss": ISSUER, "aud": API, "sub": "maria", "scope": "imagestore"},
        KEY,
        ["RS256"],
    )
    with pytest.raises(SignInRefused):
        Issuers([openid_of(issuer, clock)]).check(forged)  # `fetch` of Issuer fails for any other address


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "..", "a.bnVsbA.c", "a.W10.c", "." * 500, "x" * 20_000])
def test_what_is_no_token_is_refused(issuer: Issuer, clock: Clock, text: str) -> None:
    with pytest.raises(SignInRefused):
        Issuers([openid_of(issuer, clock)]).check(text)
    with pytest.raises(SignInRefused):
        Issuers([openid_of(issuer, clock)]).check("a." + "W1tb" * 3000 + ".c")
