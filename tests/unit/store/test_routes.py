"""Which project classifies which uploads, as it is stored."""

from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.errors import Conflict, NotARoute, StoreError
from imagestore.store import Active, PromotionEntry, RouteTable
from imagestore.store.routes import MOST_ROUTES, Route, Routes, prefix_of
from unit.web.memory import registry

ENTRY = PromotionEntry("screws", "1", "a" * 64, "2026-11-21T09:00:00.000Z", "me")


def test_a_backslash_is_a_slash_as_in_names_of_uploads() -> None:
    assert prefix_of("factory\\old\\*") == "factory/old/"


def test_there_is_a_limit_to_the_number_of_routes() -> None:
    routes = Routes(tuple(Route(str(number), "mine") for number in range(MOST_ROUTES)))
    assert len(routes.with_route(Route("7", "screws")).routes) == MOST_ROUTES
    with pytest.raises(NotARoute, match=f"{MOST_ROUTES} routes already"):
        routes.with_route(Route("one more", "screws"))


def test_what_was_written_is_read_and_what_others_changed_is_not_overwritten() -> None:
    stores: Any = SimpleNamespace(**registry())
    before = stores.routes.read()
    routes = Routes().with_route(Route("factory/", "screws")).with_live("screws", Active(ENTRY))
    written = stores.routes.write_routes(routes.with_route(Route("factory/old/", "nails")), before)
    assert stores.routes.read() == written
    assert [one.pattern for one in written.routes.routes] == ["factory/old/*", "factory/*"]
    assert written.by_prefix() == [("factory/", Active(ENTRY))], "nails has no live model"
    with pytest.raises(Conflict):
        stores.routes.write_routes(routes, before)


def test_who_changes_routes_waits_until_every_worker_has_had_to_ask() -> None:
    models: Any = registry()["models"]
    slept: list[float] = []
    table = RouteTable(models._blobs, models, 2.0, slept.append)
    added = table.change_routes(lambda routes: routes.with_route(Route("factory/", "screws")))
    assert [2.0 < pause < 3 for pause in slept] == [True]
    assert table.change_routes(lambda routes: routes) == added
    assert len(slept) == 1, "every worker knows already"
    another_process = RouteTable(models._blobs, models, 2.0, slept.append)
    another_process.change_routes(lambda routes: routes)
    assert len(slept) == 2, "whoever wrote it may have stopped before every worker knew"
    another_process.change_routes(lambda routes: routes.without_route("factory/"))
    assert table.change_routes(lambda routes: routes.with_route(Route("factory/", "screws"))) == added
    assert len(slept) == 4, "what workers know already is not what they knew before another has changed it"


def test_files_that_are_none_are_said() -> None:
    for name in ("routes.json", "active.json"):
        stores: Any = SimpleNamespace(**registry())
        stores.models.note(name, b"[]")
        with pytest.raises(StoreError, match=f"{name} in models cannot be read"):
            stores.routes.read()


def test_what_a_version_before_wrote_of_the_live_model_is_what_is_live() -> None:
    stores = SimpleNamespace(**registry())
    written = b'{"live": {"name": "mine", "version": "2", "sha256": "ab", "at": "2026-11-24T09:00:00.000Z", "by": "me",'
    stores.models.note("active.json", written + b' "note": "Better."}, "previous": []}')
    found = stores.routes.read()
    assert (found.default.live.version, found.routes) == ("2", Routes())
