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
import requests

from imagestore.configure import open_stores
from imagestore.local.supervisor import Stack
from imagestore.pipeline.upkeep.rebuild import delete_records
from imagestore.settings import ROOT
from imagestore.store import Stores, create
from imagestore.store.connect import IMAGES
from imagestore.web.index.change_feed import ChangeFeedReader
from imagestore.web.index.counting import counts
from imagestore.web.index.index import Index
from imagestore.web.index.queries import Filter
from unit.web.records import picture, stored

from .conftest import Pipeline, Site, eventually

NOBODY = 23999


def drop_container(stores: Stores) -> None:
    """Delete the container of records, as only somebody with rights on the account itself may."""
    stores.cosmos_service.get_database_client(stores.names.database).delete_container(IMAGES)


@pytest.fixture
def apart(stack: Stack) -> Stores:
    """Stores with a database of their own in the same Cosmos DB."""
    environment = stack.environment | {"COSMOS_DATABASE": "apart"}
    stores = open_stores(environment)
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


def following(stores: Stores, index: Index, loop: asyncio.AbstractEventLoop) -> ChangeFeedReader:
    follower = ChangeFeedReader(stores, index, 0.02)
    follower.start(loop)
    return follower


def total(index: Index) -> int:
    return counts(index, Filter()).total


def said(follower: ChangeFeedReader, index: Index) -> object:
    return follower.problem, index.position(), index.query("SELECT id, status FROM pictures")


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
    account = apart.accounts.create({"id": "account-1", "type": "account"})
    seq, epoch = index.last_seq(), index.epoch
    follower = following(apart, index, loop)
    eventually(lambda: total(index) == 4, "what came while nobody followed")
    assert index.epoch == epoch
    assert [id for _, id, _ in index.since(seq, 100)] == [picture("four").id], "only the new one was read"
    follower.stop()
    drop_container(apart)
    anew = replace(apart)
    create(anew)
    anew.records.write(picture("five"), None, None)
    follower = following(anew, index, loop)
    eventually(lambda: total(index) == 1, "the records that there are now, and no others")
    assert index.epoch != epoch, "who resumed by number must hear of it"
    assert anew.accounts.read("account-1") == account, "accounts are no records"
    follower.stop()
    drop_container(anew)


def test_the_index_forgets_records_that_were_deleted_one_by_one(
    apart: Stores, index: Index, loop: asyncio.AbstractEventLoop
) -> None:
    """The change feed tells of no deletion of an item."""
    for name in ("one", "two"):
        apart.records.write(picture(name), None, None)
    follower = following(apart, index, loop)
    eventually(lambda: total(index) == 2, "what was there")
    follower.stop()
    assert sum(delete_records(apart)) == 2
    apart.records.write(picture("two"), None, None)
    follower = following(apart, index, loop)
    eventually(lambda: total(index) == 1, "what is there now, and nothing else", lambda: said(follower, index))
    epoch = index.epoch
    follower.stop()
    follower = following(apart, index, loop)
    apart.records.write(picture("three"), None, None)
    eventually(lambda: total(index) == 2, "what came")
    assert index.epoch == epoch, "it is made anew once for one deletion"
    assert apart.records.count("deleted") == 0
    assert apart.records.find(status="deleted") == []
    follower.stop()
    drop_container(apart)


def test_an_index_that_slept_too_long_is_made_anew(
    apart: Stores, index: Index, loop: asyncio.AbstractEventLoop
) -> None:
    """Tombstones last 14 days: what was deleted meanwhile would stay for ever."""
    known = picture("known")
    apart.records.write(known, None, None)
    generation, token = apart.records.generation(), apart.records.now()
    index.apply([stored(known, 1), stored(picture("deleted while it slept"), 1)], generation, token)
    index.query("UPDATE state SET value = '2026-01-01T00:00:00+00:00' WHERE name = 'at'")
    follower = following(apart, index, loop)
    eventually(lambda: total(index) == 1, "only what is there", lambda: said(follower, index))
    follower.stop()
    drop_container(apart)


def test_while_cosmos_is_away_the_pages_stay(stack: Stack, tmp_path: Path) -> None:
    index = Index(tmp_path / "web.sqlite")
    index.put(stored(picture("kept/cat.jpg")))
    index.close()
    away = f"AccountEndpoint=http://localhost:{NOBODY}/;AccountKey=" + "x" * 88
    environment = os.environ | stack.environment | {"COSMOS": away, "WEB_INDEX": str(tmp_path / "web.sqlite")}
    port = 23998
    with (tmp_path / "log").open("wb") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", "imagestore.web", "--port", str(port)],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
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
        [sys.executable, "-m", "imagestore.web", *options],
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


def test_what_is_deployed_asks_other_machines_to_sign_in(stack: Stack, tmp_path: Path) -> None:
    """As App Service starts it: the built package, listening everywhere, asked under a host name of the platform's."""
    subprocess.run([sys.executable, ROOT / "infra" / "package.py", "--to", tmp_path], check=True, capture_output=True)
    command = [sys.executable, "-m", "imagestore.web", "--address", "0.0.0.0", "--port", str(NOBODY)]
    environment = os.environ | stack.environment | {"WEB_INDEX": str(tmp_path / "index.sqlite"), "AUTH": "required"}
    served = subprocess.Popen(
        command, cwd=tmp_path / "web", env=environment | {"PUBLIC_URL": "https://pictures.example.org"}
    )
    try:
        eventually(lambda: asked("GET", "/api/v1/health/ready") == 200, "the web app to be ready")
        assert asked("GET", "/api/v1/health/live") == 200
        assert asked("GET", "/gallery") == 421
        assert asked("GET", "/api/v1/pictures", "pictures.example.org") == 401
        assert asked("POST", "/api/v1/pictures?name=x", "pictures.example.org") == 401
        assert asked("GET", "/gallery", "pictures.example.org") == 303
        assert asked("GET", "/sign-in", "pictures.example.org") == 200
        assert asked("GET", "/static/style.css", "pictures.example.org") == 200
    finally:
        served.terminate()
        assert served.wait() in (0, -signal.SIGTERM)


def test_without_sign_in_it_listens_to_this_machine_only(stack: Stack) -> None:
    said = refused(stack, "--address", "0.0.0.0", AUTH="off")
    assert len(said.splitlines()) == 1
    assert "--address 0.0.0.0" in said
    assert "AUTH=required" in said


def test_with_sign_in_it_says_which_address_it_needs(stack: Stack) -> None:
    said = refused(stack, "--address", "0.0.0.0", AUTH="required", PUBLIC_URL="")
    assert len(said.splitlines()) == 1
    assert "PUBLIC_URL is not set" in said


def asked(method: str, path: str, host: str = "10.0.0.7:8000") -> int | None:
    """The status of the answer; None where nothing listens."""
    try:
        url = f"http://127.0.0.1:{NOBODY}{path}"
        return requests.request(method, url, headers={"Host": host}, timeout=60, allow_redirects=False).status_code
    except requests.ConnectionError:
        return None


def test_a_wrong_setting_is_named(stack: Stack) -> None:
    assert "FEED_POLL_SECONDS is '-1'" in refused(stack, FEED_POLL_SECONDS="-1")


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
