"""Who has forgotten their password, or wants an account, is sent a link by a real mail server; nobody else learns who
has one."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagestore.accounts.mail import MailServer
from imagestore.accounts.passwords import Passwords
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.accounts.signing import Tokens, keys_of_this_process
from imagestore.settings import SignUp
from imagestore.web.app import app_of
from imagestore.web.services import Services
from unit.accounts.conftest import PASSWORD, QUICK
from unit.accounts.mail_server import SENDER, Mailbox, mail_server
from unit.web.pages.test_account import said
from unit.web.signed_in import PUBLIC, Answer, Browser, Person

VIEWER = "a.viewer@example.org"
OTHER = "wombat trellis oboe"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Mailbox]:
    with mail_server(tmp_path) as running:
        yield running


@pytest.fixture
def mailing(guarded: Services, box: Mailbox) -> Services:
    """The services of an app that has a mail server, and lets everybody make an account."""
    stores, tokens = guarded.stores, Tokens(keys_of_this_process(), PUBLIC)
    accounts = Accounts.over(
        stores.accounts,
        stores.audit,
        tokens,
        passwords=Passwords(QUICK),
        mail_server=MailServer("localhost", box.port, "none", SENDER),
        public_url=PUBLIC,
    )
    return replace(guarded, accounts=accounts, options=replace(guarded.options, sign_up=SignUp.OPEN))


@pytest.fixture
def visitor(mailing: Services) -> Iterator[Browser]:
    with Browser(app_of(mailing)) as opened:
        yield opened


def sent(mailing: Services) -> None:
    """Wait until all that was asked for is sent."""
    assert mailing.accounts.mail is not None
    mailing.accounts.mail.background.finish()


def ask(visitor: Browser, email: str, path: str = "/sign-in/forgotten") -> Answer:
    return visitor.submit(path, visitor.get(path), email=email)


def link_in(box: Mailbox) -> str:
    (found,) = re.findall(rf"{PUBLIC}(/\w+\?token=\S+)", box.last())
    return str(found)


def test_who_has_forgotten_the_password_is_sent_a_link_that_works_once(
    visitor: Browser, mailing: Services, people: dict[Role, Person], box: Mailbox
) -> None:
    assert "/sign-in/forgotten" in visitor.get("/sign-in").text
    assert "on its way" in ask(visitor, " A.Viewer@example.org ").text
    sent(mailing)
    assert box.to == [VIEWER]
    link = link_in(box)
    assert visitor.submit("/reset", visitor.get(link), password=OTHER).status_code == 303
    assert visitor.get(link).status_code == 410
    assert visitor.get("/api/v1/account", headers=people[Role.VIEWER].cookie).status_code == 401, (
        "signed out everywhere"
    )
    assert visitor.sign_in(VIEWER, OTHER).status_code == 303
    (entry,) = mailing.accounts.audit.search(what="ask_reset")
    assert (entry.who, entry.target, entry.result) == ("nobody", people[Role.VIEWER].account.id, "done")


def test_the_answer_and_its_work_are_the_same_whether_there_is_an_account_or_not(
    visitor: Browser, mailing: Services, people: dict[Role, Person], box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing.accounts.set_disabled(people[Role.TRAINER].account.id, True)
    waiting: list[Callable[[], object]] = []
    mail = mailing.accounts.mail
    assert mail is not None
    monkeypatch.setattr(mail.background, "put", waiting.append)
    for path in ("/sign-in/forgotten", "/sign-up"):
        answers, calls = set(), set()
        for email in (VIEWER, "nobody@example.org", "a.trainer@example.org", "no address", ""):
            page = visitor.get(path)
            before = mailing.stores.accounts.calls  # type: ignore[attr-defined]
            answer = visitor.submit(path, page, email=email)
            calls.add(mailing.stores.accounts.calls - before)  # type: ignore[attr-defined]
            answers.add((answer.status_code, re.sub(r'value="[0-9a-f]{64}"', "", answer.text)))
        assert len(answers) == 1
        assert len(calls) == 1, "and nothing is looked up before the answer"
    assert len(waiting) == 10
    for do in waiting:
        do()
    assert sorted(box.to) == sorted([VIEWER, VIEWER, "nobody@example.org", "a.trainer@example.org"])


def test_nobodys_mailbox_is_filled_and_nobody_asks_all_day(
    visitor: Browser, mailing: Services, people: dict[Role, Person], box: Mailbox
) -> None:
    for _ in range(5):
        assert ask(visitor, VIEWER).status_code == 200
    sent(mailing)
    assert len(box.messages) == 3
    stopped = [ask(visitor, "other@example.org") for _ in range(50)][-1]
    assert stopped.status_code == 429
    assert "too many attempts" in said(stopped)


def test_an_account_is_made_by_mail_alone_and_who_has_one_is_told_so_there(
    visitor: Browser, mailing: Services, people: dict[Role, Person], box: Mailbox
) -> None:
    page = visitor.get("/sign-up")
    assert 'name="password"' not in page.text
    ask(visitor, VIEWER, "/sign-up")
    sent(mailing)
    assert "has one already" in " ".join(box.last().split())
    assert "token=" not in box.last()
    ask(visitor, "new@example.org", "/sign-up")
    sent(mailing)
    page = visitor.get(link_in(box))
    assert "a viewer" in page.text
    assert visitor.submit("/invitation", page, name="New", password=PASSWORD).status_code == 303
    me = visitor.get("/api/v1/account").json()
    assert (me["email"], me["role"]) == ("new@example.org", "viewer")


def test_a_mail_server_that_takes_nothing_is_in_the_log_and_on_record_and_the_page_says_the_same(
    visitor: Browser, mailing: Services, people: dict[Role, Person], box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    box.refuses = True
    assert "on its way" in ask(visitor, VIEWER).text
    sent(mailing)
    assert "sending mail by localhost: SMTPDataError 451" in caplog.text
    assert VIEWER not in caplog.text
    (entry,) = mailing.accounts.audit.search(what="ask_reset")
    assert entry.result == "not_sent"


def test_a_form_of_another_site_sends_no_mail(
    visitor: Browser, mailing: Services, people: dict[Role, Person], box: Mailbox
) -> None:
    for path in ("/sign-in/forgotten", "/sign-up"):
        assert visitor.post(path, data={"email": VIEWER}, headers={"Origin": PUBLIC}).status_code == 403
    sent(mailing)
    assert box.messages == []


def test_without_a_mail_server_an_administrator_is_asked(browser: Browser, people: dict[Role, Person]) -> None:
    assert browser.get("/sign-in/forgotten").status_code == 404
    page = browser.get("/sign-in").text
    assert "An administrator can send you a link" in page
    assert "/sign-in/forgotten" not in page
