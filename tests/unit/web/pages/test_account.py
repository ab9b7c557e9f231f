"""One's own account as a page: without scripts one changes what is one's own, and nothing of others."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from fastapi import FastAPI

from imagestore.accounts.people import People
from imagestore.accounts.roles import Role
from imagestore.accounts.sessions import RECENT, Sessions
from imagestore.web.services import Services
from unit.accounts.conftest import PASSWORD
from unit.web.conftest import Api
from unit.web.signed_in import COOKIE, PUBLIC, Answer, Browser, Person

OTHER = "wombat trellis oboe"
VIEWER = "a.viewer@example.org"


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def said(page: Answer) -> str:
    """What a page says came of the form that was sent."""
    (found,) = re.findall(r'<p class="(?:wrong|done)" role="(?:alert|status)">(.*?)</p>', page.text)
    return unescape(found)


def follow(browser: Browser, answer: Answer) -> Answer:
    """The page that an answer leads to."""
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"])


def test_the_page_shows_who_one_is_and_leads_out(browser: Browser, people: dict[Role, Person]) -> None:
    browser.sign_in(VIEWER)
    page = browser.get("/account")
    assert page.status_code == 200
    assert "no-store" in page.headers["cache-control"]
    for text in (VIEWER, "this one", "key of a viewer", "Sign out everywhere", "Delete my account"):
        assert text in page.text
    assert people[Role.VIEWER].secret not in page.text


def test_the_header_leads_each_role_to_what_it_may_use(browser: Browser, people: dict[Role, Person]) -> None:
    for role, somebody in people.items():
        header = browser.get("/gallery", headers=somebody.cookie).text.partition("</header>")[0]
        assert f"a {role}</bdi>, {role}" in header
        assert 'href="/account"' in header
        assert ('href="/people"' in header) == ('href="/audit"' in header) == (role is Role.ADMIN)
        assert ('href="/review"' in header) == role.covers(Role.CONTRIBUTOR)


def test_without_sign_in_the_page_says_whose_the_app_is(api: Api) -> None:
    page = api.get("http://localhost/account").text
    assert page.count("Signed in as the owner: this app answers to this machine only") == 2
    assert "<form" not in page


def test_a_name_is_changed_and_shown_as_text(browser: Browser, people: dict[Role, Person]) -> None:
    browser.sign_in(VIEWER)
    changed = follow(browser, browser.submit("/account/name", browser.get("/account"), name="<b>Vi</b>"))
    assert said(changed) == "Your name is changed."
    assert "&lt;b&gt;Vi&lt;/b&gt;</bdi>, viewer" in changed.text
    assert "<b>Vi" not in changed.text
    refused = browser.submit("/account/name", changed, name=" ")
    assert refused.status_code == 422
    assert said(refused).startswith("A name has 1 to 100 characters")


def test_another_password_keeps_this_browser_signed_in_and_no_other(
    browser: Browser, people: dict[Role, Person]
) -> None:
    browser.sign_in(VIEWER)
    before = browser.cookies[COOKIE]
    wrong = browser.submit("/account/password", browser.get("/account"), old=OTHER, new=OTHER)
    assert (wrong.status_code, said(wrong)) == (403, "The password is wrong. Nothing was changed.")
    weak = browser.submit("/account/password", wrong, old=PASSWORD, new="password1234")
    assert weak.status_code == 422
    assert "password1234" not in weak.text
    done = follow(browser, browser.submit("/account/password", weak, old=PASSWORD, new=OTHER))
    assert said(done) == "Your password is changed. Your other sessions have ended."
    assert browser.cookies[COOKIE] != before
    for ended in (before, people[Role.VIEWER].session):
        browser.cookies.clear()
        assert browser.get("/api/v1/account", headers={"Cookie": f"{COOKIE}={ended}"}).status_code == 401
    assert browser.sign_in(VIEWER, OTHER).status_code == 303


def test_sessions_are_ended_one_by_one_or_all(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    viewer = people[Role.VIEWER]
    browser.sign_in(VIEWER)
    page = browser.get("/account")
    (elsewhere,) = [one.id for one in guarded.accounts.sessions.of(viewer.account.id) if one.address == "192.0.2.7"]
    assert said(follow(browser, browser.submit(f"/account/sessions/{elsewhere}/end", page))) == "The session has ended."
    assert browser.submit(f"/account/sessions/{elsewhere}/end", page).status_code == 404
    (others,) = [one.id for one in guarded.accounts.sessions.of(people[Role.ADMIN].account.id)]
    assert browser.submit(f"/account/sessions/{others}/end", page).status_code == 404, "another's"
    out = browser.submit("/account/sessions/end", page)
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert guarded.accounts.sessions.of(viewer.account.id) == []


def test_a_key_is_shown_once_and_can_do_no_more_than_its_owner(browser: Browser, people: dict[Role, Person]) -> None:
    browser.sign_in(VIEWER)
    page = browser.get("/account")
    assert "<option>viewer</option></select>" in page.text, "no higher role is offered"
    made = browser.submit("/account/keys", page, name="camera", role="viewer", days="30")
    (secret,) = re.findall(r"<code>(ims_[\w-]{43})</code>", made.text)
    assert browser.get("/api/v1/account", headers={"Authorization": f"Bearer {secret}"}).json()["role"] == "viewer"
    again = browser.get("/account")
    assert secret not in again.text
    assert "camera" in again.text
    for role, days, status in (("admin", "30", 403), ("king", "30", 422), ("viewer", "0", 422), ("viewer", "x", 422)):
        refused = browser.submit("/account/keys", page, name="more", role=role, days=days)
        assert refused.status_code == status
        assert said(refused)
        assert "Your new key" not in refused.text
    key = next(one for one in browser.get("/api/v1/keys").json() if one["name"] == "camera")
    revoked = follow(browser, browser.submit(f"/account/keys/{key['id']}/revoke", page))
    assert said(revoked) == "The key is useless from now on."
    assert browser.get("/api/v1/account", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    others = people[Role.ADMIN].key.id
    assert browser.submit(f"/account/keys/{others}/revoke", page).status_code == 404


def test_what_is_kept_of_a_person_is_a_file(browser: Browser, people: dict[Role, Person]) -> None:
    browser.sign_in(VIEWER)
    found = browser.get("/account/data")
    assert found.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert found.json()["account"]["email"] == VIEWER
    assert "argon2" not in found.text


def test_an_account_is_deleted_by_who_knows_its_password(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    viewer = people[Role.VIEWER]
    browser.sign_in(VIEWER)
    page = browser.get("/account/delete")
    wrong = browser.submit("/account/delete", page, password=OTHER)
    assert (wrong.status_code, said(wrong)) == (403, "The password is wrong. Nothing was changed.")
    assert guarded.accounts.people.get(viewer.account.id) is not None
    gone = browser.submit("/account/delete", wrong, password=PASSWORD)
    assert (gone.status_code, gone.headers["location"]) == (303, "/sign-in")
    assert guarded.accounts.people.get(viewer.account.id) is None
    assert browser.get("/api/v1/account", headers=viewer.bearer).status_code == 401


def test_before_an_account_is_deleted_it_is_said_what_stays(browser: Browser, people: dict[Role, Person]) -> None:
    browser.sign_in(VIEWER)
    page = browser.get("/account/delete").text
    assert "with the network addresses you did it from, until each entry is 365 days old" in page
    assert "Sign in again" not in page


def test_who_has_no_password_signs_in_again_and_leaves(browser: Browser, guarded: Services) -> None:
    def then() -> datetime:
        return datetime.now(UTC) - RECENT

    store = guarded.stores.accounts
    elsewhere = People(store, then).create_federated("https://issuer.example", "1", "", "Ada", Role.VIEWER)
    browser.cookies.set(COOKIE, Sessions(store, clock=then).start(elsewhere.id, "", "")[0])
    page = browser.get("/account/delete")
    assert 'href="/sign-in?next=/account/delete"' in page.text
    refused = browser.submit("/account/delete", page)
    assert (refused.status_code, "more than ten minutes ago" in said(refused)) == (403, True)
    browser.cookies.clear()
    browser.cookies.set(COOKIE, guarded.accounts.sign_in(elsewhere, "", ""))
    assert browser.submit("/account/delete", browser.get("/account/delete")).status_code == 303
    assert guarded.accounts.people.get(elsewhere.id) is None


def test_the_last_administrator_cannot_leave(browser: Browser, guarded: Services, people: dict[Role, Person]) -> None:
    browser.sign_in("a.admin@example.org")
    refused = browser.submit("/account/delete", browser.get("/account/delete"), password=PASSWORD)
    assert refused.status_code == 409
    assert "only administrator left" in said(refused)


def test_what_the_page_changes_is_on_record_as_by_the_api(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    browser.sign_in(VIEWER)
    browser.submit("/account/keys", browser.get("/account"), name="camera", role="viewer", days="30")
    entry = next(iter(guarded.accounts.audit.search(who=people[Role.VIEWER].account.id)))
    assert (entry.what, entry.result, entry.after["role"]) == ("createKey", "done", "viewer")


def test_a_form_of_another_site_changes_nothing(
    browser: Browser, guarded: Services, guarded_app: FastAPI, people: dict[Role, Person]
) -> None:
    browser.sign_in(VIEWER)
    stranger = Browser(guarded_app)
    form = re.findall(r'name="form" value="([^"]*)"', stranger.get("/sign-in").text)[0]
    for path in ("/account/name", "/account/sessions/end", "/account/keys", "/account/delete"):
        for token in ("", form):
            sent = browser.post(path, data={"form": token, "name": "X"}, headers={"Origin": PUBLIC})
            assert sent.status_code == 403
    assert browser.get("/api/v1/account").json()["name"] == "a viewer"


def test_a_key_opens_the_page_but_changes_nothing_on_it(browser: Browser, people: dict[Role, Person]) -> None:
    bearer = people[Role.VIEWER].bearer
    page = browser.get("/account", headers=bearer)
    assert "only a person who has signed in" in page.text
    assert browser.get("/account/data", headers=bearer).status_code == 403
