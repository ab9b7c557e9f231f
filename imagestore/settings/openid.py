"""Settings of the OpenID Connect issuers at which people may sign in, and whose access tokens the API takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from imagestore.decoding import decode
from imagestore.errors import SettingsError
from imagestore.settings.kinds import is_loopback, setting

_Id = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,29}$")]
_TAKEN = {"back"}
"""What stands behind /sign-in/openid/ otherwise."""


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An issuer. The first, of the settings OIDC_…, has the id ''; others are told apart by theirs.

    `roles` has the role's name for each value of the claim `roles_claim`. Without a `client_id` nobody signs in there,
    and the API takes its tokens all the same; without an `audience` it takes none.
    """

    id: _Id
    issuer: str
    client_id: str = ""
    name: str = "single sign-on"
    audience: str = ""
    scope: str = "imagestore"
    roles_claim: str = "roles"
    roles: Mapping[str, str] = msgspec.field(default_factory=dict)
    default_role: str = ""


@dataclass(frozen=True)
class OpenIdSettings:
    """The issuer that OIDC_ISSUER names, and those of OIDC_MORE."""

    oidc_issuer: str = setting("", "The OpenID Connect issuer at which people may sign in (docs/sign-in.md).")
    oidc_client_id: str = setting("", "As which client the issuer knows this app.")
    oidc_name: str = setting("single sign-on", "What people call the issuer: the page offers 'Sign in with …'.")
    oidc_roles_claim: str = setting("roles", "In which claim the issuer says which roles somebody has.")
    oidc_roles: str = setting("", "Which values of that claim give which roles, such as Editors=contributor,IT=admin.")
    oidc_default_role: str = setting("", "The role of those to whom OIDC_ROLES gives none; empty: they are refused.")
    oidc_audience: str = setting("", "For whom the issuer's access tokens must be that the API takes; empty: none is.")
    oidc_scope: str = setting("imagestore", "The scope that such a token must have.")
    oidc_more: str = setting(
        "", "More issuers, as a JSON list of objects with `id`, `issuer` and what else docs/sign-in.md names."
    )

    @property
    def issuers(self) -> tuple[Issuer, ...]:
        """The issuers that are allowed, the one of OIDC_ISSUER first. Raises SettingsError."""
        first = self._first()
        more = self._more()
        found = (*first, *more)
        for name in ("issuer", "id"):
            values = [getattr(one, name) for one in found]
            if twice := [value for value in values if values.count(value) > 1]:
                raise SettingsError(f"OIDC_MORE: two issuers have the {name} '{twice[0]}'.")
        return found

    def _first(self) -> tuple[Issuer, ...]:
        if not self.oidc_issuer:
            return ()
        _check_address("OIDC_ISSUER", self.oidc_issuer)
        if not self.oidc_client_id:
            raise SettingsError(
                "OIDC_CLIENT_ID is not set, and OIDC_ISSUER is. The issuer gives one to each app that is registered."
            )
        pairs = [part.strip().rpartition("=") for part in self.oidc_roles.split(",") if part.strip()]
        return (
            Issuer(
                id="",
                issuer=self.oidc_issuer,
                client_id=self.oidc_client_id,
                name=self.oidc_name,
                audience=self.oidc_audience,
                scope=self.oidc_scope,
                roles_claim=self.oidc_roles_claim,
                roles={value.strip(): role.strip() for value, _, role in pairs},
                default_role=self.oidc_default_role,
            ),
        )

    def _more(self) -> list[Issuer]:
        if not self.oidc_more:
            return []
        try:
            found = decode(self.oidc_more, list[Issuer])
        except msgspec.MsgspecError as error:
            raise SettingsError(
                f"OIDC_MORE cannot be read ({error}). It is a JSON list such as "
                '[{"id": "partner", "issuer": "https://login.example.org", "audience": "api://pictures"}].'
            ) from None
        for one in found:
            _check_address("OIDC_MORE", one.issuer)
            if one.id in _TAKEN:
                raise SettingsError(f"OIDC_MORE: an issuer cannot have the id '{one.id}'.")
            if not one.client_id and not one.audience:
                raise SettingsError(
                    f"OIDC_MORE: the issuer '{one.id}' has neither a client_id, with which people sign in there, nor "
                    "an audience, for which its tokens are taken."
                )
        return found


def _check_address(setting: str, issuer: str) -> None:
    parts = urlsplit(issuer)
    if parts.query or parts.fragment or not (is_loopback(parts.hostname or "") or parts.scheme == "https"):
        raise SettingsError(
            f"{setting} is '{issuer}': it is an https address such as https://login.example.org, as the issuer itself "
            "writes it."
        )
