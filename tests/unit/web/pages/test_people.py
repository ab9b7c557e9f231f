"""Accounts as a page for administrators: invite, give a role, keep out, delete; links are shown once."""

import re
from html import unescape

import pytest

from imagestore.accounts.roles import Role
from imagestore.web.services import Services
from unit.accounts.conftest import PASSWORD
from unit.web.conftest import Api
from unit.web.pages.test_account import follow, said
from unit.web.signed_in import PUBLIC, Browser, Person

OTHER = "wombat trellis oboe"


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def link_in(text: str) -> str:
    """The one-time link that a page shows."""
    (found,) = re.findall(rf"<code>{PUBLIC}(/[^<]+)</code>", text)
    return unescape(found)


def test_everybody_is_listed_with_role(admin: Browser, people: dict[Role, Person]) -> None:
    page = admin.get("/people")
    assert page.status_code == 200
    for role in people:
        assert f"a.{role}@example.org" in page.text
        assert f'aria-label="Role of a {role}"' in page.text


def test_somebody_is_invited_by_a_link_that_is_shown_once(admin: Browser) -> None:
    made = admin.submit("/people/invitations", admin.get("/people"), email="New@example.org", role="trainer")
    assert made.status_code == 200
    link = link_in(made.text)
    assert link.startswith("/invitation?token=")
    again = admin.get("/people")
    assert "new@example.org" in again.text
    assert link.partition("=")[2] not in again.text
    newcomer = Browser(admin.app)
    form = newcomer.get(link)
    assert newcomer.submit("/invitation", form, name="New", password=OTHER).status_code == 303
    assert newcomer.get("/api/v1/account").json()["role"] == "trainer"


def test_an_invitation_is_taken_back(admin: Browser, guarded: Services) -> None:
    page = admin.submit("/people/invitations", admin.get("/people"), email="new@example.org", role="viewer")
    link = link_in(page.text)
    (one,) = guarded.accounts.links.list()
    assert said(follow(admin, admin.submit(f"/people/invitations/{one.id}/revoke", page))).endswith("taken back.")
    assert admin.get(link).status_code == 410


@pytest.mark.parametrize(
    ("email", "role", "status"),
    [("nobody", "viewer", 422), ("a.viewer@example.org", "viewer", 409), ("n@x.org", "", 422)],
)
def test_what_cannot_be_an_invitation_is_said(
    admin: Browser, guarded: Services, email: str, role: str, status: int
) -> None:
    refused = admin.submit("/people/invitations", admin.get("/people"), email=email, role=role)
    assert refused.status_code == status
    assert said(refused)
    assert guarded.accounts.links.list() == []


def test_a_role_is_changed_and_on_record(admin: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    id = people[Role.VIEWER].account.id
    done = follow(admin, admin.submit(f"/people/{id}/role", admin.get("/people"), role="trainer"))
    assert said(done) == "The role is changed."
    assert admin.get("/api/v1/account", headers=people[Role.VIEWER].cookie).json()["role"] == "trainer"
    entry = next(iter(guarded.accounts.audit.search(what="setRole")))
    assert (entry.target, entry.before, entry.after) == (id, {"role": "viewer"}, {"role": "trainer"})
    assert entry.who == people[Role.ADMIN].account.id


def test_somebody_is_kept_out_and_let_in_again(admin: Browser, people: dict[Role, Person], guarded: Services) -> None:
    viewer = people[Role.VIEWER]
    path = f"/people/{viewer.account.id}"
    assert "disabled" in follow(admin, admin.submit(f"{path}/disable", admin.get("/people"))).text
    for headers in (viewer.cookie, viewer.bearer):
        assert Browser(admin.app).get("/api/v1/account", headers=headers).status_code == 401
    follow(admin, admin.submit(f"{path}/enable", admin.get("/people")))
    assert Browser(admin.app).sign_in("a.viewer@example.org").status_code == 303
    within, out = {"is_disabled": False}, {"is_disabled": True}
    for what, before, after in (("disable", within, out), ("enable", out, within)):
        (entry,) = guarded.accounts.audit.search(what=what)
        assert (entry.target, entry.before, entry.after) == (viewer.account.id, before, after)


def test_somebody_is_signed_out_everywhere(admin: Browser, people: dict[Role, Person]) -> None:
    viewer = people[Role.VIEWER]
    follow(admin, admin.submit(f"/people/{viewer.account.id}/sessions/end", admin.get("/people")))
    assert Browser(admin.app).get("/api/v1/account", headers=viewer.cookie).status_code == 401


def test_a_forgotten_password_is_replaced_by_a_link(admin: Browser, people: dict[Role, Person]) -> None:
    made = admin.submit(f"/people/{people[Role.VIEWER].account.id}/reset", admin.get("/people"))
    visitor = Browser(admin.app)
    assert visitor.submit("/reset", visitor.get(link_in(made.text)), password=OTHER).status_code == 303
    assert visitor.sign_in("a.viewer@example.org", PASSWORD).status_code == 401
    assert visitor.sign_in("a.viewer@example.org", OTHER).status_code == 303


def test_an_account_is_deleted_after_being_asked(admin: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    id = people[Role.VIEWER].account.id
    asked = admin.get(f"/people/{id}/delete")
    assert "Delete a viewer" in asked.text
    assert guarded.accounts.people.get(id) is not None, "asking deletes nothing"
    assert said(follow(admin, admin.submit(f"/people/{id}/delete", asked))) == "The account is deleted."
    assert guarded.accounts.people.get(id) is None
    assert admin.get(f"/people/{id}/delete").status_code == 404


def test_the_last_administrator_stays_one(admin: Browser, people: dict[Role, Person]) -> None:
    page, id = admin.get("/people"), people[Role.ADMIN].account.id
    for path, fields in (("role", {"role": "viewer"}), ("disable", {}), ("delete", {})):
        refused = admin.submit(f"/people/{id}/{path}", page, **fields)
        assert refused.status_code == 409
        assert "only administrator left" in said(refused)


def test_names_are_shown_as_text(admin: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    evil = '"><script>alert(1)</script>'
    guarded.accounts.rename(people[Role.VIEWER].account.id, evil)
    for page in ("/people", f"/people/{people[Role.VIEWER].account.id}/delete", "/audit"):
        assert "<script>alert" not in admin.get(page).text


def test_where_nobody_signs_in_the_page_says_so(api: Api) -> None:
    assert "Nobody signs in here" in api.get("http://localhost/people").text
