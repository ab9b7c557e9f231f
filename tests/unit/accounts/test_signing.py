"""Access tokens: only ours, only for ten minutes, and whatever they say of themselves is not believed."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from imagestore.accounts.roles import Role
from imagestore.accounts.signing import Claims, SigningKeys, Tokens, keys_in
from imagestore.accounts.tokens import new_signing_keys
from imagestore.errors import SignInRefused, Unavailable
from imagestore.store.secrets import FileSecrets
from unit.accounts.conftest import Clock

ISSUER = "https://pictures.example.org"
SECRET = new_signing_keys()
(KEY,) = json.loads(SECRET)["keys"]


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(SigningKeys(lambda: SECRET), ISSUER, clock)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def claims(clock: Clock, **changes: Any) -> dict[str, Any]:
    moment = int(clock().timestamp())
    made = {
        "iss": ISSUER, "aud": "imagestore-api", "sub": "account-1", "client_id": "key-1", "scope": "viewer",
        "iat": moment, "exp": moment + 600,
    } | changes  # fmt: skip
    return {name: value for name, value in made.items() if value is not None}


def signed(made: dict[str, Any], **header: Any) -> str:
    """A token signed with our key by hand, whatever its header says; None leaves a field out."""
    head = {"alg": "HS256", "kid": KEY["kid"], "typ": "at+jwt"} | header
    payload = f"{part({name: value for name, value in head.items() if value is not None})}.{part(made)}"
    signature = hmac.new(base64.urlsafe_b64decode(KEY["k"] + "=="), payload.encode(), hashlib.sha256).digest()
    return f"{payload}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_a_token_says_whose_it_is_for_ten_minutes(tokens: Tokens, clock: Clock) -> None:
    token = tokens.make("key-1", "account-1", Role.CONTRIBUTOR)
    assert tokens.check(token) == Claims("key-1", Role.CONTRIBUTOR)
    clock.turn(seconds=599)
    assert tokens.check(token)
    clock.turn(seconds=1)
    with pytest.raises(SignInRefused):
        tokens.check(token)


def test_a_token_signed_by_our_key_as_these_tests_do_it_is_taken(tokens: Tokens, clock: Clock) -> None:
    """Else the tests below would show nothing."""
    assert tokens.check(signed(claims(clock))) == Claims("key-1", Role.VIEWER)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"exp": None}, {"exp": 0},
        {"exp": "never"}, {"nbf": 4_000_000_000}, {"iat": None}, {"iat": 4_000_000_000}, {"sub": None},
        {"client_id": None}, {"scope": "root"}, {"scope": None}, {"scope": ["admin"]},
    ],
)  # fmt: skip
def test_a_token_with_other_claims_is_refused(tokens: Tokens, clock: Clock, changes: dict[str, Any]) -> None:
    with pytest.raises(SignInRefused):
        tokens.check(signed(claims(clock, **changes)))


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "at+jwt", "crit": ["x"], "x": 1}, {"alg": "HS512"}])
def test_a_token_with_another_header_is_refused(tokens: Tokens, clock: Clock, header: dict[str, Any]) -> None:
    with pytest.raises(SignInRefused):
        tokens.check(signed(claims(clock), **header))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_token_is_refused(tokens: Tokens, clock: Clock, alg: str) -> None:
    for header in ({"alg": alg, "typ": "at+jwt", "kid": KEY["kid"]}, {"alg": alg, "typ": "at+jwt"}):
        with pytest.raises(SignInRefused):
            tokens.check(f"{part(header)}.{part(claims(clock))}.")
    valid = signed(claims(clock)).rsplit(".", 1)[0]
    with pytest.raises(SignInRefused):
        tokens.check(valid + ".")


@pytest.mark.parametrize("kid", [None, "", "other", "{} ", 1, ["x"], "../../dev/null"])
def test_a_token_names_one_of_our_keys(tokens: Tokens, clock: Clock, kid: Any) -> None:
    if isinstance(kid, str):
        kid = kid.format(KEY["kid"])
    with pytest.raises(SignInRefused):
        tokens.check(signed(claims(clock), kid=kid))


def test_a_key_that_the_token_brings_along_is_not_used(tokens: Tokens, clock: Clock) -> None:
    mine = OctKey.generate_key(256)
    brought = jwt.encode(
        {"alg": "HS256", "typ": "at+jwt", "kid": KEY["kid"], "jwk": mine.as_dict(private=True)},
        claims(clock), mine, ["HS256"],
    )  # fmt: skip
    with pytest.raises(SignInRefused):
        tokens.check(brought)


def test_an_asymmetric_signature_is_refused_though_its_key_bears_our_id(tokens: Tokens, clock: Clock) -> None:
    rsa = RSAKey.generate_key(2048)
    confused = jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": KEY["kid"]}, claims(clock), rsa, ["RS256"])
    with pytest.raises(SignInRefused):
        tokens.check(confused)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "x" * 100_000, "[" * 4000 + ".a.b", "é.é.é", part({}) + ".."]
)
def test_what_is_no_token_is_refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(SignInRefused):
        tokens.check(token)


def test_keys_are_exchanged_while_tokens_of_both_are_good(clock: Clock) -> None:
    kept = [SECRET]
    old = Tokens(SigningKeys(lambda: kept[0]), ISSUER, clock).make("key-1", "account-1", Role.VIEWER)
    kept[0] = new_signing_keys(kept[0])
    both = Tokens(SigningKeys(lambda: kept[0]), ISSUER, clock)
    new = both.make("key-1", "account-1", Role.VIEWER)
    assert both.check(old)
    assert both.check(new)
    kept[0] = new_signing_keys(kept[0])
    later = Tokens(SigningKeys(lambda: kept[0]), ISSUER, clock)
    assert later.check(new)
    with pytest.raises(SignInRefused):
        later.check(old)


def test_a_process_that_knows_the_old_key_reads_again_for_a_new_one(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    kept = [SECRET]
    process = Tokens(SigningKeys(lambda: kept[0]), ISSUER, clock)
    process.make("key-1", "account-1", Role.VIEWER)
    kept[0] = new_signing_keys(kept[0])
    new = Tokens(SigningKeys(lambda: kept[0]), ISSUER, clock).make("key-1", "account-1", Role.VIEWER)
    seconds[0] = 31
    assert process.check(new)


def test_a_file_is_given_a_key_and_keeps_it(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "secrets.json"
    token = Tokens(keys_in(FileSecrets(path)), ISSUER, clock).make("key-1", "account-1", Role.VIEWER)
    assert Tokens(keys_in(FileSecrets(path)), ISSUER, clock).check(token)
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_key_in_the_vault_it_is_said_what_is_missing(clock: Clock) -> None:
    with pytest.raises(Unavailable, match=r"signing-keys.*docs/security\.md"):
        Tokens(SigningKeys(lambda: None), ISSUER, clock).make("key-1", "account-1", Role.VIEWER)
