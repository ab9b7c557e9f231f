"""A bad picture costs one attempt and its neighbours nothing; what must not be kept is nowhere."""

from collections.abc import Callable
from pathlib import Path

import pytest

from imagestore.pipeline.names import result_name, staged_name
from imagestore.record import Status, record_id
from imagestore.store.documents import to_json
from unit.gallery import ALL
from unit.pictures import encoded, photo
from unit.preprocess.test_metadata import camera_exif

from .conftest import Pipeline

GOOD = encoded(photo())


@pytest.mark.parametrize(("fault", "reason"), [("HANG", "decode_timeout"), ("CRASH", "decoder_crashed")])
def test_a_decoder_that_hangs_or_dies_costs_that_picture_alone(
    pipeline: Pipeline, log_of: Callable[[str], Path], fault: str, reason: str
) -> None:
    names = [f"neighbours/{fault}/{number}.png" for number in range(12)]
    bad = f"neighbours/{fault}/bad.png"
    dropped = {name: pipeline.drop(name, GOOD) for name in names[:6]}
    dropped[bad] = pipeline.drop(bad, GOOD + f"TEST:{fault}".encode())
    dropped |= {name: pipeline.drop(name, GOOD) for name in names[6:]}
    records = {name: pipeline.record(name, etag) for name, etag in dropped.items()}
    problem = records.pop(bad).problem
    assert problem is not None
    assert problem.reason == reason
    assert {record.problem for record in records.values()} == {None}
    assert pipeline.tags(bad, dropped[bad])["status"] == "rejected"
    pipeline.idle()
    log = log_of("host").read_text()
    assert log.count(f"committed id={record_id(bad)}") == 1
    assert "given up" not in log


def test_every_format_goes_through_the_whole_stack(pipeline: Pipeline) -> None:
    dropped = {f"formats/{kind}": pipeline.drop(f"formats/{kind}", make()) for kind, make in ALL.items()}
    for name, etag in dropped.items():
        record = pipeline.record(name, etag)
        assert record.status in (Status.CLASSIFIED, Status.UNKNOWN), name
        assert record.image is not None
        assert record.image.format == name.split("/")[1].split()[0]


def test_what_must_not_be_kept_is_nowhere(pipeline: Pipeline, log_of: Callable[[str], Path]) -> None:
    name = "private.jpg"
    thumbnail = b"THUMBNAIL-SECRET"
    data = encoded(photo(), "JPEG", exif=camera_exif(), comment=b"COMMENT-SECRET " + thumbnail)
    record = pipeline.record(name, pipeline.drop(name, data))
    assert record.image is not None
    assert record.image.metadata["Make"] == "Canon"
    staged = pipeline.stores.staging.get(staged_name(name)).data or b""
    from preprocess import open_staged

    _, note = open_staged(staged)
    result = pipeline.stores.results.get(result_name(name)).data or b""
    for kept in (to_json(record), result, staged, note.encode(), log_of("host").read_bytes()):
        for secret in (b"SERIAL-123", b"MAKERNOTE", b"Owner Name", b"COMMENT-SECRET", thumbnail, b"GPS"):
            assert secret not in kept
    assert name.encode() not in log_of("host").read_bytes()
