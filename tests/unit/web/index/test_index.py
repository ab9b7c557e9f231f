"""The index keeps what the change feed brings, and outlives what may happen to its file."""

import sqlite3
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from classify import Vector
from imagestore.record import Record, record_id, tombstone
from imagestore.store import StoredRecord
from imagestore.web.index.counting import counts
from imagestore.web.index.index import MOST_IDLE, Index
from imagestore.web.index.queries import Filter
from unit.web.records import picture, stored, take_in


def test_a_deleted_picture_is_gone_and_its_name_too(index: Index, records: list[Record], tmp_path: Path) -> None:
    gone = records[0]
    seq = index.last_seq()
    take_in(index, [tombstone(gone.name, "2026-11-22T00:00:00.000Z")], "next")
    assert index.get(gone.id) is None
    assert counts(index, Filter()).total == len(records) - 1
    assert [(id, json) for _, id, json in index.since(seq, 10)] == [(gone.id, None)]
    assert not index.query("SELECT 1 FROM pictures WHERE name = ?", [gone.name])


def test_changes_are_numbered_and_the_newest_state_is_told_once(index: Index) -> None:
    take_in(index, [picture("a"), picture("b")], "1")
    start = index.last_seq()
    index.put(stored(picture("a", "rose")))
    index.put(stored(picture("a", "tulip")))
    ((seq, _, json),) = index.since(start, 10)
    assert seq > start
    assert json is not None
    assert b"tulip" in json


def test_a_file_that_is_kept_is_gone_on_with(index: Index, records: list[Record], tmp_path: Path) -> None:
    again = Index(tmp_path / "index.sqlite")
    assert again.epoch == index.epoch
    assert again.position() == index.position()
    assert counts(again, Filter()).total == len(records)
    again.close()


@pytest.mark.parametrize("damage", [b"this is no database", b""], ids=["other content", "nothing"])
def test_a_file_that_is_no_index_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(damage * 1000)
    index = Index(path)
    take_in(index, [picture("cat.jpg")], "1")
    assert counts(index, Filter()).total == 1
    index.close()


def test_a_failed_write_changes_nothing(index: Index) -> None:
    take_in(index, [picture("cat.jpg")], "1")
    with pytest.raises(AttributeError):
        index.apply([stored(picture("dog.jpg")), cast(StoredRecord, None)], "generation", "2")
    position = index.position()
    assert position is not None
    assert position.token == "1"
    assert counts(index, Filter()).total == 1


def label_of(index: Index, name: str) -> str | None:
    record = index.get(record_id(name))
    return record.label if record else None


def test_an_older_record_never_replaces_a_newer_one_whichever_comes_first(index: Index) -> None:
    older, newer = stored(picture("cat.jpg", "tabby"), 5), stored(picture("cat.jpg", "lynx"), 6)
    index.put(newer)
    assert index.apply([older], "generation", "a page that was read before the correction") == 0
    assert label_of(index, "cat.jpg") == "lynx"
    index.apply([stored(picture("dog.jpg", "wolf"), 8)], "generation", "somebody else's correction came first")
    index.put(stored(picture("dog.jpg", "fox"), 7))
    assert label_of(index, "dog.jpg") == "wolf"


def test_what_the_change_feed_brings_a_second_time_is_no_change(index: Index) -> None:
    corrected = stored(picture("cat.jpg", "lynx"))
    index.put(corrected)
    seq = index.last_seq()
    assert index.apply([corrected], "generation", "1") == 0
    assert index.since(seq, 10) == []


def test_a_deleted_picture_comes_back_with_a_new_upload_only(index: Index) -> None:
    before = stored(picture("cat.jpg"), 5)
    index.put(before)
    index.remove(before.record.id)
    assert label_of(index, "cat.jpg") is None
    assert [json for _, _, json in index.since(0, 10)] == [None]
    index.apply([before], "generation", "an older page")
    assert label_of(index, "cat.jpg") is None
    index.apply([stored(picture("cat.jpg", "lynx"), 6)], "generation", "uploaded again")
    assert label_of(index, "cat.jpg") == "lynx"


def test_a_picture_that_is_shown_again_is_told_of_again(index: Index) -> None:
    index.put(stored(picture("cat.jpg")))
    index.put(stored(picture("dog.jpg")))
    seq = index.last_seq()
    index.touch(record_id("cat.jpg"))
    assert [id for _, id, _ in index.since(seq, 10)] == [record_id("cat.jpg")]


def is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_a_burst_of_threads_leaves_few_connections_open(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def counted(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made.append(connect(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", counted)
    threads = [threading.Thread(target=index.get, args=["0" * 32]) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(is_open, made)) <= MOST_IDLE
    index.close()
    assert not any(map(is_open, made))


def test_a_vector_is_kept_beside_the_record_and_goes_with_it(index: Index) -> None:
    one, other = picture("a.jpg"), picture("b.jpg")
    vector = Vector("b" * 64, b"\1\2\3")
    take_in(index, [one.with_vector(vector), other.with_vector(vector)], "1")
    assert index.get(one.id) == one
    assert b"vector" not in b"".join(json or b"" for _, _, json in index.since(0, 10))
    of_one = "SELECT hash, codes FROM vectors, backbones, pictures WHERE picture = pictures.row AND id = ?"
    assert index.query(of_one, [one.id]) == [(vector.backbone, vector.codes)]
    take_in(index, [tombstone(one.name, "2026-11-22T00:00:00.000Z")], "2")
    index.remove(other.id)
    assert index.query("SELECT * FROM vectors") == []
