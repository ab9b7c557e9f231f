"""What the routes share."""

import json
import re
from pathlib import Path

import pytest

from imagestore.accounts.roles import Role
from imagestore.errors import SettingsError
from imagestore.settings import Settings, SignUp
from imagestore.store.secrets import FileSecrets
from imagestore.web.services import RecentUploads, issuers_of, mail_server_of


def test_the_oldest_upload_is_forgotten_first() -> None:
    recent = RecentUploads(most=2)
    for name in ("a", "b", "a", "c"):
        recent.add(name, name + ".jpg")
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == ("a.jpg", None, "c.jpg")


ISSUER = {"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": "pictures"}


def test_an_issuer_is_read_from_the_settings() -> None:
    given = ISSUER | {"OIDC_ROLES": "Pictures.Admin=admin, a=b=viewer", "OIDC_DEFAULT_ROLE": "viewer"}
    (openid,) = issuers_of(Settings.read(given), None)
    assert openid.options.roles == {"Pictures.Admin": Role.ADMIN, "a=b": Role.VIEWER}
    assert openid.options.default_role is Role.VIEWER
    assert issuers_of(Settings.read({}), None) == []


PARTNER = {"id": "partner", "issuer": "https://login.partner.example", "client_id": "pictures", "audience": "api://p"}


def test_more_issuers_are_read_each_with_roles_and_a_secret_of_its_own() -> None:
    more = [PARTNER | {"roles": {"Staff": "trainer"}}, {"id": "b", "issuer": "https://b.example", "audience": "x"}]
    first, partner, last = issuers_of(Settings.read(ISSUER | {"OIDC_MORE": json.dumps(more)}), None)
    assert [one.options.id for one in (first, partner, last)] == ["", "partner", "b"]
    assert partner.options.roles == {"Staff": Role.TRAINER}
    assert (first.options.secret, partner.options.secret) == ("openid-client-secret", "openid-client-secret-partner")
    assert [one.options.signs_in for one in (first, partner, last)] == [True, True, False]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("partner", "OIDC_MORE cannot be read"),
        ([{"id": "partner"}], "missing required field `issuer`"),
        ([PARTNER | {"tenant": "x"}], "unknown field `tenant`"),
        ([PARTNER | {"id": "Partner"}], "OIDC_MORE cannot be read"),
        ([PARTNER | {"id": "back"}], "cannot have the id 'back'"),
        ([PARTNER | {"issuer": "http://login.partner.example"}], "OIDC_MORE is 'http://login.partner.example'"),
        ([PARTNER | {"client_id": "", "audience": ""}], "neither a client_id"),
        ([PARTNER, PARTNER | {"issuer": "https://b.example"}], "two issuers have the id 'partner'"),
        ([PARTNER | {"issuer": ISSUER["OIDC_ISSUER"]}], "two issuers have the issuer 'https://login.example.org'"),
        ([PARTNER | {"roles": {"IT": "king"}}], "OIDC_MORE (partner) is 'IT=king': 'king' is no role"),
    ],
)
def test_what_is_wrong_with_more_issuers_is_said_at_start(more: object, said: str) -> None:
    text = more if isinstance(more, str) else json.dumps(more)
    with pytest.raises(SettingsError, match=re.escape(said)):
        issuers_of(Settings.read(ISSUER | {"OIDC_MORE": text}), None)


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
        issuers_of(Settings.read(ISSUER | changed), None)


MAIL = {"MAIL_SERVER": "mail.example.org", "MAIL_FROM": "Pictures <pictures@example.org>"}


def test_a_mail_server_is_read_from_the_settings(tmp_path: Path) -> None:
    assert mail_server_of(Settings.read({}), None) is None
    secrets = FileSecrets(tmp_path / "secrets.json")
    secrets.put("mail-password", "x")
    server = mail_server_of(Settings.read(MAIL | {"MAIL_ENCRYPTION": "tls", "MAIL_PORT": "465"}), secrets)
    assert server is not None
    assert (server.host, server.port, server.encryption, server.password()) == ("mail.example.org", 465, "tls", "x")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"MAIL_FROM": ""}, "MAIL_FROM is ''"),
        ({"MAIL_FROM": "Pictures"}, "MAIL_FROM is 'Pictures'"),
        ({"MAIL_FROM": "a@example.org\nBcc: b@example.org"}, "MAIL_FROM is"),
        ({"MAIL_ENCRYPTION": "none"}, "MAIL_ENCRYPTION is 'none', and MAIL_SERVER is 'mail.example.org'"),
        ({"MAIL_ENCRYPTION": "ssl"}, "MAIL_ENCRYPTION is 'ssl'"),
        ({"MAIL_PORT": "0"}, "MAIL_PORT is '0'"),
    ],
)
def test_what_is_wrong_with_a_mail_server_is_said_at_start(changed: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        Settings.read(MAIL | changed)


def test_an_open_sign_up_needs_a_mail_server_and_that_is_said_at_start() -> None:
    """Nobody has checked an email address that was only typed in."""
    given = {"AUTH": "required", "PUBLIC_URL": "https://pictures.example.org", "SIGN_UP": "open"}
    with pytest.raises(SettingsError, match="SIGN_UP is 'open', and MAIL_SERVER is not set"):
        Settings.read(given)
    mail = {"MAIL_SERVER": "smtp.example.org", "MAIL_FROM": "pictures@example.org"}
    assert Settings.read(given | mail).sign_up is SignUp.OPEN
    assert Settings.read(given | {"AUTH": "off"}).sign_up is SignUp.OPEN, "where nobody signs in it says nothing"
