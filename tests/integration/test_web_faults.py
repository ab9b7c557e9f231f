"""The web app when things break: Cosmos DB away or rebuilt, itself killed, a wrong setting, a port in use."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.supervisor import Stack
from settings import ROOT, Settings
from store import Stores, create, drop_records, open_stores
from unit.web_records import picture
from web.follow import Follower
from web.index import Index
from web.search import Filter, counts

from .conftest import Pipeline, Site, eventually

NOBODY = 23999


@pytest.fixture
def apart(stack: Stack) -> Stores:
    """Stores with a database of their own in the same Cosmos DB."""
    environment = stack.environment | {"COSMOS_DATABASE": "apart"}
    stores = open_stores(Settings.read(environment), environment)
    create(stores)
    return stores


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join()
    running.close()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path / "index.sqlite")
    yield opened
    opened.close()


def following(stores: Stores, index: Index, loop: asyncio.AbstractEventLoop) -> Follower:
    follower = Follower(stores, index, 0.02)
    follower.start(loop)
    return follower


def total(index: Index) -> int:
    return counts(index, Filter()).total


def test_the_index_follows_goes_on_and_begins_anew(
    apart: Stores, index: Index, loop: asyncio.AbstractEventLoop
) -> None:
    for name in ("one", "two"):
        apart.records.write(picture(name), None, None)
    follower = following(apart, index, loop)
    with follower.watching():
        eventually(lambda: total(index) == 2, "what was there")
        apart.records.write(picture("three"), None, None)
        eventually(lambda: total(index) == 3, "what came")
    follower.stop()
    apart.records.write(picture("four"), None, None)
    seq, epoch = index.last_seq(), index.epoch
    follower = following(apart, index, loop)
    eventually(lambda: total(index) == 4, "what came while nobody followed")
    assert index.epoch == epoch
    assert [id for _, id, _ in index.since(seq, 100)] == [picture("four").id], "only the new one was read"
    follower.stop()
    drop_records(apart)
    anew = replace(apart)
    create(anew)
    anew.records.write(picture("five"), None, None)
    follower = following(anew, index, loop)
    eventually(lambda: total(index) == 1, "the records that there are now, and no others")
    assert index.epoch != epoch, "who resumed by number must hear of it"
    follower.stop()
    drop_records(anew)


def test_an_index_that_slept_too_long_is_made_anew(
    apart: Stores, index: Index, loop: asyncio.AbstractEventLoop
) -> None:
    """Tombstones last 14 days: what was deleted meanwhile would stay for ever."""
    known = picture("known")
    apart.records.write(known, None, None)
    generation, token = apart.records.generation(), apart.records.now()
    index.apply([known, picture("deleted while it slept")], generation, token)
    index.connection.execute("UPDATE state SET value = '2026-01-01T00:00:00+00:00' WHERE name = 'at'")
    follower = following(apart, index, loop)
    eventually(lambda: total(index) == 1, "only what is there")
    follower.stop()
    drop_records(apart)


def test_while_cosmos_is_away_the_pages_stay(stack: Stack, tmp_path: Path) -> None:
    index = Index(tmp_path / "web.sqlite")
    index.put(picture("kept/cat.jpg"))
    index.close()
    away = f"AccountEndpoint=http://localhost:{NOBODY}/;AccountKey=" + "x" * 88
    environment = os.environ | stack.environment | {"COSMOS": away, "WEB_INDEX": str(tmp_path / "web.sqlite")}
    port = 23998
    with (tmp_path / "log").open("wb") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", "web", "--port", str(port)], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
    try:
        with Site(f"http://localhost:{port}") as site:
            eventually(lambda: _answers(site), "the web app")
            gallery = eventually(lambda: _says(site, "/gallery", "cannot be read just now"), "the notice")
            assert "kept/cat.jpg" in gallery
            ready = site.get("/health/ready")
            assert ready.status_code == 503
            assert ready.json()["checks"]["Blob Storage"] is None
            assert "Cosmos DB" in ready.json()["detail"]
            asked = site.get(f"/pictures/{picture('kept/cat.jpg').id}")
            assert asked.status_code == 503
            assert asked.headers["retry-after"]
            assert "Traceback" not in asked.text
            sent = site.post("/pictures", params={"name": "away/cat.jpg"}, data=b"bytes")
            assert sent.status_code == 202, "what is dropped is kept, whoever is away"
    finally:
        web.send_signal(signal.SIGTERM)
        assert web.wait(30) in (0, -signal.SIGTERM)


def test_killed_it_comes_back_with_what_it_knew(stack: Stack, pipeline: Pipeline, site: Site, cat: bytes) -> None:
    site.take_in("comes back/before.jpg", cat)
    before = stack.processes["web"].pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    eventually(lambda: stack.processes["web"].pid not in (None, before) and _answers(site), "the web app to come back")
    names = [record["name"] for record in site.get("/pictures", params={"q": "comes back/"}).json()["items"]]
    assert names == ["comes back/before.jpg"]
    site.take_in("comes back/after.jpg", cat)


def refused(stack: Stack, *options: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "web", *options],
        env=os.environ | stack.environment | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_listens_to_this_machine_only(stack: Stack) -> None:
    said = refused(stack, "--address", "0.0.0.0")
    assert "0.0.0.0" in said
    assert "no sign-in yet" in " ".join(said.split())


def test_a_wrong_setting_is_named(stack: Stack) -> None:
    assert "LIVE_SECONDS is '-1'" in refused(stack, LIVE_SECONDS="-1")


def test_a_port_in_use_is_named(stack: Stack) -> None:
    assert str(stack.options.ports.web) in refused(stack, "--port", str(stack.options.ports.web))


def _answers(site: Site) -> bool:
    try:
        return site.get("/health/live").ok
    except OSError:
        return False


def _says(site: Site, address: str, text: str) -> str | None:
    page = site.get(site.base + address).text
    return page if text in page else None
