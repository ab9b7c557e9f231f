"""What the routes share."""

import re

import pytest

from imagestore.accounts.roles import Role
from imagestore.errors import SettingsError
from imagestore.settings import Settings
from imagestore.web.services import RecentUploads, openid_of


def test_the_oldest_upload_is_forgotten_first() -> None:
    recent = RecentUploads(most=2)
    for name in ("a", "b", "a", "c"):
        recent.add(name, name + ".jpg")
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == ("a.jpg", None, "c.jpg")


ISSUER = {"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": "pictures"}


def test_an_issuer_is_read_from_the_settings() -> None:
    given = ISSUER | {"OIDC_ROLES": "Pictures.Admin=admin, a=b=viewer", "OIDC_DEFAULT_ROLE": "viewer"}
    openid = openid_of(Settings.read(given), None)
    assert openid is not None
    assert openid.options.roles == {"Pictures.Admin": Role.ADMIN, "a=b": Role.VIEWER}
    assert openid.options.default_role is Role.VIEWER
    assert openid_of(Settings.read({}), None) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"OIDC_ISSUER": "http://login.example.org"}, "OIDC_ISSUER is 'http://login.example.org'"),
        ({"OIDC_ISSUER": "login.example.org"}, "OIDC_ISSUER is 'login.example.org'"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID is not set"),
        ({"OIDC_ROLES": "IT=king"}, "'king' is no role. There are viewer, contributor, trainer, admin"),
        ({"OIDC_DEFAULT_ROLE": "x"}, "OIDC_DEFAULT_ROLE is 'x'"),
    ],
)
def test_what_is_wrong_with_an_issuer_is_said_at_start(changed: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        openid_of(Settings.read(ISSUER | changed), None)
