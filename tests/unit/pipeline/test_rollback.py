"""Going back to the model that was live before."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from imagestore.errors import NotFound
from imagestore.pipeline.rollback import rollback
from imagestore.store.models import Active, Models, PromotionEntry
from unit.web.memory import MemoryBlobs

AT = "2026-11-21T09:00:00.000Z"
FIRST, SECOND = (PromotionEntry("mine", version, version * 64, AT, "somebody") for version in "12")


@pytest.fixture
def models() -> Models:
    return Models(cast(Any, MemoryBlobs("models")))


def test_the_one_before_is_live_again_and_it_is_noted_who_did_it(models: Models) -> None:
    models.begin(Active(SECOND, (FIRST,)))
    entry = rollback(cast(Any, SimpleNamespace(models=models)), "me")
    found = models.active()
    assert found is not None
    assert (found[0].live, found[0].previous) == (entry, ())
    assert (entry.version, entry.sha256, entry.by, entry.note) == ("1", FIRST.sha256, "me", "rolled back from mine 2")


def test_there_may_be_none_to_go_back_to(models: Models) -> None:
    stores = cast(Any, SimpleNamespace(models=models))
    with pytest.raises(NotFound, match="no earlier model"):
        rollback(stores, "me")
    models.begin(Active(FIRST))
    with pytest.raises(NotFound, match="no earlier model"):
        rollback(stores, "me")
