"""Which models are live for which uploads, and how that changes."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.errors import Conflict, NotARoute, NotFound
from imagestore.pipeline.models.live import add_route, finish, forget, make_live, remove_route, rollback
from imagestore.store import LiveModels, PromotionEntry
from imagestore.store.models import Inspection
from imagestore.store.routes import Routes
from unit.web.memory import make_default, registry

AT = "2026-11-21T09:00:00.000Z"


def entry(project: str, version: str) -> PromotionEntry:
    return PromotionEntry(project, version, f"{project} {version}", AT, "somebody")


FIRST, SECOND = entry("mine", "1"), entry("mine", "2")


@pytest.fixture
def stores() -> Any:
    """Two versions of `mine` and of `screws`, none of which is live."""
    stores = SimpleNamespace(**registry())
    for project in ("mine", "screws"):
        for version in ("1", "2"):
            stores.models.keep(project, version, {"model.onnx": b"model"})
    return stores


def promote(stores: Any, project: str, version: str) -> None:
    make_live(stores, entry(project, version), stores.routes.read())


def live(stores: Any) -> dict[str, str]:
    """By prefix what is live, the empty one by default."""
    found: LiveModels = stores.routes.read()
    routed = {prefix: f"{active.live.name} {active.live.version}" for prefix, active in found.by_prefix()}
    return routed | ({"": f"{found.default.live.name} {found.default.live.version}"} if found.default else {})


def test_the_one_before_is_live_again_and_it_is_noted_who_did_it(stores: Any) -> None:
    make_default(stores, SECOND, FIRST)
    entry = rollback(stores, "me")
    found = stores.routes.read().default
    assert (found.live, found.previous) == (entry, ())
    assert (entry.version, entry.sha256, entry.by, entry.note) == ("1", FIRST.sha256, "me", "rolled back from mine 2")


def test_there_may_be_none_to_go_back_to(stores: Any) -> None:
    with pytest.raises(NotFound, match="no earlier model to go back to"):
        rollback(stores, "me")
    make_default(stores, FIRST)
    for project in (None, "mine", "screws"):
        with pytest.raises(NotFound, match="no earlier model"):
            rollback(stores, "me", project)


def test_a_project_without_a_route_is_promoted_for_everything(stores: Any) -> None:
    promote(stores, "mine", "1")
    promote(stores, "screws", "1")
    assert live(stores) == {"": "screws 1"}
    rollback(stores, "me")
    assert live(stores) == {"": "mine 1"}


def test_a_project_with_a_route_is_promoted_and_goes_back_by_itself(stores: Any) -> None:
    promote(stores, "mine", "1")
    add_route(stores, "factory/*", "screws", "me")
    assert live(stores) == {"": "mine 1"}, "nothing is promoted by a route"
    promote(stores, "screws", "1")
    assert live(stores) == {"factory/": "screws 1", "": "mine 1"}
    promote(stores, "screws", "2")
    promote(stores, "mine", "2")
    assert live(stores) == {"factory/": "screws 2", "": "mine 2"}
    rollback(stores, "me", "screws")
    assert live(stores) == {"factory/": "screws 1", "": "mine 2"}
    rollback(stores, "me")
    assert live(stores) == {"factory/": "screws 1", "": "mine 1"}


def test_the_default_project_keeps_its_model_for_a_route_of_its_own(stores: Any) -> None:
    promote(stores, "mine", "1")
    add_route(stores, "garden/*", "mine", "me")
    assert live(stores) == {"garden/": "mine 1", "": "mine 1"}
    promote(stores, "mine", "2")
    assert live(stores) == {"garden/": "mine 2", "": "mine 2"}
    promote(stores, "screws", "1")
    assert live(stores) == {"garden/": "mine 2", "": "screws 1"}
    remove_route(stores, "garden/*")
    promote(stores, "mine", "1")
    add_route(stores, "garden/*", "mine", "me")
    assert live(stores) == {"garden/": "mine 1", "": "mine 1"}, "not what it was when there was a route before"


def test_what_was_promoted_in_two_places_goes_back_in_both(stores: Any) -> None:
    promote(stores, "mine", "1")
    add_route(stores, "garden/*", "mine", "me")
    promote(stores, "mine", "2")
    rollback(stores, "me")
    assert live(stores) == {"garden/": "mine 1", "": "mine 1"}
    promote(stores, "mine", "2")
    rollback(stores, "me", "mine")
    assert live(stores) == {"garden/": "mine 1", "": "mine 1"}


def test_a_project_does_not_go_back_to_another(stores: Any) -> None:
    promote(stores, "screws", "1")
    promote(stores, "mine", "1")
    with pytest.raises(NotFound, match="no earlier model of 'mine'"):
        rollback(stores, "me", "mine")
    rollback(stores, "me")
    assert live(stores) == {"": "screws 1"}


@pytest.mark.parametrize("project", ["mine", "screws"])
def test_a_route_that_is_given_while_the_gate_compares_ends_the_promotion(stores: Any, project: str) -> None:
    promote(stores, "mine", "1")
    seen = stores.routes.read()
    add_route(stores, "factory/*", project, "me")
    with pytest.raises(Conflict, match="a route changed, at the same time"):
        make_live(stores, entry(project, "2"), seen)
    assert "2" not in "".join(live(stores).values())


def test_everything_else_can_be_given_to_a_project(stores: Any) -> None:
    promote(stores, "mine", "1")
    with pytest.raises(NotFound, match="'screws' has no live version: imagestore promote VERSION --project screws"):
        add_route(stores, "*", "screws", "me")
    add_route(stores, "factory/*", "screws", "me")
    promote(stores, "screws", "1")
    add_route(stores, "*", "screws", "me")
    assert live(stores) == {"factory/": "screws 1", "": "screws 1"}
    rollback(stores, "me")
    assert live(stores) == {"factory/": "screws 1", "": "mine 1"}


def test_a_route_that_is_gone_leaves_its_uploads_to_the_next(stores: Any) -> None:
    promote(stores, "mine", "1")
    add_route(stores, "factory/*", "screws", "me")
    promote(stores, "screws", "1")
    remove_route(stores, "factory/*")
    assert live(stores) == {"": "mine 1"}
    assert not stores.routes.read().is_live("screws", "1")
    for pattern, said in (("factory/*", "no route 'factory/\\*'"), ("*", "is always there")):
        with pytest.raises(NotFound, match=said):
            remove_route(stores, pattern)


@pytest.mark.parametrize("pattern", ["", "factory", "a*b", "*a", "a**", "x" * 1020 + "*"])
def test_what_is_no_route_is_said(stores: Any, pattern: str) -> None:
    with pytest.raises(NotARoute):
        add_route(stores, pattern, "screws", "me")
    assert stores.routes.read() == LiveModels(None, Routes())


def test_a_route_to_a_project_that_is_not_there_is_refused(stores: Any) -> None:
    with pytest.raises(NotFound, match="no project 'bolts': imagestore projects list"):
        add_route(stores, "factory/*", "bolts", "me")


@pytest.mark.parametrize("project", ["mine", "screws"])
def test_of_two_changes_at_once_one_is_refused_and_the_history_is_whole(stores: Any, project: str) -> None:
    promote(stores, "mine", "1")
    add_route(stores, "factory/*", "screws", "me")
    promote(stores, "screws", "1")
    both_saw = stores.routes.read()
    make_live(stores, entry(project, "2"), both_saw)
    with pytest.raises(Conflict, match="Another model was promoted, or a route changed, at the same time"):
        make_live(stores, entry(project, "1"), both_saw)
    active = stores.routes.read().active(project) if project == "screws" else stores.routes.read().default
    assert (active.live, active.previous) == (entry(project, "2"), (entry(project, "1"),))


def test_a_model_that_was_found_to_be_unusable_is_not_given_the_route_of_all(stores: Any) -> None:
    promote(stores, "mine", "1")
    add_route(stores, "factory/*", "screws", "me")
    promote(stores, "screws", "1")
    refused = Inspection("f" * 64, AT, "me", is_admitted=False, why="screws 1 is no model.")
    stores.models.keep_inspection("screws", "1", refused)
    with pytest.raises(Conflict, match="screws 1 is no model"):
        add_route(stores, "*", "screws", "me")
    assert live(stores)[""] == "mine 1"


def test_each_change_waits_once_until_every_worker_knows(stores: Any) -> None:
    seen: list[str] = []

    def noted(call: Callable[..., Any]) -> Callable[..., Any]:
        def then(*given: Any) -> Any:
            seen.append(call.__name__)
            return call(*given)

        return then

    for name in ("write_routes", "write_default", "settle"):
        setattr(stores.routes, name, noted(getattr(stores.routes, name)))

    def done(change: Callable[[], object]) -> list[str]:
        seen.clear()
        change()
        return [name.removeprefix("write_") for name in seen]

    assert done(lambda: promote(stores, "mine", "1")) == ["default", "settle"]
    assert done(lambda: add_route(stores, "factory/*", "mine", "me")) == ["routes", "settle"]
    assert done(lambda: promote(stores, "mine", "2")) == ["routes", "default", "settle"]
    assert done(lambda: finish(stores, entry("mine", "2"))) == ["settle"], "whoever promoted it may not have waited"
    assert done(lambda: rollback(stores, "me", "mine")) == ["routes", "default", "settle"]
    assert done(lambda: remove_route(stores, "factory/*")) == ["routes", "settle"]
    promote(stores, "screws", "1")
    promote(stores, "mine", "1")
    assert done(lambda: forget(stores, "screws")) == ["default"], "nothing else is live then"
