"""The audit log as a page: searched by account, action and time, page by page, and taken away as a file."""

import re
from html import unescape

import pytest

from imagestore.accounts.roles import Role
from imagestore.web.pages.audit import PAGE
from imagestore.web.services import Services
from unit.web.signed_in import Browser, Person


def actions(page: str) -> list[str]:
    """The operations that a page lists, in its order."""
    rows = page.partition("<tbody>")[2].split("<tr>")[1:]
    return [re.findall(r"<td>([^<]*)</td>", row)[0] for row in rows]


def test_the_newest_entry_comes_first_with_what_changed(
    admin: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    audit, viewer = guarded.accounts.audit, people[Role.VIEWER].account.id
    audit.write(
        viewer, "correct", target="a" * 32, address="192.0.2.9", before={"label": "cat"}, after={"label": "lynx"}
    )
    page = admin.get("/audit").text
    assert actions(page) == ["correct", "sign_in"]
    assert "<bdi>a viewer</bdi>" in page
    assert "label: <bdi>cat</bdi> → <bdi>lynx</bdi>" in page
    assert "192.0.2.9" in page


@pytest.mark.parametrize("who", ["a.viewer@example.org", " A.Viewer@Example.org", "a viewer", None])
def test_somebody_is_searched_by_email_name_or_id(
    admin: Browser, guarded: Services, people: dict[Role, Person], who: str | None
) -> None:
    for role in (Role.VIEWER, Role.TRAINER):
        guarded.accounts.audit.write(people[role].account.id, f"by_{role}")
    page = admin.get("/audit", params={"who": who or people[Role.VIEWER].account.id, "what": ""})
    assert actions(page.text) == ["by_viewer"]
    (address,) = re.findall(r'href="(/api/v1/audit/export\?[^"]*format=csv)"', page.text)
    file = admin.get(unescape(address)).text
    assert "by_viewer" in file
    assert "by_trainer" not in file


def test_actions_results_and_times_narrow_the_search(admin: Browser, guarded: Services) -> None:
    for what, result in (("promote", "done"), ("promote", "403"), ("upload", "done")):
        guarded.accounts.audit.write("nobody", what, result=result)
    assert actions(admin.get("/audit?what=promote").text) == ["promote", "promote"]
    assert actions(admin.get("/audit?what=promote&result=403&who=").text) == ["promote"]
    assert "Nothing was found." in admin.get("/audit?until=2020-01-01").text
    assert len(actions(admin.get("/audit?since=2020-01-01").text)) == 4
    assert admin.get("/audit?since=yesterday").status_code == 422


def test_older_entries_are_on_the_next_page(admin: Browser, guarded: Services) -> None:
    for number in range(PAGE + 5):
        guarded.accounts.audit.write("nobody", f"step{number}")
    first = admin.get("/audit?who=nobody").text
    assert "Newest" not in first
    (address,) = re.findall(r'href="(/audit\?[^"]*after=[^"]+)"', first)
    second = admin.get(unescape(address)).text
    assert actions(first) + actions(second) == [f"step{number}" for number in reversed(range(PAGE + 5))]
    assert "Older" not in second
    assert "Newest" in second


def test_what_others_wrote_is_shown_as_text(admin: Browser, guarded: Services) -> None:
    evil = "<script>alert(1)</script>"
    guarded.accounts.audit.write("nobody", evil, target=evil, result=evil, before={evil: evil}, after={evil: evil})
    page = admin.get("/audit", params={"what": evil}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_file_holds_no_formula_that_a_spreadsheet_would_run(admin: Browser, guarded: Services) -> None:
    guarded.accounts.audit.write("nobody", "=HYPERLINK(1)", target="@x")
    page = admin.get("/audit", params={"what": "=HYPERLINK(1)"}).text
    for address in re.findall(r'href="(/api/v1/audit/export[^"]*)"', page):
        file = admin.get(unescape(address))
        assert file.status_code == 200
        if "csv" in address:
            assert "'=HYPERLINK(1)" in file.text
