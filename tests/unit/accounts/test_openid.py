"""What an issuer's tokens must be to be believed.

tests/unit/web/pages/test_openid_sign_in.py signs in at a real issuer.
"""

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from imagestore.accounts.openid import OpenId, OpenIdOptions
from imagestore.accounts.roles import Role
from imagestore.errors import SignInRefused, Unavailable
from unit.accounts.conftest import Clock

ISSUER = "https://login.example.org"
API = "api://pictures"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class Issuer:
    """An issuer whose documents are here, and that counts how often its keys are asked for."""

    def __init__(self) -> None:
        self.keys = [KEY]
        self.asked = 0
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        }

    def fetch(self, url: str, headers: object = None) -> dict[str, Any]:
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return self.metadata
        assert url == f"{ISSUER}/keys"
        self.asked += 1
        found: dict[str, Any] = json.loads(json.dumps(KeySet(list(self.keys)).as_dict(private=False)))
        return found


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def openid_of(issuer: Issuer, clock: Clock, **more: Any) -> OpenId:
    options = OpenIdOptions(ISSUER, "pictures", audience=API, roles={"a": Role.VIEWER, "b": Role.TRAINER}, **more)
    return OpenId(options, clock=clock, fetch=issuer.fetch)


def token(clock: Clock, key: Any = KEY, header: dict[str, Any] | None = None, **changed: Any) -> str:
    """An access token of the issuer, with these claims changed, or left out where they are None."""
    moment = int(clock().timestamp())
    claims: dict[str, Any] = {
        "iss": ISSUER, "aud": API, "sub": "maria", "scope": "imagestore", "iat": moment, "exp": moment + 600
    } | changed  # fmt: skip
    kept = {name: value for name, value in claims.items() if value is not None}
    chosen = {"alg": "RS256", "kid": "one"} | (header or {})
    return jwt.encode(chosen, kept, key, [chosen["alg"]])


def test_a_good_token_says_who_is_meant_and_the_highest_of_the_roles(issuer: Issuer, clock: Clock) -> None:
    found = openid_of(issuer, clock).check(token(clock, roles=["a", "b", "x"], name="Maria", azp="program"))
    assert (found.issuer, found.subject, found.role, found.client) == (ISSUER, "maria", Role.TRAINER, "program")
    others: tuple[Any, ...] = (["x"], "x", None, {}, 5)
    for given in others:
        assert openid_of(issuer, clock).check(token(clock, roles=given)).role is None


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"}, {"iss": f"{ISSUER}/"}, {"iss": None}, {"iss": [ISSUER]},
        {"aud": "api://other"}, {"aud": None}, {"aud": ["api://other"]}, {"aud": {}},
        {"sub": None}, {"sub": ""}, {"sub": 5}, {"exp": None}, {"exp": 0}, {"exp": "tomorrow"}, {"iat": None},
        {"nbf": 9_999_999_999}, {"scope": None}, {"scope": "other"}, {"scope": "imagestore.other ximagestore"},
        {"scope": None, "scp": "other"},
    ],
)  # fmt: skip
def test_a_token_for_others_or_of_others_is_refused(issuer: Issuer, clock: Clock, changed: dict[str, Any]) -> None:
    with pytest.raises(SignInRefused):
        openid_of(issuer, clock).check(token(clock, **changed))


@pytest.mark.parametrize("changed", [{"scope": "openid imagestore"}, {"scope": None, "scp": ["imagestore"]},
                                     {"aud": [API, "api://other"]}])  # fmt: skip
def test_scopes_and_audiences_are_read_as_issuers_write_them(
    issuer: Issuer, clock: Clock, changed: dict[str, Any]
) -> None:
    assert openid_of(issuer, clock).check(token(clock, **changed)).subject == "maria"


def test_a_token_is_good_until_it_expires(issuer: Issuer, clock: Clock) -> None:
    made, openid = token(clock), openid_of(issuer, clock)
    clock.turn(minutes=9)
    openid.check(made)
    clock.turn(minutes=2)
    with pytest.raises(SignInRefused):
        openid.check(made)


def signed_with_the_public_key(body: str) -> str:
    """A token signed as with a shared secret, which here is what everybody may read."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').decode().rstrip("=")
    digest = hmac.digest(KEY.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_a_signature_of_another_key_or_none_is_refused(issuer: Issuer, clock: Clock) -> None:
    openid = openid_of(issuer, clock)
    public = json.dumps(KEY.as_dict(private=False))
    head, body, signature = token(clock).split(".")
    none = "eyJhbGciOiJub25lIiwia2lkIjoib25lIn0"
    for forged in (
        token(clock, STRANGER),
        token(clock, ECKey.generate_key("P-256", {"kid": "one"}), {"alg": "ES256"}),
        signed_with_the_public_key(body),
        token(clock, STRANGER, {"jwk": json.loads(public)}),
        token(clock, OTHER, {"kid": "two"}),
        f"{none}.{body}.", f"{none}.{body}.{signature}", f"{head}.{body}.", f"{head}.{body}", "", ".", "x" * 20_000,
    ):  # fmt: skip
        with pytest.raises(SignInRefused):
            openid.check(forged)


def test_a_new_key_of_the_issuer_is_found_but_not_looked_for_at_each_made_up_one(
    issuer: Issuer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 0.0
    monkeypatch.setattr("imagestore.accounts.openid.time.monotonic", lambda: moment)
    openid = openid_of(issuer, clock)
    openid.check(token(clock))
    issuer.keys = [OTHER]
    for _ in range(50):
        with pytest.raises(SignInRefused):
            openid.check(token(clock, STRANGER, {"kid": "made up"}))
    assert issuer.asked == 1
    moment = 60.0
    openid.check(token(clock, OTHER, {"kid": "two"}))
    assert issuer.asked == 2


def test_what_calls_itself_otherwise_is_not_the_issuer(issuer: Issuer, clock: Clock) -> None:
    issuer.metadata["issuer"] = "https://evil.example"
    with pytest.raises(Unavailable, match=r"calls itself 'https://evil.example'"):
        openid_of(issuer, clock).start("https://pictures.example.org/back")


@pytest.mark.parametrize("endpoint", ["http://login.example.org/authorize", "javascript:x", None, 5])
def test_nobody_is_led_to_an_address_that_is_not_encrypted(issuer: Issuer, clock: Clock, endpoint: object) -> None:
    issuer.metadata["authorization_endpoint"] = endpoint
    with pytest.raises(Unavailable, match="authorization_endpoint"):
        openid_of(issuer, clock).start("https://pictures.example.org/back")


def test_without_an_audience_no_token_is_taken(issuer: Issuer, clock: Clock) -> None:
    openid = OpenId(OpenIdOptions(ISSUER, "pictures"), clock=clock, fetch=issuer.fetch)
    with pytest.raises(SignInRefused):
        openid.check(token(clock))
