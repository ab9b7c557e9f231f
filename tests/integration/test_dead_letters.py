"""What no event told of is found: by Event Grid's dead letters, and by the tombstone of what was restored."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from imagestore.local.supervisor import Stack
from imagestore.record import Status, record_id, tombstone, utc
from imagestore.settings import ROOT
from unit.pictures import encoded, photo

from .conftest import Pipeline, eventually
from .faults import unseen

NOBODY = "http://127.0.0.1:9"


def run_functions_timer(stack: Stack, function: str) -> None:
    """As the portal's Run button does it."""
    address = f"http://127.0.0.1:{stack.options.ports.host}/admin/functions/{function}"
    request = urllib.request.Request(address, b"{}", {"Content-Type": "application/json"})
    urllib.request.urlopen(request).close()


def dead_letters(pipeline: Pipeline) -> list[str]:
    return [blob.name for page, _ in pipeline.stores.dead_letters.list() for blob in page]


@pytest.mark.parametrize("name", ["dead/ä b.png"])
def test_an_upload_whose_event_was_not_delivered_gets_its_record(
    pipeline: Pipeline, stack: Stack, tmp_path: Path, name: str
) -> None:
    log = stack.options.folder / "logs" / "azurite.log"
    with unseen(stack):
        start = log.stat().st_size
        etag = pipeline.drop(name, encoded(photo(seed=77)))
        offset = tmp_path / "relay.offset"
        offset.write_text(f"{start:<20d}")
        command = [sys.executable, "-m", "imagestore.local.relay", "--log", str(log), "--offset", str(offset)]
        relay = subprocess.Popen(
            [*command, "--host", NOBODY, "--ttl", "0"],
            cwd=ROOT, env={**os.environ, **stack.environment}, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            (letter,) = eventually(lambda: dead_letters(pipeline), "a dead letter")
        finally:
            relay.terminate()
            relay.communicate()
    assert letter.startswith("PREPROCESS/")
    (event,) = json.loads(pipeline.stores.dead_letters.get(letter).data or b"")
    assert (event["eventType"], event["deadLetterReason"]) == ("Microsoft.Storage.BlobCreated", "TimeToLiveExceeded")
    assert pipeline.stores.records.read(record_id(name)) is None
    run_functions_timer(stack, "dead_letters")
    assert pipeline.record(name, etag).status in (Status.CLASSIFIED, Status.UNKNOWN)
    eventually(lambda: not dead_letters(pipeline), "the dead letter to go")


def test_an_upload_that_was_restored_gets_its_record_back(pipeline: Pipeline, stack: Stack) -> None:
    """Azurite has no undelete: what Azure leaves is a tombstone beside an upload with its old tags."""
    name, records = "restored.png", pipeline.stores.records
    etag = pipeline.drop(name, encoded(photo(seed=78)))
    pipeline.record(name, etag)
    eventually(lambda: (state := pipeline.stores.uploads.stat(name)) and state.has_tags, "its tags")
    records.write(tombstone(name, utc()), None, records.read(record_id(name)))
    run_functions_timer(stack, "sweep")
    assert pipeline.record(name, etag).status in (Status.CLASSIFIED, Status.UNKNOWN)
