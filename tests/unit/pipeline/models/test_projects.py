"""Deleting a project, taking that back, and what is gone for good."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.errors import Conflict, NotFound, Unavailable
from imagestore.pipeline.models.live import add_route, make_live, remove_route, rollback
from imagestore.pipeline.models.projects import delete_project, pinned_prefix, purge, summaries, undelete_project
from imagestore.store import PromotionEntry
from imagestore.store.models import MODEL_FILE
from imagestore.store.projects import ProjectState, ProjectSummary
from imagestore.store.training import Part, PictureFacts, SplitFile, TrainingPictures
from unit.web.memory import MemoryBlobs, registry

DAYS = 7
AT = "2026-11-21T09:00:00.000Z"
SHA256 = "ab" * 32


@pytest.fixture
def stores() -> Any:
    """The first project and `screws`, each with two versions and a labelled picture. None is live."""
    stores = SimpleNamespace(**registry(), training=MemoryBlobs("training"))
    stores.projects.create("screws", "me")
    for name in ("mine", "screws"):
        for version in ("1", "2"):
            stores.models.keep(name, version, {MODEL_FILE: b"model", "report.html": b"report"})
        pictures = TrainingPictures(stores.training, name)
        pictures.put_facts(SHA256, PictureFacts(labels=("rose",), part=Part.LEARN), None)
        pictures.put_picture(SHA256, b"picture")
        pictures.put_split(SplitFile(), None)
    return stores


def promote(stores: Any, project: str, version: str) -> None:
    entry = PromotionEntry(project, version, f"{project} {version}", AT, "somebody")
    make_live(stores, entry, stores.routes.read())


def shown(stores: Any, name: str) -> ProjectSummary:
    return next(one for one in summaries(stores, DAYS) if one.name == name)


def files(stores: Any) -> set[str]:
    """All that is kept of pictures and versions."""
    return {*stores.training.blobs, *(f"{name} {version}" for name, version in stores.models.versions())}


def in_days(days: float) -> Any:
    return lambda: datetime.now(UTC) + timedelta(days=days)


def test_what_a_project_classifies_is_said(stores: Any) -> None:
    promote(stores, "mine", "2")
    add_route(stores, "factory/*", "screws", "me")
    assert (shown(stores, "screws").live, shown(stores, "screws").routes) == (None, ["factory/*"])
    promote(stores, "screws", "1")
    assert (shown(stores, "screws").live, shown(stores, "screws").versions) == ("1", ["1", "2"])
    assert (shown(stores, "mine").live, shown(stores, "mine").routes) == ("2", ["*"])


def test_a_project_that_classifies_is_not_deleted(stores: Any) -> None:
    promote(stores, "mine", "1")
    promote(stores, "screws", "1")
    with pytest.raises(Conflict, match=r"'screws' classifies \*\. Give that to another project first"):
        delete_project(stores, "screws", "me")
    rollback(stores, "me")
    add_route(stores, "factory/*", "screws", "me")
    with pytest.raises(Conflict, match=r"classifies factory/\*"):
        delete_project(stores, "screws", "me")
    remove_route(stores, "factory/*")
    assert delete_project(stores, "screws", "me").state is ProjectState.DELETED


def test_the_first_project_is_always_there(stores: Any) -> None:
    with pytest.raises(Conflict, match="always there"):
        delete_project(stores, "mine", "me")


def test_nothing_is_lost_until_the_day_has_come(stores: Any) -> None:
    before = files(stores)
    deleted = delete_project(stores, "screws", "maria")
    assert deleted.deleted is not None
    assert deleted.deleted.by == "maria"
    assert list(purge(stores, DAYS, in_days(DAYS - 0.1))) == []
    assert files(stores) == before
    assert shown(stores, "screws").gone_at is not None
    assert undelete_project(stores, "screws").state is ProjectState.OPEN
    assert list(purge(stores, DAYS, in_days(DAYS + 1))) == []
    assert files(stores) == before
    with pytest.raises(Conflict, match="is not deleted"):
        undelete_project(stores, "screws")


def test_a_project_that_comes_back_after_its_title_was_taken_gets_a_number(stores: Any) -> None:
    delete_project(stores, "screws", "me")
    again = stores.projects.create("Screws", "me")
    back = undelete_project(stores, "screws")
    assert (again.name, again.title, back.name, back.title) == ("Screws-2", "Screws", "screws", "screws (2)")


def test_what_a_version_was_asked_to_keep_is_its_own_until_the_project_is_gone_for_good(stores: Any) -> None:
    prefix = pinned_prefix(stores, stores.projects.open("screws"), "1", "0" * 64, "me")
    delete_project(stores, "screws", "me")
    assert stores.routes.read().route_of(f"{prefix}a.png") is not None, "as it must be if the project comes back"
    list(purge(stores, DAYS, in_days(DAYS + 1)))
    found = stores.routes.read()
    assert (found.routes.routes, found.routes.projects) == ((), {})


def test_a_deleted_project_takes_no_routes(stores: Any) -> None:
    delete_project(stores, "screws", "me")
    for pattern in ("factory/*", "*"):
        with pytest.raises(NotFound, match="imagestore projects undelete screws"):
            add_route(stores, pattern, "screws", "me")


def test_nobody_goes_back_to_a_version_of_a_deleted_project(stores: Any) -> None:
    for project, version in (("mine", "1"), ("screws", "1"), ("mine", "2")):
        promote(stores, project, version)
    delete_project(stores, "screws", "me")
    with pytest.raises(Conflict, match="screws 1 was live before, and its project is deleted: imagestore projects und"):
        rollback(stores, "me")
    list(purge(stores, DAYS, in_days(DAYS + 1)))
    assert rollback(stores, "me").version == "1", "what is gone for good is left out"
    assert stores.routes.read().default.live.name == "mine"


def test_what_is_gone_for_good_is_gone_and_nothing_else(stores: Any) -> None:
    before = files(stores)
    delete_project(stores, "screws", "me")
    ((project, count),) = purge(stores, DAYS, in_days(DAYS + 1))
    assert (project.name, count) == ("screws", 3 + 4)
    assert files(stores) == {name for name in before if not name.startswith("screws")}
    assert [one.name for one in summaries(stores, DAYS)] == ["mine"]
    assert list(purge(stores, DAYS, in_days(DAYS + 2))) == []
    with pytest.raises(NotFound, match="gone for good"):
        undelete_project(stores, "screws")


@pytest.mark.parametrize("deletions", range(8))
def test_who_is_killed_while_it_deletes_goes_on_the_next_time(stores: Any, deletions: int) -> None:
    """The first project's pictures stay usable meanwhile: what is left must not pass for an earlier version's form."""
    before, delete, left = files(stores), stores.training.delete, iter(range(deletions))

    def dying(name: str, etag: str | None = None) -> None:
        if next(left, None) is None:
            raise Unavailable("killed")
        delete(name, etag)

    stores.training.delete = stores.models._blobs.delete = dying
    delete_project(stores, "screws", "me")
    try:
        list(purge(stores, DAYS, in_days(DAYS + 1)))
    except Unavailable:
        TrainingPictures(stores.training, "mine").demand_migrated(stores.projects.gone)
        with pytest.raises(NotFound):
            undelete_project(stores, "screws")
    del stores.models._blobs.delete
    stores.training.delete = delete
    list(purge(stores, DAYS, in_days(DAYS + 1)))
    assert files(stores) == {name for name in before if not name.startswith("screws")}


def test_who_takes_it_back_while_it_is_to_go_keeps_everything(stores: Any) -> None:
    before, change = files(stores), stores.projects.change

    def too_late(name: str, changed: Any) -> Any:
        stores.projects.change = change
        undelete_project(stores, "screws")
        return change(name, changed)

    delete_project(stores, "screws", "me")
    stores.projects.change = too_late
    assert list(purge(stores, DAYS, in_days(DAYS + 1))) == []
    assert files(stores) == before
    assert shown(stores, "screws").deleted is None


def test_a_project_that_was_promoted_at_the_moment_of_its_deletion_is_kept(stores: Any) -> None:
    delete_project(stores, "screws", "me")
    promote(stores, "screws", "1")
    assert list(purge(stores, DAYS, in_days(DAYS + 1))) == []
    assert ("screws", "1") in stores.models.versions()


def test_what_learned_from_the_first_projects_pictures_leaves_them_there(stores: Any) -> None:
    stores.models.keep("garden", "1", {MODEL_FILE: b"model"})
    assert shown(stores, "garden").created is None
    delete_project(stores, "garden", "me")
    list(purge(stores, DAYS, in_days(DAYS + 1)))
    assert ("garden", "1") not in stores.models.versions()
    assert TrainingPictures(stores.training, "mine").picture(SHA256) == b"picture"
