"""The page of changes."""

from typing import Any

from unit.web.conftest import Api, Drop


def test_it_tells_what_was_changed_and_what_was_left_alone(api: Api, drop: Drop) -> None:
    ids = [drop(f"<b>{number}.jpg").id for number in range(3)]
    change = api.post("/changes", json={"action": "label", "labels": ["<i>lynx"], "pictures": ids}).json()
    api.put(f"/pictures/{ids[0]}/correction", params={"label": "owl"})
    page = api.get("http://localhost/changes").text
    assert "3 pictures labelled <bdi>&lt;i&gt;lynx</bdi>" in page
    assert f'data-do="undo" data-id="{change["id"]}"' in page
    api.post(f"/changes/{change['id']}/undo")
    page = api.get("http://localhost/changes").text
    assert "2 put back, 1 left as they are" in page
    assert "<bdi>&lt;b&gt;0.jpg</bdi></a>: Somebody else has changed it since." in page
    assert 'data-do="undo"' not in page


def test_it_goes_on_page_by_page(api: Api, drop: Drop) -> None:
    id = drop("cat.jpg").id
    for number in range(22):
        api.post("/changes", json={"action": "label", "labels": [f"label {number}"], "pictures": [id]})
    first = api.get("http://localhost/changes").text
    assert first.count("<h2>1 picture labelled") == 20
    older = first.partition('href="/changes?before=')[2].partition('"')[0]
    assert api.get(f"http://localhost/changes?before={older}").text.count("<h2>1 picture labelled") == 2


def test_while_the_database_is_away_it_says_so(api: Api, stores: Any) -> None:
    stores.jobs.is_away = True
    assert "The database does not answer" in api.get("http://localhost/changes").text
