"""Records are written anew from results, where the upload is still there and has no record."""

from dataclasses import replace
from typing import Any

import pytest

import imagestore.pipeline.upkeep.rebuild
from imagestore.pipeline.names import former_result_name, result_name
from imagestore.pipeline.upkeep.rebuild import Rebuilt, rebuild
from imagestore.record import Record, record_id
from imagestore.store.documents import to_json
from unit.web.memory import memory_stores
from unit.web.records import picture

NAME = "garden/a.jpg"


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(imagestore.pipeline.upkeep.rebuild, "create_records", lambda stores: None)
    stores: Any = memory_stores()
    stores.uploads.overwrite(NAME, b"picture", "image/jpeg")
    return stores


def keep(stores: Any, record: Record, name: str | None = None) -> None:
    stores.results.overwrite(name or result_name(record.name), to_json(record), "application/json")


@pytest.mark.parametrize("named", [result_name, former_result_name])
def test_a_result_of_this_version_and_of_the_one_before_gives_its_record(stores: Any, named: Any) -> None:
    keep(stores, picture(NAME), named(NAME))
    assert list(rebuild(stores)) == [Rebuilt(written=True)]
    stored = stores.records.read(record_id(NAME))
    assert stored.record == picture(NAME)
    assert stored.result_etag == stores.results.stat(named(NAME)).etag


def test_a_record_that_is_there_stays(stores: Any) -> None:
    keep(stores, picture(NAME, "dog"))
    stores.records.write(picture(NAME, "cat"), None, None)
    assert list(rebuild(stores)) == [Rebuilt(written=False)]
    assert stores.records.read(record_id(NAME)).record.label == "cat"


def test_a_deletion_is_not_undone(stores: Any) -> None:
    keep(stores, picture("deleted.jpg"))
    assert list(rebuild(stores)) == [Rebuilt(skipped="its upload is gone")]
    assert stores.records.records == {}


@pytest.mark.parametrize("content", [b"{}", b"no JSON", to_json(replace(picture("another.jpg")))])
def test_what_is_no_result_of_ours_is_skipped(stores: Any, content: bytes) -> None:
    stores.results.overwrite(result_name(NAME), content, "application/json")
    assert list(rebuild(stores)) == [Rebuilt(skipped="it is no result of ours")]
    assert stores.records.records == {}


def test_a_dry_run_writes_nothing(stores: Any) -> None:
    keep(stores, picture(NAME))
    assert list(rebuild(stores, dry_run=True)) == [Rebuilt(written=True)]
    assert stores.records.records == {}
