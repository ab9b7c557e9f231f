"""Fits side by side are those of one after the other."""

import warnings
from threading import Barrier

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from model.training.threads import one_thread, side_by_side


def test_what_is_computed_side_by_side_is_the_same_to_the_last_digit() -> None:
    many = np.random.default_rng(1).normal(0, 1, (8, 300, 300)).astype(np.float32)
    told: list[int] = []
    found = side_by_side(lambda one: one @ one.T, list(many), lambda: told.append(1))
    with one_thread():
        one_by_one = [one @ one.T for one in many]
    assert all((one == other).all() for one, other in zip(found, one_by_one, strict=True))
    assert len(told) == 8


def test_as_many_run_at_once_as_there_are_cores_and_each_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    meeting = Barrier(3, timeout=60)

    def one(_: int) -> set[int]:
        with one_thread():
            meeting.wait()
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    before = [pool["num_threads"] for pool in threadpool_info()]
    assert set().union(*side_by_side(one, range(3), lambda: None)) == {1}
    assert [pool["num_threads"] for pool in threadpool_info()] == before, "and afterwards all is as it was"


def test_warnings_are_as_before_afterwards() -> None:
    before = warnings.filters[:]
    side_by_side(lambda _: None, range(4), lambda: None)
    assert warnings.filters == before
