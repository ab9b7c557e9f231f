"""The pages of the API, and what pages offer to whom."""

import re

from imagestore.accounts.roles import Role
from unit.web.conftest import Api, Drop
from unit.web.signed_in import Browser, Person

BASE = "http://localhost"


def test_the_reference_shows_each_operation_with_a_command_for_this_address(api: Api) -> None:
    page = api.get(f"{BASE}/api").text
    paths = api.get("/openapi.json").json()["paths"]
    assert page.count('<section class="operation"') == sum(len(operations) for operations in paths.values()) > 40
    assert "integer, 1 to 500" in page
    assert "classified, unknown, rejected, failed, deleted" in page
    assert "curl --data-binary @cat.jpg &#34;http://localhost/api/v1/pictures?name=pets/cat.jpg" in page


def test_swagger_ui_comes_from_here_alone_and_has_no_script_inline(api: Api) -> None:
    page = api.get(f"{BASE}/api/docs")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
    assert not re.search(r"<script(?![^>]* src=)|<style|style=|\son\w+=", page.text)
    addresses = re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 4
    for address in addresses:
        assert address.startswith("/static/")
        assert api.get(BASE + address).status_code == 200
    assert api.get(f"{BASE}/favicon.ico").headers["content-type"] in ("image/x-icon", "image/vnd.microsoft.icon")


def test_what_a_role_may_not_do_is_not_offered(browser: Browser, people: dict[Role, Person], drop: Drop) -> None:
    record = drop("cat.jpg")
    offered: dict[str, dict[Role, tuple[str, ...]]] = {
        "/": {Role.CONTRIBUTOR: ('id="files"', "drop.js")},
        f"/pictures/{record.id}": {Role.CONTRIBUTOR: ('id="correct"', 'id="delete"', 'id="retry"', "/original")},
        "/models": {Role.TRAINER: ("going back",)},
    }
    for path, by_role in offered.items():
        for role, somebody in people.items():
            page = browser.get(path, headers=somebody.cookie)
            assert page.status_code == 200
            for needed, texts in by_role.items():
                for text in texts:
                    assert (text in page.text) == role.covers(needed), f"{text} for {role}"


def test_a_card_that_is_asked_for_after_its_picture_was_deleted_is_no_error(api: Api, drop: Drop) -> None:
    record = drop("cat.jpg")
    assert "cat.jpg" in api.get(f"{BASE}/cards/{record.id}?kind=result").text
    gone = api.get(f"{BASE}/cards/{'0' * 32}?kind=result")
    assert (gone.status_code, gone.content) == (204, b"")
