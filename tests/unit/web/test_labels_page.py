"""The page of the labels that people have given."""

from unit.web.conftest import Api, Drop


def test_it_lists_what_people_have_said_and_not_what_models_have(api: Api, drop: Drop) -> None:
    assert "Nobody has labelled a picture yet" in api.get("http://localhost/labels").text
    ids = [drop(f"{number}.jpg").id for number in range(3)]
    for id in ids[:2]:
        api.put(f"/pictures/{id}/correction", params={"label": "<b>owl & co"})
    page = api.get("http://localhost/labels").text
    assert 'data-label="&lt;b&gt;owl &amp; co" data-count="2"' in page
    assert "label=%3Cb%3Eowl+%26+co" in page or "label=%3Cb%3Eowl%20%26%20co" in page
    assert "tabby" not in page


def test_a_label_is_merged_into_another_and_given_back(api: Api, drop: Drop) -> None:
    ids = [drop(f"{number}.jpg").id for number in range(3)]
    for id, label in zip(ids, ("owl", "owls", "owls"), strict=True):
        api.put(f"/pictures/{id}/correction", params={"label": label})
    asked = {"action": "relabel", "labels": ["owls", "owl"], "matching": 2}
    change = api.post("/changes", params={"label": "owls", "corrected": True}, json=asked).json()
    assert (change["state"], change["changed"]) == ("applied", 2)
    assert api.get("/counts", params={"corrected": True}).json()["labels"] == {"owl": 3}
    api.post(f"/changes/{change['id']}/undo")
    assert api.get("/counts", params={"corrected": True}).json()["labels"] == {"owls": 2, "owl": 1}
