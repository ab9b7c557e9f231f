"""The OpenID Connect issuers that are allowed: at which people sign in, and whose access tokens the API takes."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from imagestore.accounts.openid import REFUSED, Identity, OpenId
from imagestore.errors import SignInRefused

_LONGEST = 16_384


class Issuers:
    """The issuers, by their ids and addresses. An issuer that is not among them is believed in nothing."""

    def __init__(self, issuers: Sequence[OpenId] = ()) -> None:
        self._by_id = {one.options.id: one for one in issuers}
        self._by_address = {one.options.issuer: one for one in issuers}

    @property
    def for_sign_in(self) -> list[OpenId]:
        """Those at which people sign in, in the order of the settings."""
        return [one for one in self._by_id.values() if one.options.signs_in]

    @property
    def take_tokens(self) -> bool:
        """Whether access tokens of any issuer are taken."""
        return any(one.options.audience for one in self._by_id.values())

    def with_id(self, id: str) -> OpenId | None:
        """The issuer with this id at which people sign in, None if there is none."""
        found = self._by_id.get(id)
        return found if found is not None and found.options.signs_in else None

    def of(self, identity: Identity) -> OpenId:
        """The issuer that speaks of this person."""
        return self._by_address[identity.issuer]

    def check(self, token: str) -> Identity:
        """Whom an access token of an allowed issuer speaks of. Raises SignInRefused, or Unavailable.

        Whose it claims to be only says whose keys, audience and scope it is checked with.
        """
        claimed = _claims_of(token).get("iss")
        found = self._by_address.get(claimed) if isinstance(claimed, str) else None
        if found is None:
            raise SignInRefused(REFUSED)
        return found.check(token)


def _claims_of(token: str) -> dict[str, Any]:
    """What a token says, which nobody has checked yet; nothing where it is no token."""
    parts = token.split(".")
    if len(token) > _LONGEST or len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
