"""What `imagestore run` says of the pictures that it waits for."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from imagestore.cli.intake import Uploaded
from imagestore.cli.watch import Watch
from imagestore.local.retries import Retry, RetryLog
from imagestore.record import Record, Status, Upload, record_id
from imagestore.store import StoredRecord, Stores

SOON = datetime.now() + timedelta(hours=1)


class Feed:
    """Records that change while they are looked at."""

    def __init__(self, *pages: list[Record]) -> None:
        self._pages = list(pages)

    def now(self) -> str:
        return "0"

    def find(self, limit: int) -> list[Record]:
        return []

    def read(self, id: str) -> None:
        return None

    def changes(self, token: str) -> Iterator[tuple[list[StoredRecord], str]]:
        if self._pages:
            yield [StoredRecord(record, "0x1", None) for record in self._pages.pop(0)], "1"


def final(name: str, status: Status, label: str | None = None) -> Record:
    return Record(record_id(name), name, status, label, Upload("0x1", 1))


def watch(feed: Feed, retries: dict[str, Retry] | None = None) -> Watch:
    log = SimpleNamespace(read=lambda: retries or {})
    return Watch(cast(Stores, SimpleNamespace(records=feed)), cast(RetryLog, log))


def test_it_ends_when_all_that_is_waited_for_is_final_and_sums_up_the_rest_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    others = final("somebody's.jpg", Status.CLASSIFIED, "tabby")
    watching = watch(Feed([others, final("a", Status.CLASSIFIED, "tabby")], [final("b", Status.UNKNOWN)]))
    watching.expect(Uploaded({"a": "0x1", "b": "0x1"}))
    watching.show(forever=False)
    assert watching.is_complete
    assert watching.summary().splitlines() == ["", "3 done: 2 classified, 1 unknown.", "      2  tabby"]
    assert "somebody's.jpg  tabby" in capsys.readouterr().out


def test_what_came_since_the_last_look_is_summed_up_too() -> None:
    watching = watch(Feed([final("a", Status.CLASSIFIED, "tabby")]))
    watching.expect(Uploaded({"a": "0x1"}))
    assert watching.summary().splitlines() == ["", "1 done: 1 classified.", "      1  tabby"]  # Ctrl-C before any look


def test_a_record_of_an_older_version_is_not_the_one_that_is_waited_for() -> None:
    watching = watch(Feed([final("a", Status.UNKNOWN)]))
    watching.expect(Uploaded({"a": "0x2"}))
    watching.show(forever=False, timeout_s=0)
    assert not watching.is_complete


def test_it_says_when_the_next_attempt_is(capsys: pytest.CaptureFixture[str]) -> None:
    retries = {
        record_id("a"): Retry(SOON, "Unavailable: no answer"),
        record_id("b"): Retry(SOON + timedelta(minutes=5), "Unavailable: no answer"),
        record_id("done"): Retry(SOON, "done since"),
        record_id("tried"): Retry(datetime.now() - timedelta(seconds=1), "under way now"),
    }
    watching = watch(Feed([final("done", Status.UNKNOWN)]), retries)
    watching.expect(Uploaded(dict.fromkeys(("a", "b", "done", "tried"), "0x1")))
    watching.show(forever=False, timeout_s=0.01)
    waits = f"2 pictures wait to be tried again, the next at {SOON:%H:%M:%S}: Unavailable: no answer"
    assert waits in capsys.readouterr().out
    assert watching.summary().splitlines()[-2:] == ["3 without a final record.", waits]


def test_where_nothing_was_done_there_is_nothing_to_sum_up() -> None:
    assert watch(Feed()).summary() == ""
