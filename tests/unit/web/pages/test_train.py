"""The page on which a model is trained, as the server makes it."""

from imagestore.jobs.board import ended
from imagestore.jobs.job import Arguments, JobKind, JobResult, JobState
from imagestore.record import record_id
from imagestore.store import Stores
from imagestore.web.services import Services
from unit.web.api.test_labelling import found_out
from unit.web.api.test_training import keep
from unit.web.conftest import Api

HERE = "http://localhost/train"


def test_what_is_missing_is_said_and_nothing_can_be_begun(api: Api, stores: Stores) -> None:
    keep(stores, "mine", "<b>fish", 3)
    page = api.get(HERE).text
    assert "&lt;b&gt;fish" in page
    assert "at least 5 needed, 30 wanted" in page
    assert 'id="go" disabled' in page


def test_a_training_that_ended_leads_on(api: Api, services: Services, stores: Stores) -> None:
    job = services.jobs.put(JobKind.TRAIN, "local", Arguments("mine"))
    assert 'data-do="cancel"' in api.get(HERE, headers={"x-fragment": "1"}).text
    item = stores.jobs.read(job.id)
    assert item is not None
    done = ended(job, JobResult(state=JobState.DONE, say="mine 1 is trained.", version="1"))
    stores.jobs.replace(done.document(), item.etag)
    fragment = api.get(HERE, headers={"x-fragment": "1"}).text
    assert "<html" not in fragment
    assert 'data-address="/models/mine/1/promote"' in fragment
    assert "/models/mine/1/report" in fragment


def test_a_project_in_which_nothing_is_labelled(api: Api) -> None:
    assert "Nothing is labelled" in api.get(HERE).text


def test_no_project_of_that_name(api: Api) -> None:
    assert api.get(f"{HERE}?project=nobody").status_code == 404


def test_it_says_whether_enough_is_labelled_and_which_labels_look_wrong(api: Api, stores: Stores) -> None:
    sha256s = found_out(stores)
    page = api.get(HERE).text
    assert "more pictures of fish would help most" in page
    assert "4 pictures look mislabelled" in page
    doubts = api.get(f"{HERE}/doubts").text
    assert doubts.count('<li class="doubt" data-sha256=') == 3
    assert f"/api/v1/projects/mine/training/{sha256s[0]}/thumbnail" in doubts
    assert f"/pictures/{record_id('garden/7.jpg')}" in doubts
    assert "No training has looked" in api.get(f"{HERE}/doubts?project={begun(api)}").text


def test_labelled_pictures_are_shown_by_label_and_taken_out(api: Api, stores: Stores) -> None:
    keep(stores, "mine", "<b>fish", 3)
    keep(stores, "mine", "bird", 60)
    page = api.get(f"{HERE}/pictures?label=%3Cb%3Efish").text
    assert page.count('<li class="doubt"') == 3
    assert "&lt;b&gt;fish/0.jpg" in page
    assert api.get(f"{HERE}/pictures?page=2").text.count('<li class="doubt"') == 15
    sha256 = f"{b'bird'.hex():0>32}{7:032d}"
    assert api.delete(f"/projects/mine/training/{sha256}").json()["labels"] == []
    assert "bird/7.jpg" in api.get(f"{HERE}/pictures?kind=waiting").text
    assert api.post(f"/projects/mine/training/{sha256}/undo").json()["labels"] == ["bird"]
    assert api.delete(f"/projects/mine/training/{sha256}?for_good=true").status_code == 200
    assert "There is none." in api.get(f"{HERE}/pictures?kind=waiting").text


def begun(api: Api) -> str:
    name: str = api.post("/projects", json={"title": "garden"}).json()["name"]
    return name
