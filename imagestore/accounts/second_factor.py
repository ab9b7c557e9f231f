"""A second factor for those who sign in with a password: codes of an app (TOTP, RFC 6238), and recovery codes.

A code is good once, for half a minute or so. A recovery code is good once, whenever the app is lost; only hashes of
them are kept. The secret that the app shares with us cannot be a hash, and so it is kept as it is.
"""

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.tokens import Clock, id_of, now
from imagestore.decoding import convert
from imagestore.errors import Conflict, NotFound, SignInRefused
from imagestore.record import utc
from imagestore.store import Item, Items

TYPE = "factor"
RECOVERY_CODES = 10
BEGUN_S = 900
_STEP_S = 30
_DIGITS = 6
_RECOVERY_BYTES = 15
"""120 random bits, so that a plain hash of them keeps them secret (OWASP ASVS 5.0, 6.5.2)."""
_GROUP = 4


@dataclass(frozen=True)
class Factor:
    """The second factor of an account. Until it is on, its owner has yet to show that the app works.

    `last_step` is the half minute, counted since 1970, of the last code that was used; `recovery` the hashes that are
    left.
    """

    id: str
    account: str
    created_at: str
    secret: str = field(repr=False)
    is_on: bool = False
    last_step: int = 0
    recovery: tuple[str, ...] = field(default=(), repr=False)


class SecondFactors:
    """The second factors. Every method raises Unavailable."""

    def __init__(self, items: Items, clock: Clock = now) -> None:
        self._items = items
        self._clock = clock

    def find(self, account: str) -> Factor | None:
        """The second factor with which this account signs in; None if it needs none."""
        item = self._items.read(_id(account))
        factor = None if item is None else _factor(item)
        return factor if factor is not None and factor.is_on else None

    def accounts(self) -> Collection[str]:
        """The accounts that sign in with a second factor."""
        return {factor.account for factor in map(_factor, self._items.find(TYPE)) if factor.is_on}

    def begin(self, account: str) -> str:
        """Make the secret for an app, which counts once it is confirmed. Raises Conflict if there is one already."""
        secret = base64.b32encode(secrets.token_bytes(20)).decode()
        item = self._items.read(_id(account))
        factor = Factor(_id(account), account, utc(self._clock()), secret)
        document = _document(factor) | {"ttl": BEGUN_S}
        if item is None:
            self._items.create(document)
        elif _factor(item).is_on:
            raise Conflict("You have a second factor already. Turn it off first.")
        else:
            self._items.replace(document, item.etag)
        return secret

    def confirm(self, account: str, code: str) -> list[str]:
        """Turn the factor on with a first code of the app. Returns the recovery codes, which are shown once.

        Raises NotFound if none was begun, SignInRefused for a wrong code, or Conflict.
        """
        item = self._items.read(_id(account))
        if item is None or _factor(item).is_on:
            raise NotFound("There is nothing to confirm: it was confirmed already, or begun too long ago. Begin again.")
        factor = _factor(item)
        step = self._step_of(factor, _plain(code))
        if step is None:
            raise SignInRefused("This code is not right. Is the clock of your phone? Try the next one.")
        codes, hashes = _new_recovery(account)
        self._items.replace(_document(replace(factor, is_on=True, last_step=step, recovery=hashes)), item.etag)
        return codes

    def renew_recovery(self, account: str) -> list[str]:
        """Make ten other recovery codes, which are shown once; those of before are useless.

        Raises NotFound if there is no second factor, or Conflict.
        """
        item = self._items.read(_id(account))
        if item is None or not _factor(item).is_on:
            raise NotFound("You have no second factor. Set it up first.")
        codes, hashes = _new_recovery(account)
        self._items.replace(_document(replace(_factor(item), recovery=hashes)), item.etag)
        return codes

    def secret_begun(self, account: str) -> str | None:
        """The secret that waits for its first code; None if none does."""
        item = self._items.read(_id(account))
        return None if item is None or _factor(item).is_on else _factor(item).secret

    def use(self, account: str, code: str) -> bool:
        """Whether this is a good code of the app, or a recovery code. It is used up: of all who try, one succeeds."""
        item = self._items.read(_id(account))
        if item is None or not _factor(item).is_on:
            return False
        factor, given = _factor(item), _plain(code)
        step, hashed = self._step_of(factor, given), _hashed(account, given)
        if step is not None:
            used = replace(factor, last_step=step)
        elif hashed in factor.recovery:
            used = replace(factor, recovery=tuple(one for one in factor.recovery if one != hashed))
        else:
            return False
        try:
            self._items.replace(_document(used), item.etag)
        except Conflict:  # somebody used a code at the same moment
            return False
        return True

    def remove(self, account: str) -> bool:
        """Turn the factor off; False if there is none."""
        return self._items.delete(_id(account))

    def _step_of(self, factor: Factor, code: str) -> int | None:
        """The half minute whose code this is: this one, the one before or the next, and none of which one was used."""
        import pyotp  # only the web app has this package

        if len(code) != _DIGITS or not code.isascii() or not code.isdecimal():
            return None
        app = pyotp.TOTP(factor.secret)
        step = int(self._clock().timestamp()) // _STEP_S
        for near in (step, step - 1, step + 1):
            if secrets.compare_digest(app.generate_otp(near), code):
                return near if near > factor.last_step else None
        return None


@dataclass(frozen=True)
class FactorDemand:
    """Who must have a second factor: those with a password whose role is this one or may do more."""

    role: Role

    def is_for(self, account: Account) -> bool:
        """Whether this account must have one."""
        return account.password is not None and account.role.covers(self.role)


def link_for_app(secret: str, email: str) -> str:
    """The address (otpauth://) that an app takes the secret from."""
    import pyotp

    return str(pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Intelligent Storage"))


def _id(account: str) -> str:
    return id_of(TYPE, account)


def _new_recovery(account: str) -> tuple[list[str], tuple[str, ...]]:
    """Recovery codes as they are shown, and their hashes."""
    codes = [_shown(base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()) for _ in range(RECOVERY_CODES)]
    return codes, tuple(_hashed(account, _plain(one)) for one in codes)


def _hashed(account: str, code: str) -> str:
    return id_of("recovery", account, code)


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()[:64]


def _shown(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def _factor(item: Item) -> Factor:
    return convert(item.document, Factor)


def _document(factor: Factor) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(factor)
    return document | {"type": TYPE}
