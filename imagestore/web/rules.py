"""The rules: one table that says who may use which route.

What is not in the table nobody may use. A role may do what the roles before it may (imagestore/accounts/roles.py).
"""

from collections.abc import Mapping
from enum import StrEnum

from imagestore.accounts.callers import Caller
from imagestore.accounts.roles import Role


class Open(StrEnum):
    """What is needed besides a role: nothing, or to be signed in."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"


Need = Role | Open
_BY_NEED: dict[Need, tuple[str, ...]] = {
    Open.ANYONE: (
        "GET /api/v1/health/live",
        "GET /api/v1/health/ready",
        "POST /api/v1/oauth/token",
        "GET /sign-in",
        "POST /sign-in",
        "POST /sign-in/code",
        "GET /sign-in/forgotten",
        "POST /sign-in/forgotten",
        "GET /sign-in/openid",
        "GET /sign-in/openid/back",
        "GET /sign-in/openid/{id}",
        "GET /sign-in/openid/{id}/back",
        "GET /sign-up",
        "POST /sign-up",
        "GET /invitation",
        "POST /invitation",
        "GET /reset",
        "POST /reset",
        "GET /favicon.ico",
        "GET /static",
        "GET /static/swagger",
    ),
    Open.SIGNED_IN: (
        "GET /sign-out",
        "POST /sign-out",
        "GET /account",
        "POST /account/name",
        "POST /account/password",
        "POST /account/sessions/end",
        "POST /account/sessions/{id}/end",
        "POST /account/keys",
        "POST /account/keys/{id}/revoke",
        "GET /account/second-factor",
        "POST /account/second-factor",
        "POST /account/second-factor/confirm",
        "POST /account/second-factor/codes",
        "POST /account/second-factor/off",
        "GET /account/data",
        "GET /account/delete",
        "POST /account/delete",
        "GET /api/v1/account",
        "DELETE /api/v1/account",
        "GET /api/v1/account/data",
        "PUT /api/v1/account/password",
        "GET /api/v1/account/sessions",
        "DELETE /api/v1/account/sessions",
        "DELETE /api/v1/account/sessions/{id}",
        "GET /api/v1/keys",
        "POST /api/v1/keys",
        "POST /api/v1/keys/{id}/rotate",
        "DELETE /api/v1/keys/{id}",
        "GET /api/v1/openapi.json",
        "GET /api",
        "GET /api/docs",
    ),
    Role.VIEWER: (
        "GET /",
        "GET /gallery",
        "GET /pictures/{id}",
        "GET /cards/{id}",
        "GET /models",
        "GET /models/job",
        "GET /jobs",
        "GET /models/{name}/{version}/report",
        "GET /dashboard",
        "GET /api/v1/pictures",
        "GET /api/v1/pictures/{id}",
        "GET /api/v1/pictures/{id}/duplicates",
        "GET /api/v1/pictures/{id}/staged",
        "GET /api/v1/pictures/{id}/thumbnail",
        "GET /api/v1/pictures/{id}/preview",
        "GET /api/v1/counts",
        "GET /api/v1/labels",
        "GET /api/v1/overview",
        "GET /api/v1/events",
        "GET /api/v1/models",
        "GET /api/v1/models/outdated",
        "POST /api/v1/classify",
        "GET /api/v1/projects",
        "GET /api/v1/projects/{project}",
        "GET /api/v1/job",
        "GET /api/v1/jobs",
        "GET /api/v1/jobs/{id}",
    ),
    Role.CONTRIBUTOR: (
        "GET /review",
        "POST /api/v1/pictures",
        "GET /api/v1/pictures/{id}/original",
        "DELETE /api/v1/pictures/{id}",
        "POST /api/v1/pictures/{id}/undelete",
        "PUT /api/v1/pictures/{id}/correction",
        "DELETE /api/v1/pictures/{id}/correction",
        "POST /api/v1/pictures/{id}/retry",
    ),
    Role.TRAINER: (
        "GET /api/v1/models/{name}/{version}/files/{file}",
        "POST /api/v1/models/{name}/{version}/promote",
        "POST /api/v1/models/rollback",
        "POST /api/v1/projects",
        "PATCH /api/v1/projects/{project}",
        "DELETE /api/v1/projects/{project}",
        "POST /api/v1/projects/{project}/undelete",
        "PUT /api/v1/projects/{project}/published/{published}",
        "DELETE /api/v1/projects/{project}/published/{published}",
        "PUT /api/v1/routes",
        "DELETE /api/v1/routes",
        "POST /api/v1/models/reprocess",
        "DELETE /api/v1/job",
        "POST /api/v1/jobs",
        "POST /api/v1/jobs/{id}/cancel",
        "POST /api/v1/jobs/{id}/retry",
    ),
    Role.ADMIN: (
        "GET /people",
        "POST /people/invitations",
        "POST /people/invitations/{id}/revoke",
        "POST /people/{id}/role",
        "POST /people/{id}/disable",
        "POST /people/{id}/enable",
        "POST /people/{id}/sessions/end",
        "POST /people/{id}/reset",
        "POST /people/{id}/second-factor/remove",
        "GET /people/{id}/delete",
        "POST /people/{id}/delete",
        "GET /audit",
        "GET /api/v1/accounts",
        "GET /api/v1/invitations",
        "POST /api/v1/invitations",
        "DELETE /api/v1/invitations/{id}",
        "PUT /api/v1/accounts/{id}/role",
        "PUT /api/v1/accounts/{id}/disabled",
        "DELETE /api/v1/accounts/{id}/disabled",
        "DELETE /api/v1/accounts/{id}/sessions",
        "DELETE /api/v1/accounts/{id}/second-factor",
        "POST /api/v1/accounts/{id}/reset",
        "DELETE /api/v1/accounts/{id}",
        "GET /api/v1/audit",
        "GET /api/v1/audit/export",
    ),
}
TABLE: Mapping[str, Need] = {route: need for need, routes in _BY_NEED.items() for route in routes}
"""What each route needs, by its method and address; of static files, what stands before their names."""
WITHOUT_FACTOR = {
    "GET /account/second-factor",
    "POST /account/second-factor",
    "POST /account/second-factor/confirm",
    "GET /sign-out",
    "POST /sign-out",
}
"""What people may use who have yet to set up the second factor that their role needs, besides what anyone may."""


def may(caller: Caller | None, row: str) -> bool:
    """Whether this caller may use the route of this row of the table."""
    need = TABLE[row]
    if need is Open.ANYONE:
        return True
    if caller is not None and caller.lacks_factor and row not in WITHOUT_FACTOR:
        return False
    return caller is not None and (not isinstance(need, Role) or caller.role.covers(need))
