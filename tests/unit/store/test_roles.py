"""What a process does with the roles of roles.json alone: a store refuses whatever they do not give."""

import fnmatch
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagestore.errors import Unavailable
from imagestore.store import roles
from imagestore.store.custom_vision import CustomVisionTable
from imagestore.store.models import MODEL_FILE, Models
from imagestore.store.projects import FIRST, ProjectTable
from imagestore.store.roles import Grant
from model import versions
from preprocess import Limits
from unit.memory_items import MemoryItems
from unit.model.labelled_pictures import quiet, scene
from unit.pictures import encoded
from unit.web.memory import MemoryBlobs, MemoryRecords

CHANGES = {"put", "overwrite", "writer", "delete", "tag", "create", "replace", "write", "hide"}


class Guarded:
    """A container that refuses what none of these grants gives."""

    def __init__(self, store: Any, on: str, grants: list[Grant]) -> None:
        self._store, self._on, self._grants = store, on, grants

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._checked(name, found) if callable(found) else found

    def _checked(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            if not any(self._gives(grant, name, args) for grant in self._grants):
                raise Unavailable(f"{name} on {self._on}: (403)")
            return method(*args, **more)

        return call

    def _gives(self, grant: Grant, name: str, args: tuple[Any, ...]) -> bool:
        if name not in CHANGES:
            return True  # each of these roles lets read
        may_change = grant.role.endswith(("Owner", "Contributor"))
        return may_change and (not grant.only or any(fnmatch.fnmatchcase(args[0], each) for each in grant.only))


def stores_for(who: str) -> Any:
    """Stores in memory, as this process sees them."""

    class Stores:
        def __init__(self) -> None:
            self.uploads, self.training = blobs("uploads"), blobs("training")
            self.records, self.jobs = cosmos("images", MemoryRecords()), cosmos("jobs", MemoryItems())
            self.accounts, self.audit = cosmos("accounts", MemoryItems()), cosmos("audit", MemoryItems())
            files = blobs("models")
            self.models = Models(files)
            self.projects, self.custom_vision = ProjectTable(files, self.models), CustomVisionTable(files)

    def of(kind: str, on: str, store: Any) -> Any:
        return Guarded(store, on, [one for one in roles.grants()[kind] if (one.who, one.on) == (who, on)])

    def blobs(name: str) -> Any:
        return of("container", name, MemoryBlobs(name))

    def cosmos(name: str, items: Any) -> Any:
        return of("cosmos", name, items)

    return Stores()


@pytest.mark.parametrize("who", ["cluster", "jobs", "operator"])
def test_who_trains_can_gather_and_keep_a_version(who: str, tmp_path: Path) -> None:
    stores = stores_for(who)
    for seed in range(10):
        (tmp_path / "ab"[seed % 2]).mkdir(exist_ok=True)
        (tmp_path / "ab"[seed % 2] / f"{seed}.png").write_bytes(encoded(scene(seed)))
    gathered = versions.gather(stores, FIRST, [tmp_path], Limits(), quiet)
    assert len(gathered.prepared.examples.good) == 10
    gathered.keep_computed()
    assert stores.custom_vision.read(FIRST.name).claims == ()
    version = stores.models.claim(FIRST.name)
    stores.models.keep(FIRST.name, version, {MODEL_FILE: b"a model"})


def test_a_cluster_can_neither_make_a_version_live_nor_read_who_has_an_account() -> None:
    stores = stores_for("cluster")
    with pytest.raises(Unavailable):
        stores.projects.create("garden", "me")
    for items in (stores.accounts, stores.audit):
        with pytest.raises(Unavailable):
            items.find("account")
    with pytest.raises(Unavailable):
        stores.jobs.create({"id": "1", "type": "job"})
