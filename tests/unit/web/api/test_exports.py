"""The gallery's pictures as a file: all of them, by the same filters, as they are shown."""

import csv
import io
import json

import pytest

from imagestore.accounts.roles import Role
from imagestore.web.api import exports
from imagestore.web.api.exports import COLUMNS
from unit.web.conftest import Api, Drop
from unit.web.signed_in import Browser, Person


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_all_that_pass_the_filter_are_in_it_in_the_lists_order(api: Api, drop: Drop) -> None:
    for number in range(7):
        drop(f"pets/{number}.jpg")
    drop("garden/rose.jpg")
    answer = api.get("/pictures/export", params={"q": "pets", "sort": "name"})
    assert answer.headers["content-disposition"] == 'attachment; filename="pictures.csv"'
    assert [row["name"] for row in rows(answer.text)] == [f"pets/{number}.jpg" for number in range(7)]
    assert tuple(rows(answer.text)[0]) == COLUMNS
    lines = api.get("/pictures/export", params={"q": "pets", "sort": "name", "format": "jsonl"}).text.splitlines()
    listed = api.get("/pictures", params={"q": "pets", "sort": "name"}).json()["items"]
    assert [json.loads(line) for line in lines] == listed


def test_more_than_a_page_is_whole(api: Api, drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_PAGE", 2)
    for number in range(5):
        drop(f"pets/{number}.jpg")
    assert len(rows(api.get("/pictures/export").text)) == 5


def test_a_name_that_is_a_formula_is_text(api: Api, drop: Drop) -> None:
    drop("=cmd|' /C calc'!A0.jpg")
    (row,) = rows(api.get("/pictures/export").text)
    assert row["name"] == "'=cmd|' /C calc'!A0.jpg"


def test_nothing_found_is_a_file_with_no_rows(api: Api) -> None:
    answer = api.get("/pictures/export", params={"q": "nothing"})
    assert answer.status_code == 200
    assert rows(answer.text) == []
    assert api.get("/pictures/export", params={"q": "nothing", "format": "jsonl"}).text == ""
    assert api.get("/pictures/export", params={"format": "xlsx"}).status_code == 422


def test_the_gallery_leads_to_the_file_of_what_it_shows(
    browser: Browser, people: dict[Role, Person], drop: Drop
) -> None:
    drop("pets/cat.jpg")
    page = browser.get("/gallery?q=pets&strange=1", headers=people[Role.VIEWER].cookie).text
    assert "/api/v1/pictures/export?q=pets&amp;format=csv" in page
    found = browser.get("/api/v1/pictures/export?q=pets&format=csv", headers=people[Role.VIEWER].cookie)
    assert [row["name"] for row in rows(found.text)] == ["pets/cat.jpg"]
