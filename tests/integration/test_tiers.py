"""`imagestore tier` on Azurite: what moves, what stays, going on after a stop, and the archive."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import commands
from imagestore.configure import models_of
from imagestore.errors import BlobArchived
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.pipeline.costs.holdings import kept
from imagestore.pipeline.costs.prices import Prices
from imagestore.pipeline.costs.tiers import Kept, PlannedPage, Rule, carry_out, plan
from imagestore.record import RANDOM_BELOW, Status, record_id
from imagestore.settings import Settings
from unit.pictures import encoded, photo

from .conftest import Pipeline, Site, eventually
from .faults import settled

PORTS = Ports.from_base(23860)
PICTURE = encoded(photo(), "JPEG")


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    options = Options(ports=PORTS, folder=tmp_path_factory.mktemp("tiers"), workers=1, with_web=True)
    with Stack(options) as stack:
        stack.start(lambda what: None)
        yield Pipeline(stack)


def imagestore(estate: Pipeline, *arguments: object) -> subprocess.CompletedProcess[str]:
    return commands.run(*arguments, environment=estate.stack.environment)


def tiers(estate: Pipeline) -> dict[str, str]:
    return {blob.name: blob.tier or "" for page, _ in estate.stores.uploads.list() for blob in page}


def policy(folder: Path, *rules: dict[str, object]) -> Path:
    file = folder / "tiers.json"
    file.write_text(json.dumps({"rules": rules}))
    return file


def planned(estate: Pipeline, marker: str | None = None) -> list[PlannedPage]:
    """What the rules would say in 400 days."""
    models = models_of(Settings(), estate.stores)
    rules = (Rule(30, "cool", status="rejected"), Rule(365, "archive"))
    then = datetime.now(UTC) + timedelta(days=400)
    return list(plan(estate.stores, models, rules, Prices.read(), then, marker))


def test_what_the_rules_say_is_done_and_what_is_still_needed_stays(estate: Pipeline, tmp_path: Path) -> None:
    names = [f"a/{number}.jpg" for number in range(12)]
    etags = {name: estate.drop(name, PICTURE) for name in names} | {"bad.jpg": estate.drop("bad.jpg", b"no picture")}
    statuses = {name: estate.record(name, etag).status for name, etag in etags.items()}
    assert settled(estate) == []
    rules = policy(
        tmp_path, {"afterDays": 30, "tier": "cool", "status": "rejected"}, {"afterDays": 365, "tier": "cold"}
    )
    young = imagestore(estate, "tier", "--policy", rules)
    assert "moved to cold" in young.stdout, young.stderr
    assert set(tiers(estate).values()) == {"Hot"}
    old = imagestore(estate, "tier", "--policy", rules, "--dry-run", "--as-of", "2030-01-01").stdout
    assert re.search(r"would move to cold +13 ", old), old
    assert set(tiers(estate).values()) == {"Hot"}, "it was a dry run"

    (page,) = planned(estate)
    moves = {move.name: move for move in page.moves}
    expected = {
        name: Kept.REVIEW if statuses[name] is Status.UNKNOWN or record_id(name) < RANDOM_BELOW else None
        for name in names
    }
    assert {name: move.kept for name, move in moves.items() if name in expected} == expected
    for move in page.moves:
        assert move.kept is not None or carry_out(estate.stores, move)
    there = tiers(estate)
    assert {name: there[name] for name in names} == {name: "Hot" if expected[name] else "Archive" for name in names}
    assert [move.name for move in planned(estate)[0].moves if move.kept is None] == [], "nothing is moved twice"
    assert settled(estate) == [], "records, results and tags still speak of the same uploads"


def test_the_archive_refuses_reads_until_a_picture_is_brought_back(estate: Pipeline) -> None:
    name = "archived.jpg"
    estate.record(name, estate.drop(name, PICTURE))
    assert settled(estate) == []
    before = estate.stores.uploads.stat(name)
    estate.stores.uploads.set_tier(name, "Archive", before.etag if before else None)
    assert tiers(estate)[name] == "Archive"
    with pytest.raises(BlobArchived):
        estate.stores.uploads.get(name)
    assert estate.stores.uploads.stat(name) == before, "neither ETag nor tags have changed"
    back = imagestore(estate, "tier", "--bring-back", "archived")
    assert "1 asked for" in back.stdout, back.stderr
    assert estate.stores.uploads.get(name).data == PICTURE


def test_a_wrong_policy_is_said_in_one_line(estate: Pipeline, tmp_path: Path) -> None:
    rules = policy(tmp_path, {"afterDays": 1, "tier": "warm"})
    refused = imagestore(estate, "tier", "--policy", rules)
    assert refused.returncode == 1
    assert re.search(r"is no policy of tiers: .*warm", refused.stderr)
    assert "Traceback" not in refused.stderr


def test_the_dashboard_tells_what_is_kept_where(estate: Pipeline) -> None:
    assert imagestore(estate, "tier").returncode == 0
    found = kept(estate.stores.jobs)
    assert found is not None
    uploads = [part for part in found.parts if part.container == "uploads"]
    assert sum(part.blobs for part in uploads) == len(tiers(estate))
    with Site(f"http://localhost:{PORTS.web}") as site:
        page = eventually(lambda: site.get(f"{site.base}/dashboard").text, "the dashboard")
    assert "What is kept where" in page
    assert "uploads" in page
