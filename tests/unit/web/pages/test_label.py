"""The page for labelling."""

from unit.web.conftest import Api, Drop
from unit.web.records import picture


def test_it_shows_what_nobody_has_labelled_and_what_the_model_suggests(api: Api, drop: Drop) -> None:
    told, open_one = drop("told.jpg"), drop("<i>open.jpg", made=picture("<i>open.jpg", "<b>rose"))
    api.put(f"/pictures/{told.id}/correction", params={"label": "owl"})
    page = api.get("http://localhost/label").text
    assert f'data-id="{open_one.id}"' in page
    assert told.id not in page
    assert 'data-suggestion="&lt;b&gt;rose"' in page
    assert 'data-digit="1" data-label="owl"' in page
    assert "&lt;i&gt;open.jpg" in page
    assert "nothing left to label" in api.get("http://localhost/label?q=told").text
