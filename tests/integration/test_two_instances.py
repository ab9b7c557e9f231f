"""Two processes of the web app over one stack, asked in turn: no answer depends on which of them is asked."""

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from imagestore.local.supervisor import Stack
from imagestore.record import record_id
from imagestore.settings import ROOT

from .conftest import Site, eventually
from .test_api import (  # noqa: F401  the same tests, which ask `site` as it is here
    test_a_large_upload_goes_up_in_blocks,
    test_an_upload_is_answered_with_its_record,
    test_delete_removes_all_that_was_made,
    test_health,
    test_many_at_once_with_one_name_end_as_one_picture,
    test_the_original_comes_whole_and_in_parts,
    test_the_same_file_is_not_taken_in_twice,
)


class InTurn(Site):
    """Asks one instance after the other."""

    def __init__(self, *bases: str) -> None:
        super().__init__(bases[0])
        self._bases = itertools.cycle(bases)

    def request(self, method: str, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        self.base = next(self._bases)
        return super().request(method, url, *args, **options)


@pytest.fixture(scope="module")
def other(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of another web process over the same stores, with an index of its own."""
    folder, port = tmp_path_factory.mktemp("other"), stack.options.ports.web + 3
    with instance(stack, folder, port, ["-m", "imagestore.web"]) as base:
        yield base


@contextlib.contextmanager
def instance(stack: Stack, folder: Path, port: int, program: list[str]) -> Iterator[str]:
    """A web process of this program, once it is ready."""
    environment = os.environ | stack.environment | {"WEB_INDEX": str(folder / "web.sqlite")}
    command = [sys.executable, *program, "--port", str(port)]
    with (folder / "web.log").open("wb") as log:
        web = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    base = f"http://localhost:{port}"
    try:
        eventually(lambda: _is_ready(base), "the other instance")
        yield base
    finally:
        web.terminate()
        web.wait(60)


def _is_ready(base: str) -> bool:
    try:
        return requests.get(f"{base}/api/v1/health/ready", timeout=10).ok
    except OSError:
        return False


@pytest.fixture
def here(stack: Stack) -> Iterator[Site]:
    with Site(f"http://localhost:{stack.options.ports.web}") as asked:
        yield asked


@pytest.fixture
def there(other: str) -> Iterator[Site]:
    with Site(other) as asked:
        yield asked


@pytest.fixture
def site(stack: Stack, other: str) -> Iterator[Site]:
    with InTurn(f"http://localhost:{stack.options.ports.web}", other) as asked:
        yield asked


def listed(site: Site, name: str) -> bool:
    return bool(site.get("/pictures", params={"q": name}).json()["items"])


def test_a_deletion_is_hidden_by_both_and_undone_by_the_other(here: Site, there: Site, cat: bytes) -> None:
    record = here.take_in("two/undo.jpg", cat)
    eventually(lambda: listed(there, "two/undo.jpg"), "the picture there")
    deletion = here.delete(f"/pictures/{record['id']}", params={"undoable": True}).json()
    assert not listed(here, "two/undo.jpg")
    eventually(lambda: not listed(there, "two/undo.jpg"), "it to be hidden there")
    undone = there.post(f"/pictures/{record['id']}/undelete", params={"token": deletion["undo"]})
    assert undone.json() == record
    assert listed(there, "two/undo.jpg")
    eventually(lambda: listed(here, "two/undo.jpg"), "it to be shown here")
    late = here.post(f"/pictures/{record['id']}/undelete", params={"token": deletion["undo"]})
    assert late.json()["code"] == "too_late"


def test_a_new_version_that_is_named_is_shown_by_the_other_at_once(
    here: Site, there: Site, cat: bytes, coffee: bytes
) -> None:
    old = here.take_in("two/versions.jpg", cat)
    address = f"/pictures/{old['id']}/thumbnail"
    before = here.get(address).content
    new = here.take_in("two/versions.jpg", coffee, if_exists="overwrite")
    named = there.get(address, params={"v": new["upload"]["etag"]})
    assert named.status_code == 200
    assert named.content != before
    eventually(lambda: there.get(address).content == named.content, "the other to follow where none is named")


def test_a_correction_made_there_is_seen_here(here: Site, there: Site, cat: bytes) -> None:
    record = here.take_in("two/correct.jpg", cat)
    there.put(f"/pictures/{record['id']}/correction", params={"label": "lynx"}).raise_for_status()
    assert here.get(f"/pictures/{record['id']}").json()["label"] == "lynx"


def test_of_many_requests_with_one_key_one_is_done_whichever_instance_is_asked(here: Site, there: Site) -> None:
    key = {"Idempotency-Key": "two-instances-1"}
    before = {job["id"] for job in here.get("/jobs").json()["items"]}

    def put_in(base: str) -> requests.Response:
        with Site(base) as asked:
            return asked.post("/jobs", json={"kind": "reprocess"}, headers=key)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put_in, [here.base, there.base] * 4))
    done = [answer.json() for answer in answers if answer.status_code == 202]
    assert {answer.json().get("code") for answer in answers if answer.status_code != 202} <= {"request_at_work"}
    eventually(lambda: there.get(f"/jobs/{done[0]['id']}").json()["state"] == "done", "the end of the job")
    for site in (here, there):
        again = put_in(site.base)
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
        assert again.json() == done[0]
        other = site.post("/jobs", json={"kind": "rollback"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert {job["id"] for job in here.get("/jobs").json()["items"]} - before == {done[0]["id"]}


def test_what_a_process_did_that_died_before_it_kept_the_answer_is_done_by_the_next(
    stack: Stack, here: Site, cat: bytes, tmp_path: Path
) -> None:
    dies = (
        "import os, sys, imagestore.web.__main__ as web; from imagestore.accounts import kept_answers as kept;"
        "kept.LEASE_S = 5; kept.Claim.keep = lambda *_: os._exit(9); sys.exit(web.main())"
    )

    def send(site: Site) -> requests.Response:
        key = {"Idempotency-Key": "two-instances-2"}
        return site.post("/pictures", params={"name": "two/killed.jpg"}, data=cat, headers=key)

    def sent_again() -> requests.Response | None:
        answer = send(here)
        return answer if answer.ok else None

    with instance(stack, tmp_path, stack.options.ports.web + 4, ["-c", dies]) as base:
        with pytest.raises(requests.ConnectionError), Site(base) as dying:
            send(dying)
        refused = send(here)
    assert (refused.status_code, refused.json()["code"]) == (409, "request_at_work")
    there = here.get(f"/pictures/{record_id('two/killed.jpg')}?name=two/killed.jpg&wait=30").json()
    done = eventually(sent_again, "the key to be free")
    assert "Idempotency-Replayed" not in done.headers
    assert done.json() == there, "the same file under the same name is not taken in twice"
    again = send(here)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (done.json(), "true")


def test_a_job_is_told_of_by_both_and_the_same_is_not_put_in_twice(here: Site, there: Site) -> None:
    job = here.post("/jobs", json={"kind": "reprocess"}).json()
    address = f"/jobs/{job['id']}"
    assert there.get(address).json()["id"] == job["id"]
    second = there.post("/models/reprocess")
    if there.get(address).json()["state"] in ("queued", "running"):
        assert second.status_code == 409
        assert str(job["id"]) in second.json()["detail"]
    eventually(lambda: there.get(address).json()["state"] == "done", "the end there")
    assert here.get(address).json() == there.get(address).json()
    assert there.get("/jobs").json()["has_runner"]
