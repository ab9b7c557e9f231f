"""The host's log tells which pictures wait to be tried again."""

import logging
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from imagestore.errors import Unavailable
from imagestore.local.host.worker import LOG_FORMAT
from imagestore.local.retries import RetryLog
from imagestore.pipeline import Context, retry_later
from imagestore.pipeline.tasks import PREPROCESS, Task
from imagestore.record import record_id


def test_an_announced_retry_is_read_with_its_time_and_error(tmp_path: Path) -> None:
    log = tmp_path / "host.log"
    retries = RetryLog(log)
    assert retries.read() == {}
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logger = logging.getLogger("imagestore")
    logger.addHandler(handler)
    sent: list[str] = []
    work = SimpleNamespace(send=lambda message, delay_s: sent.append(message))
    context = SimpleNamespace(retry_delays_s=(10.0, 600.0), stores=SimpleNamespace(work=work))
    before = datetime.now()
    try:
        with retry_later(cast(Context, context), Task(PREPROCESS, "cat.jpg", attempt=2)):
            raise Unavailable("no answer")
    finally:
        logger.removeHandler(handler)
        handler.close()
    assert len(sent) == 1
    found = retries.read()[record_id("cat.jpg")]
    assert 599 < (found.due - before).total_seconds() < 660
    assert found.error == "Unavailable: no answer"


@pytest.mark.parametrize(
    "line", ["", "step=preprocess id=0 ms=12", "2026-11-21 09:00:00,000 1 INFO x step=a id=b ms=3"]
)
def test_other_lines_are_passed_over(tmp_path: Path, line: str) -> None:
    (tmp_path / "host.log").write_text(line + "\n")
    assert RetryLog(tmp_path / "host.log").read() == {}
