"""JSON files that several change at once."""

from dataclasses import dataclass
from typing import Any

import pytest

from imagestore.errors import Conflict, NotFound, StoreError
from imagestore.store.guarded import GuardedJson
from unit.web.memory import MemoryBlobs


@dataclass(frozen=True)
class Numbers:
    numbers: tuple[int, ...] = ()


@pytest.fixture
def blobs() -> Any:
    return MemoryBlobs("models")


@pytest.fixture
def file(blobs: Any) -> GuardedJson[Numbers]:
    return GuardedJson(blobs, "numbers.json", Numbers, "the numbers")


def add(number: int) -> Any:
    return lambda before: Numbers((*(before.numbers if before else ()), number))


def test_what_is_written_is_read(file: GuardedJson[Numbers]) -> None:
    assert file.read() == (None, None)
    etag = file.write(Numbers((1,)), None)
    assert file.read() == (Numbers((1,)), etag)
    with pytest.raises(Conflict):
        file.write(Numbers((2,)), None)


def test_of_two_who_change_it_at_once_neither_is_lost(file: GuardedJson[Numbers], blobs: Any) -> None:
    others = iter([7, 8])

    def after_others(before: Numbers | None) -> Numbers:
        if (other := next(others, None)) is not None:
            file.change(add(other))
        changed: Numbers = add(1)(before)
        return changed

    assert file.change(after_others) == file.read()[0] == Numbers((7, 8, 1))


def test_what_is_the_same_is_not_written_again(file: GuardedJson[Numbers]) -> None:
    etag = file.write(Numbers((1,)), None)
    assert file.change(lambda before: Numbers((1,))) == Numbers((1,))
    assert file.read()[1] == etag


def test_what_a_change_raises_is_passed_on_and_nothing_is_written(file: GuardedJson[Numbers]) -> None:
    asked = []

    def refuses(before: Numbers | None) -> Numbers:
        asked.append(before)
        raise Conflict("There is one already.")

    with pytest.raises(Conflict, match="There is one already"):
        file.change(refuses)
    assert (len(asked), file.read()) == (1, (None, None))
    with pytest.raises(NotFound):
        file.change(lambda _: (_ for _ in ()).throw(NotFound("nothing")))


def test_who_is_always_too_late_gives_up(file: GuardedJson[Numbers]) -> None:
    def too_late(before: Numbers | None) -> Numbers:
        file.write(add(0)(before), file.read()[1])
        changed: Numbers = add(1)(before)
        return changed

    with pytest.raises(Conflict, match="Others kept changing the numbers"):
        file.change(too_late)


def test_a_file_that_is_none_is_said(file: GuardedJson[Numbers], blobs: Any) -> None:
    blobs.overwrite("numbers.json", b"[]", "application/json")
    with pytest.raises(StoreError, match=r"numbers\.json in models cannot be read"):
        file.read()
