"""Settings of the OpenID Connect issuers at which people may sign in, and whose access tokens the API takes."""

from dataclasses import dataclass

from imagestore.settings.kinds import setting


@dataclass(frozen=True)
class OpenIdSettings:
    """The issuer."""

    oidc_issuer: str = setting("", "The OpenID Connect issuer at which people may sign in (docs/sign-in.md).")
    oidc_client_id: str = setting("", "As which client the issuer knows this app.")
    oidc_name: str = setting("single sign-on", "What people call the issuer: the page offers 'Sign in with …'.")
    oidc_roles_claim: str = setting("roles", "In which claim the issuer says which roles somebody has.")
    oidc_roles: str = setting("", "Which values of that claim give which roles, such as Editors=contributor,IT=admin.")
    oidc_default_role: str = setting("", "The role of those to whom OIDC_ROLES gives none; empty: they are refused.")
    oidc_audience: str = setting("", "For whom the issuer's access tokens must be that the API takes; empty: none is.")
    oidc_scope: str = setting("imagestore", "The scope that such a token must have.")
