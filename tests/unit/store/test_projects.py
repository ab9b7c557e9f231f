"""The projects as they are stored."""

from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.errors import Conflict, NotAProject, NotFound, StoreError
from imagestore.store.models import MODEL_FILE, is_name
from imagestore.store.projects import (
    FIRST,
    LONGEST_TITLE,
    Change,
    LabelsPerPicture,
    Project,
    Projects,
    ProjectTable,
    checked_title,
)
from unit.web.memory import registry


@pytest.fixture
def stores() -> Any:
    return SimpleNamespace(**registry())


@pytest.fixture
def projects(stores: Any) -> ProjectTable:
    found: ProjectTable = stores.projects
    return found


def test_the_first_project_is_there_without_having_been_created(projects: ProjectTable) -> None:
    assert projects.list() == [FIRST]
    assert projects.open("mine").pictures_in == "mine"


def test_models_that_were_trained_before_there_were_projects_learn_from_the_same_pictures(
    stores: Any, projects: ProjectTable
) -> None:
    for name in ("screws", "mine"):
        stores.models.keep(name, "1", {MODEL_FILE: b"model"})
    assert [one.name for one in projects.list()] == ["mine", "screws"]
    assert projects.open("screws").pictures_in == "mine"
    with pytest.raises(Conflict, match="There is a project 'screws' already"):
        projects.create("Screws", "me")


def test_a_project_is_found_by_its_name_and_by_its_title(projects: ProjectTable) -> None:
    made = projects.create("M3 screws, line 2", "me", LabelsPerPicture.SEVERAL)
    assert (made.name, made.title, made.pictures_in) == ("M3-screws-line-2", "M3 screws, line 2", "M3-screws-line-2")
    assert projects.find("M3-screws-line-2") == projects.find("m3 SCREWS, line 2") == made
    assert made.labels_per_picture is LabelsPerPicture.SEVERAL
    for nobody in ("M3", "m3-screws-line-2", ""):
        with pytest.raises(NotFound, match="imagestore projects list"):
            projects.find(nobody)


@pytest.mark.parametrize("title", ["日本", "...", "-x-", "a" * LONGEST_TITLE, "CON", "a/b", "mine 2"])
def test_every_title_gives_a_name_that_blobs_and_addresses_can_have(projects: ProjectTable, title: str) -> None:
    made = projects.create(title, "me")
    assert is_name(made.name)
    other = projects.create(f"{title[:90]}!", "me")
    assert is_name(other.name)
    assert other.name.casefold() != made.name.casefold()


@pytest.mark.parametrize("title", ["", " ", "a\nb", "a\x00", "\ud800", "a" * (LONGEST_TITLE + 1), "\u202eab"])
def test_a_title_is_a_line_of_text(projects: ProjectTable, title: str) -> None:
    with pytest.raises(NotAProject):
        checked_title(title)
    with pytest.raises(NotAProject):
        projects.create(title, "me")
    with pytest.raises(NotAProject):
        projects.rename("mine", title)


def test_spaces_around_a_title_do_not_count(projects: ProjectTable) -> None:
    assert projects.create(" Screws ", "me").title == "Screws"
    with pytest.raises(Conflict):
        projects.rename("mine", "screws ")


def test_no_two_projects_are_called_the_same(projects: ProjectTable) -> None:
    made = projects.create("Screws", "me")
    nails = projects.create("Nails", "me")
    for title in ("screws", "SCREWS", "Mine"):
        with pytest.raises(Conflict, match="There is a project"):
            projects.create(title, "me")
        with pytest.raises(Conflict, match="There is a project"):
            projects.rename(nails.name, title)
    assert projects.rename(made.name, "screws").title == "screws", "it may be its own title, written otherwise"


def test_a_renamed_project_keeps_its_name_and_its_old_title_is_free(projects: ProjectTable) -> None:
    made = projects.create("Screws", "me")
    projects.rename("Screws", "Bolts")
    assert projects.find("Bolts").name == made.name == "Screws"
    with pytest.raises(Conflict):
        projects.create("Screws", "me")  # by that it would still be found
    assert projects.rename("mine", "Garden").name == "mine"
    assert [one.title for one in projects.list()] == ["Garden", "Bolts"]


def test_a_project_that_is_gone_for_good_leaves_only_its_name(projects: ProjectTable) -> None:
    projects.create("Screws", "me")
    deleted = Change("2026-11-21T09:00:00.000Z", "me")
    projects.change("Screws", lambda one, _: Project(one.name, one.title, deleted=deleted, is_purged=True))
    assert projects.list() == [FIRST]
    with pytest.raises(NotFound):
        projects.find("Screws")
    assert projects.create("Screws", "me").name == "Screws-2", "records still name the one before"


def test_a_deleted_project_is_found_but_not_used(projects: ProjectTable) -> None:
    projects.create("Screws", "me")
    projects.change("Screws", lambda one, _: Project(one.name, one.title, deleted=Change("2026-11-21", "me")))
    assert projects.find("screws").deleted is not None
    with pytest.raises(NotFound, match="is deleted: imagestore projects undelete Screws brings it back"):
        projects.open("Screws")
    again = projects.create("screws", "me")
    assert (again.name, again.title) == ("screws-2", "screws"), "a deleted one keeps its name, and not its title"
    assert projects.find("SCREWS").name == "screws-2"
    assert projects.find("Screws").name == "Screws", "a name comes before a title"
    with pytest.raises(NotFound, match="Another is called so since: its name is screws-2"):
        projects.open("Screws")


def test_two_who_change_the_projects_at_once_lose_nothing(stores: Any, projects: ProjectTable) -> None:
    blobs: Any = projects._file._blobs
    put, others = blobs.put, iter(["Nails", "Bolts"])

    def after_another(*arguments: Any, **options: Any) -> Any:
        for title in others:
            blobs.put = put
            stores.projects.create(title, "somebody")
            blobs.put = after_another
            break
        return put(*arguments, **options)

    blobs.put = after_another
    projects.create("Screws", "me")
    assert [one.title for one in projects.list()] == ["mine", "Nails", "Bolts", "Screws"]
    blobs.put = lambda *_, **__: (_ for _ in ()).throw(Conflict("another"))
    with pytest.raises(Conflict, match="Others kept changing the projects"):
        projects.create("Washers", "me")


def test_corrections_belong_to_the_project_that_classified(projects: ProjectTable) -> None:
    known = Projects({"screws": Project("screws", "Screws"), "old": Project("old", "Old", shares="mine")})
    asked = ("screws", "old", "mine", "before there were projects", None)
    assert [known.pictures_of(one) for one in asked] == ["screws", "mine", "mine", "mine", "mine"]


def test_a_file_that_is_none_is_said(stores: Any) -> None:
    stores.models.note("projects.json", b"[]")
    with pytest.raises(StoreError, match=r"projects\.json in models cannot be read"):
        stores.projects.list()
