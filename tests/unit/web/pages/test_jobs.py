"""The page of jobs: the same as `imagestore jobs list`, with what one's role may do about each."""

import re
from dataclasses import replace
from typing import cast

import pytest

from imagestore.accounts.roles import Role
from imagestore.errors import GateOverride
from imagestore.jobs.job import Arguments, Counted, Importing, Job, JobKind, JobResult, JobState, Progress
from imagestore.store import Stores
from imagestore.web.pages.jobs import PAGE
from imagestore.web.services import Services
from unit.jobs.conftest import PlayedRunner
from unit.memory_items import MemoryItems
from unit.web.conftest import Api
from unit.web.signed_in import Browser, Person

BASE = "http://localhost"
REFUSED = JobResult(
    state=JobState.REFUSED, say="It is worse.", details=["The recall of <b>fish</b> fell."],
    override=GateOverride.FORCE, drop=["sea lion"],
)  # fmt: skip


@pytest.fixture
def runner(stores: Stores) -> PlayedRunner:
    return PlayedRunner(cast(MemoryItems, stores.jobs))


def ended(services: Services, runner: PlayedRunner, result: JobResult, kind: JobKind = JobKind.PROMOTE) -> Job:
    job = services.jobs.put(kind, "local", Arguments("mine", "3"))
    runner.turn()
    runner.child.result = result
    runner.turn()
    return job


def shown(api: Api, *, is_fragment: bool = False) -> str:
    answer = api.get(f"{BASE}/jobs", headers={"x-fragment": "1"} if is_fragment else {})
    assert answer.status_code == 200
    return answer.text


def test_without_a_job_or_a_runner_it_says_so(api: Api) -> None:
    page = shown(api)
    assert "No job was put in yet." in page
    assert "No runner has been heard of" in page
    assert 'data-open="no"' in page


def test_one_that_runs_shows_how_far_it_is_and_how_long_it_still_takes(
    api: Api, services: Services, runner: PlayedRunner
) -> None:
    services.jobs.put(JobKind.TRAIN, "local", Arguments("garden"))
    assert "Waiting: no runner has been heard of" in shown(api)
    runner.turn()
    runner.child.progress = Progress("Learning", 250, 1000, 200.0)
    runner.turn()
    for page in (shown(api), shown(api, is_fragment=True)):
        assert "Training garden" in page
        assert "Learning: 250 of 1,000, 1.2 a second, about 10 min left" in page
        assert re.search(r'<progress aria-label="[^"]*Learning" value="250" max="1000">', page)
        assert 'data-open="yes"' in page
    assert "No runner" not in shown(api)
    assert "<html" not in shown(api, is_fragment=True)


def test_a_refused_promotion_says_why_and_offers_what_would_let_it_pass(
    api: Api, services: Services, runner: PlayedRunner
) -> None:
    job = ended(services, runner, REFUSED)
    page = shown(api)
    assert "It is worse." in page
    assert "The recall of &lt;b&gt;fish&lt;/b&gt; fell." in page
    assert f'data-do="retry" data-id="{job.id.lstrip("0")}"' in page
    assert 'data-address="/models/mine/3/promote"' in page
    assert 'data-query="insist=force&amp;drop=sea%20lion"' in page


@pytest.mark.parametrize(
    ("state", "again"),
    [(JobState.DONE, False), (JobState.FAILED, True), (JobState.CANCELLED, True), (JobState.REFUSED, True)],
)
def test_what_did_not_come_about_can_be_tried_again(
    api: Api, services: Services, runner: PlayedRunner, state: JobState, again: bool
) -> None:
    ended(services, runner, JobResult(state=state, say="So it ended."), JobKind.TRAIN)
    page = shown(api)
    assert "So it ended." in page
    assert ("Try again" in page) is again
    assert 'data-do="cancel"' not in page


def test_the_newest_come_first_page_after_page(api: Api, services: Services) -> None:
    jobs = [services.jobs.put(JobKind.TRAIN, "local", Arguments(f"m{number}")) for number in range(PAGE + 3)]
    page = shown(api)
    assert [f"m{number}" for number in range(PAGE + 2, 2, -1)] == re.findall(r"<h2>Training (m\d+)", page)
    (older,) = re.findall(r'href="(/jobs\?before=[^"]+)"', page)
    assert older.endswith(jobs[3].id)
    rest = api.get(f"{BASE}{older}").text
    assert re.findall(r"<h2>Training (m\d+)", rest) == ["m2", "m1", "m0"]
    assert 'href="/jobs"' in rest
    assert "before=" not in rest


def test_while_the_database_is_away_the_page_says_so_and_a_list_that_is_shown_stays(
    api: Api, services: Services, stores: Stores
) -> None:
    services.jobs.put(JobKind.TRAIN, "local")
    cast(MemoryItems, stores.jobs).is_away = True
    assert "The database does not answer" in shown(api)
    assert api.get(f"{BASE}/jobs", headers={"x-fragment": "1"}).status_code == 503


def test_who_may_not_change_jobs_sees_them_and_no_button(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    job = guarded.jobs.put(JobKind.PROMOTE, people[Role.TRAINER].account.id, Arguments("mine", "3"))
    guarded.jobs.put(JobKind.PROMOTE, people[Role.TRAINER].account.id, Arguments("mine", "4"))
    item = guarded.stores.jobs.read(job.id)
    assert item is not None
    guarded.stores.jobs.replace(replace(job, state=JobState.REFUSED, result=REFUSED).document(), item.etag)
    for role, somebody in people.items():
        page = browser.get("/jobs", headers=somebody.cookie).text
        assert "by <bdi>a trainer</bdi>" in page
        for button in ("cancel", "retry", "override"):
            assert (f'data-do="{button}"' in page) == role.covers(Role.TRAINER), f"{button} for {role}"


@pytest.mark.parametrize("kind", JobKind)
def test_each_kind_has_a_title(api: Api, services: Services, kind: JobKind) -> None:
    services.jobs.put(kind, "local", Arguments("mine", "3"))
    assert "mine 3" in shown(api)


def test_after_an_import_the_counts_of_both_sides_are_shown_and_it_is_not_tried_again(
    api: Api, services: Services, runner: PlayedRunner
) -> None:
    wanted = Importing("https://elsewhere.example.org", "Garden <1>")
    services.jobs.put(JobKind.IMPORT, "local", Arguments(importing=wanted), sealed="sealed")
    runner.turn()
    assert "Bringing over Garden &lt;1&gt;" in shown(api)
    counts = [Counted("tagged pictures", 2000, 2000), Counted("with '<b>'", 10, 9)]
    runner.child.result = JobResult(state=JobState.FAILED, say="The counts do not agree.", counts=counts)
    runner.turn()
    page = shown(api)
    assert re.search(r"<th scope=.row.>tagged pictures</th><td>2,000</td><td>2,000</td>", page)
    assert re.search(r"&lt;b&gt;&#39; \(differs\)</th><td>10</td><td>9</td>", page)
    assert "Try again" not in page
