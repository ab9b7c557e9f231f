"""A second factor as a person sets it up, signs in with it, loses it and has it taken off."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pyotp
import pytest
from fastapi import FastAPI

from imagestore.accounts.passwords import Passwords
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.accounts.signing import Tokens, keys_of_this_process
from imagestore.web.app import app_of
from imagestore.web.custom_vision.errors import is_theirs
from imagestore.web.rules import WITHOUT_FACTOR, Open
from imagestore.web.services import Services
from unit.accounts.conftest import PASSWORD, QUICK, Clock
from unit.web.guards.test_access import every
from unit.web.pages.test_account import follow, said
from unit.web.signed_in import COOKIE, PUBLIC, Answer, Browser, Person

OTHER = "wombat trellis oboe"
VIEWER = "a.viewer@example.org"


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


@pytest.fixture
def clock(guarded: Services) -> Clock:
    """The clock by which codes are checked."""
    turned = Clock(datetime.now(UTC))
    object.__setattr__(guarded.accounts.factors, "_clock", turned)
    return turned


def set_up(browser: Browser, clock: Clock) -> tuple[str, list[str]]:
    """Turn a second factor on, as the page asks. Returns the secret and the recovery codes."""
    browser.sign_in(VIEWER)
    begun = browser.submit("/account/second-factor", browser.get("/account"), password=PASSWORD)
    (secret,) = re.findall(r"<code>([A-Z2-7]{32})</code>", begun.text)
    assert f"secret={secret}" in begun.text
    assert "<svg" in begun.text
    shown = browser.submit("/account/second-factor/confirm", begun, code=pyotp.TOTP(secret).at(clock.moment))
    assert shown.status_code == 200
    codes = re.findall(r"<li><code>([A-Z2-7-]+)</code></li>", shown.text)
    assert len(codes) == 10
    clock.turn(minutes=1)
    browser.submit("/sign-out", browser.get("/account"))
    return secret, codes


def asked(browser: Browser, next: str = "") -> Answer:
    """The page that asks for a code after the password."""
    page = browser.sign_in(VIEWER, next=next)
    assert page.status_code == 200
    assert 'autocomplete="one-time-code"' in page.text
    assert browser.get("/api/v1/account").status_code == 401, "the password alone opens nothing"
    return page


def test_sign_in_asks_for_a_code_and_goes_on_to_where_one_was(
    browser: Browser, guarded: Services, people: dict[Role, Person], clock: Clock
) -> None:
    secret, _ = set_up(browser, clock)
    page = asked(browser, "/gallery")
    wrong = browser.submit("/sign-in/code", page, code="000000")
    assert wrong.status_code == 401
    assert COOKIE not in str(wrong.headers.get_list("set-cookie"))
    done = browser.submit("/sign-in/code", wrong, code=pyotp.TOTP(secret).at(clock.moment))
    assert (done.status_code, done.headers["location"]) == (303, "/gallery")
    assert browser.get("/api/v1/account").json()["email"] == VIEWER
    entries = [(one.what, one.result) for one in guarded.accounts.audit.search(target=people[Role.VIEWER].account.id)]
    assert entries[:3] == [("sign_in", "done"), ("sign_in", "refused"), ("sign_in", "code_asked")]


def test_a_code_or_a_way_in_that_was_used_is_refused(
    browser: Browser, people: dict[Role, Person], clock: Clock
) -> None:
    secret, _ = set_up(browser, clock)
    shown, first, second = pyotp.TOTP(secret).at(clock.moment), asked(browser), asked(Browser(browser.app))
    other = Browser(browser.app)
    second = asked(other)
    assert browser.submit("/sign-in/code", first, code=shown).status_code == 303
    assert other.submit("/sign-in/code", second, code=shown).status_code == 401, "the code was used"
    clock.turn(minutes=1)
    browser.cookies.delete(COOKIE)
    again = browser.submit("/sign-in/code", first, code=pyotp.TOTP(secret).at(clock.moment))
    assert again.status_code in (401, 403), "the password must be given anew"
    assert browser.get("/api/v1/account").status_code == 401


def test_a_recovery_code_lets_in_once(browser: Browser, people: dict[Role, Person], clock: Clock) -> None:
    _, codes = set_up(browser, clock)
    assert browser.submit("/sign-in/code", asked(browser), code=codes[3]).status_code == 303
    assert "9 recovery codes" in browser.get("/account").text
    other = Browser(browser.app)
    assert other.submit("/sign-in/code", asked(other), code=codes[3]).status_code == 401


def test_guessing_is_slowed_down(browser: Browser, people: dict[Role, Person], clock: Clock) -> None:
    secret, _ = set_up(browser, clock)
    page = asked(browser)
    for _ in range(5):
        page = browser.submit("/sign-in/code", page, code="000000")
    stopped = browser.submit("/sign-in/code", page, code=pyotp.TOTP(secret).at(clock.moment))
    assert stopped.status_code == 429
    assert browser.get("/api/v1/account").status_code == 401


def test_only_who_knows_the_password_sets_it_up_or_turns_it_off(
    browser: Browser, people: dict[Role, Person], clock: Clock
) -> None:
    browser.sign_in(VIEWER)
    refused = browser.submit("/account/second-factor", browser.get("/account"), password=OTHER)
    assert (refused.status_code, said(refused)) == (403, "The password is wrong. Nothing was changed.")
    browser.submit("/sign-out", browser.get("/account"))
    secret, _ = set_up(browser, clock)
    browser.submit("/sign-in/code", asked(browser), code=pyotp.TOTP(secret).at(clock.moment))
    page = browser.get("/account")
    assert browser.submit("/account/second-factor/off", page, password=OTHER).status_code == 403
    off = follow(browser, browser.submit("/account/second-factor/off", page, password=PASSWORD))
    assert "second factor is off" in said(off)
    assert Browser(browser.app).sign_in(VIEWER).status_code == 303


def test_who_signed_in_with_the_password_alone_is_out_once_there_is_a_factor(
    browser: Browser, people: dict[Role, Person], clock: Clock
) -> None:
    stranger = Browser(browser.app)
    stranger.sign_in(VIEWER)
    browser.sign_in(VIEWER)
    begun = browser.submit("/account/second-factor", browser.get("/account"), password=PASSWORD)
    (secret,) = re.findall(r"<code>([A-Z2-7]{32})</code>", begun.text)
    assert stranger.get("/api/v1/account").status_code == 200
    browser.submit("/account/second-factor/confirm", begun, code=pyotp.TOTP(secret).at(clock.moment))
    assert stranger.get("/api/v1/account").status_code == 401
    assert browser.get("/api/v1/account").status_code == 200, "who set it up goes on"
    changed = browser.submit("/account/password", browser.get("/account"), old=PASSWORD, new=OTHER)
    assert follow(browser, changed).status_code == 200, "and with another password too"


def test_who_knows_the_password_does_not_get_past_a_demand_by_waiting_for_another_to_meet_it(
    demanding: Browser, people: dict[Role, Person]
) -> None:
    stranger = Browser(demanding.app)
    stranger.sign_in(TRAINER)
    demanding.sign_in(TRAINER)
    begun = demanding.submit("/account/second-factor", demanding.get("/account/second-factor"), password=PASSWORD)
    (secret,) = re.findall(r"<code>([A-Z2-7]{32})</code>", begun.text)
    demanding.submit("/account/second-factor/confirm", begun, code=pyotp.TOTP(secret).now())
    assert demanding.get("/gallery").status_code == 200
    assert stranger.get("/gallery").headers["location"].startswith("/sign-in")


def test_a_wrong_first_code_turns_nothing_on(browser: Browser, people: dict[Role, Person], clock: Clock) -> None:
    browser.sign_in(VIEWER)
    begun = browser.submit("/account/second-factor", browser.get("/account"), password=PASSWORD)
    wrong = browser.submit("/account/second-factor/confirm", begun, code="000000")
    assert wrong.status_code == 401
    assert re.findall(r"<code>[A-Z2-7]{32}</code>", wrong.text), "the same secret is shown again"
    assert Browser(browser.app).sign_in(VIEWER).status_code == 303


def test_an_administrator_takes_it_off_whose_owner_has_lost_it(
    browser: Browser, guarded: Services, people: dict[Role, Person], clock: Clock
) -> None:
    set_up(browser, clock)
    admin, id = Browser(browser.app), people[Role.VIEWER].account.id
    admin.sign_in("a.admin@example.org")
    page = admin.get("/people")
    assert "second factor" in page.text
    done = follow(admin, admin.submit(f"/people/{id}/second-factor/remove", page))
    assert "second factor" in said(done)
    assert Browser(browser.app).sign_in(VIEWER).status_code == 303
    entry = next(iter(guarded.accounts.audit.search(what="removeSecondFactor")))
    assert (entry.who, entry.target) == (people[Role.ADMIN].account.id, id)
    assert admin.submit(f"/people/{id}/second-factor/remove", page).status_code == 404


def test_a_new_password_does_not_take_it_off(
    browser: Browser, guarded: Services, people: dict[Role, Person], clock: Clock
) -> None:
    set_up(browser, clock)
    token, _ = guarded.accounts.links.allow_reset(people[Role.VIEWER].account.id, "ada")
    assert browser.submit("/reset", browser.get(f"/reset?token={token}"), password=OTHER).status_code == 303
    page = browser.sign_in(VIEWER, OTHER)
    assert 'autocomplete="one-time-code"' in page.text


def test_the_secret_is_in_no_file_of_ones_data_and_in_no_page_afterwards(
    browser: Browser, people: dict[Role, Person], clock: Clock
) -> None:
    secret, codes = set_up(browser, clock)
    browser.submit("/sign-in/code", asked(browser), code=pyotp.TOTP(secret).at(clock.moment))
    for path in ("/account", "/account/data", "/api/v1/account/data"):
        text = unescape(browser.get(path).text)
        assert secret not in text
        assert codes[0] not in text
    assert browser.get("/account/data").json()["account"]["second_factor"] == "on"


def test_without_a_password_before_there_is_no_way_past(browser: Browser, people: dict[Role, Person]) -> None:
    page = browser.get("/sign-in")
    for token in ("", "x", "é"):
        answer = browser.submit("/sign-in/code", page, token=token, code="000000")
        assert answer.status_code == 401
        assert "Begin again" in said(answer)
    assert browser.post("/sign-in/code", data={"code": "000000"}, headers={"Origin": PUBLIC}).status_code == 403


def test_other_recovery_codes_are_made_and_those_of_before_are_useless(
    browser: Browser, people: dict[Role, Person], clock: Clock
) -> None:
    secret, before = set_up(browser, clock)
    browser.submit("/sign-in/code", asked(browser), code=pyotp.TOTP(secret).at(clock.moment))
    page = browser.get("/account")
    assert browser.submit("/account/second-factor/codes", page, password=OTHER).status_code == 403
    shown = browser.submit("/account/second-factor/codes", page, password=PASSWORD)
    codes = re.findall(r"<li><code>([A-Z2-7-]+)</code></li>", shown.text)
    assert len(codes) == 10
    other = Browser(browser.app)
    assert other.submit("/sign-in/code", asked(other), code=before[0]).status_code == 401
    assert other.submit("/sign-in/code", asked(other), code=codes[0]).status_code == 303
    clock.turn(minutes=1)
    again = Browser(browser.app)
    assert again.submit("/sign-in/code", asked(again), code=pyotp.TOTP(secret).at(clock.moment)).status_code == 303


def test_without_a_factor_there_are_no_recovery_codes_to_renew(browser: Browser, people: dict[Role, Person]) -> None:
    browser.sign_in(VIEWER)
    answer = browser.submit("/account/second-factor/codes", browser.get("/account"), password=PASSWORD)
    assert (answer.status_code, said(answer)) == (404, "You have no second factor. Set it up first.")


TRAINER = "a.trainer@example.org"


@pytest.fixture
def demanding(guarded: Services) -> Iterator[Browser]:
    """A browser at an app where trainers and administrators must have a second factor."""
    stores, tokens = guarded.stores, Tokens(keys_of_this_process(), PUBLIC)
    accounts = Accounts.over(
        stores.accounts, stores.audit, tokens, passwords=Passwords(QUICK), factor_from=Role.TRAINER
    )
    with Browser(app_of(replace(guarded, accounts=accounts))) as opened:
        yield opened


def test_who_needs_a_factor_and_has_none_is_led_to_set_it_up_and_may_do_nothing_else(
    demanding: Browser, guarded_app: FastAPI, people: dict[Role, Person]
) -> None:
    demanding.sign_in(TRAINER, next="/gallery")
    page = follow(demanding, demanding.get("/gallery"))
    assert "Set it up first" in page.text
    assert 'href="/gallery"' not in page.text, "the page offers only what one may do"
    for asked in every(guarded_app):
        row = f"{asked.method} {asked.address}"
        if asked.need is Open.ANYONE or row in WITHOUT_FACTOR:
            continue
        answer = demanding.request(asked.method, asked.path, headers={"Origin": PUBLIC})
        if asked.path.startswith("/api/v1"):
            assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed"), row
        elif is_theirs(asked.path):
            assert (answer.status_code, answer.json()["code"]) == (403, "Forbidden"), row
        else:
            assert (answer.status_code, answer.headers["location"]) == (303, "/account/second-factor"), row
    wrong = demanding.submit("/account/second-factor", page, password=OTHER)
    assert (wrong.status_code, said(wrong)) == (403, "The password is wrong. Nothing was changed.")
    begun = demanding.submit("/account/second-factor", wrong, password=PASSWORD)
    (secret,) = re.findall(r"<code>([A-Z2-7]{32})</code>", begun.text)
    done = demanding.submit("/account/second-factor/confirm", begun, code=pyotp.TOTP(secret).now())
    assert "Recovery codes" in done.text
    assert demanding.get("/gallery").status_code == 200, "at once"
    account = demanding.get("/account")
    assert "/account/second-factor/off" not in account.text
    assert demanding.submit("/account/second-factor/off", account, password=PASSWORD).status_code == 409
    assert demanding.get("/account/second-factor").headers["location"] == "/account"


def test_what_needs_no_factor_is_let_in(demanding: Browser, people: dict[Role, Person]) -> None:
    demanding.sign_in("a.contributor@example.org")
    assert demanding.get("/gallery").status_code == 200, "a role below"
    assert Browser(demanding.app).get("/api/v1/counts", headers=people[Role.TRAINER].bearer).status_code == 200, "a key"


def test_whose_role_comes_to_need_a_factor_and_whose_factor_is_taken_off_set_one_up(
    demanding: Browser, people: dict[Role, Person]
) -> None:
    accounts = demanding.app.state.services.accounts  # type: ignore[attr-defined]
    contributor = people[Role.CONTRIBUTOR].account
    demanding.sign_in(contributor.email)
    accounts.set_role(contributor.id, Role.TRAINER)
    assert demanding.get("/gallery").headers["location"] == "/account/second-factor"
    secret = accounts.factors.begin(contributor.id)
    (session,) = accounts.sessions.of(contributor.id)[:1]
    accounts.confirm_factor(contributor.id, pyotp.TOTP(secret).now(), "192.0.2.7", session.id)
    assert demanding.get("/gallery").status_code == 200
    accounts.remove_factor(contributor.id)
    assert demanding.get("/gallery").headers["location"] == "/account/second-factor"
