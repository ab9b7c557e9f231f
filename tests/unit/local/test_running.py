"""Local stacks are found by their data folders."""

import os
from pathlib import Path

import pytest

from imagestore.local.running import announced, ports_in_use, running_stacks, stack_in
from imagestore.local.supervisor import lock


def test_a_stack_that_runs_is_found_and_one_that_was_killed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "data"
    folder.mkdir()
    descriptor = lock(folder)
    with announced(
        folder, "http://localhost:8000", {"COSMOS": "AccountEndpoint=http://localhost:8081/;AccountKey=eA=="}
    ):
        (found,) = running_stacks()
        assert (found.folder, found.address) == (folder, "http://localhost:8000")
        assert found.environment["COSMOS"].startswith("AccountEndpoint=")
        assert ports_in_use() == {8000: str(folder), 8081: str(folder)}
        os.close(descriptor)  # as when its process is killed: the lock is gone, the note stays
        assert stack_in(folder) is None
        assert running_stacks() == []
    assert not list((tmp_path / "state").rglob("*/stacks/*"))
