"""The pages of a project's labels."""

import hashlib
import re

from imagestore.store import Stores
from imagestore.store.training import PictureFacts, TrainingPictures
from unit.pipeline.bulk_pictures import SHAS, with_labelled
from unit.web.conftest import Api, Drop

PAGE = "http://localhost/labels"


def test_it_lists_what_people_have_said_and_not_what_models_have(api: Api, drop: Drop) -> None:
    assert "Nobody has given a label here yet" in api.get(PAGE).text
    ids = [drop(f"{number}.jpg").id for number in range(3)]
    for id in ids[:2]:
        api.put(f"/pictures/{id}/correction", params={"label": "<b>owl & co"})
    page = api.get(PAGE).text
    assert 'data-label="&lt;b&gt;owl &amp; co"' in page
    assert 'data-count="2"' in page
    assert "label=%3Cb%3Eowl+%26+co" in page or "label=%3Cb%3Eowl%20%26%20co" in page
    assert "tabby" not in page


def test_it_says_where_the_pictures_of_a_label_are(api: Api, drop: Drop, stores: Stores) -> None:
    with_labelled(stores)
    api.put(f"/pictures/{drop('0.jpg').id}/correction", params={"label": "lynx"})
    page = api.get(PAGE).text
    assert "3 labelled: 1 to learn from, 1 to test with, 1 for neither; 1 corrected" in page


def test_the_pictures_of_a_label_are_shown_wherever_they_are(api: Api, drop: Drop, stores: Stores) -> None:
    with_labelled(stores)
    dropped = drop("upload.jpg").id
    api.put(f"/pictures/{dropped}/correction", params={"label": "lynx"})
    page = api.get(f"{PAGE}/pictures", params={"label": "lynx"}).text
    assert f'data-id="{SHAS[0]}" data-labelled="yes"' in page
    assert f"/api/v1/projects/mine/training/{SHAS[1]}/thumbnail" in page
    assert f'href="/pictures/{dropped}"' in page
    assert "More pictures" not in page
    rest = api.get(f"{PAGE}/pictures", params={"label": "lynx", "start": 3}).text
    assert SHAS[0] not in rest
    assert dropped in rest
    assert api.get(f"{PAGE}/pictures", params={"label": "puma"}).status_code == 404


def test_a_content_counts_once_and_is_listed_once_wherever_it_has_the_label(
    api: Api, drop: Drop, stores: Stores
) -> None:
    """One that is labelled and corrected twice, one that is corrected twice, one that is labelled as something else."""
    with_labelled(stores)
    ids = [drop(f"{number}.jpg", f"{number % 3}".encode()).id for number in range(6)]
    for id in ids:
        api.put(f"/pictures/{id}/correction", params={"label": "lynx"})
    pictures = TrainingPictures(stores.training, "mine")
    for number, label in ((0, "lynx"), (2, "puma")):
        sha256 = hashlib.sha256(f"{number}".encode()).hexdigest()
        pictures.put_facts(sha256, PictureFacts((label,), source=f"labelled {number}.jpg"), None)
        pictures.put_picture(sha256, f"{number}".encode())
    page = api.get(f"{PAGE}/pictures", params={"label": "lynx"}).text
    cards = re.findall(r'class="card" data-id="(\w+)"', page)
    assert sorted(cards) == sorted([*SHAS[:3], hashlib.sha256(b"0").hexdigest(), ids[1], ids[2]])
    assert 'data-count="6"' in api.get(PAGE).text
    (lynx,) = [one for one in api.get("/projects/mine/labels").json() if one["label"] == "lynx"]
    assert (lynx["corrections"], lynx["new"]) == (2, 1)
    for start in range(6):
        shown, count = api.get(f"{PAGE}/pictures", params={"label": "lynx", "start": start}).text, 6
        assert shown.count('class="card"') == count - start


def test_a_label_is_merged_into_another_in_corrections_alone(api: Api, drop: Drop) -> None:
    ids = [drop(f"{number}.jpg").id for number in range(3)]
    for id, label in zip(ids, ("owl", "owls", "owls"), strict=True):
        api.put(f"/pictures/{id}/correction", params={"label": label})
    asked = {"action": "relabel", "labels": ["owls", "owl"], "matching": 2}
    change = api.post("/changes", params={"label": "owls", "corrected": True}, json=asked).json()
    assert (change["state"], change["changed"]) == ("applied", 2)
    assert api.get("/counts", params={"corrected": True}).json()["labels"] == {"owl": 3}
    api.post(f"/changes/{change['id']}/undo")
    assert api.get("/counts", params={"corrected": True}).json()["labels"] == {"owls": 2, "owl": 1}
