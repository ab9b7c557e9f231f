from typing import Any

import pytest

from imagestore.errors import Conflict
from imagestore.store.instance import (
    OpenRestore,
    begin_restore,
    end_restore,
    instance_id,
    name_instance,
    open_restore,
)
from unit.web.memory import MemoryBlobs


def test_an_instance_keeps_its_first_name() -> None:
    blobs: Any = MemoryBlobs("models")
    assert instance_id(blobs) is None
    name = name_instance(blobs)
    assert name_instance(blobs, "another") == name == instance_id(blobs)


def test_one_restore_is_open_at_a_time() -> None:
    blobs: Any = MemoryBlobs("models")
    restore = OpenRestore("20261129T194500Z-0a1b2c", "2026-11-29T19:45:00.000Z", "me")
    begin_restore(blobs, restore)
    assert open_restore(blobs) == restore
    with pytest.raises(Conflict):
        begin_restore(blobs, restore)
    end_restore(blobs)
    assert open_restore(blobs) is None
