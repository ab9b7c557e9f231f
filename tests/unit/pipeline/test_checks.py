"""What a person set up otherwise than the code needs it is one line, which names the thing, the role and what to do."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from imagestore import configure
from imagestore.configure import context_of, names_of
from imagestore.errors import Refusal, ServiceRefused
from imagestore.pipeline import checks
from imagestore.pipeline.checks import CheckResult, Severity, check_at_start, containers_of, findings
from imagestore.settings import AZURITE, COSMOS_EMULATOR, Settings
from imagestore.store import Connection, Stores
from imagestore.store.inspection import ContainerFacts, SetUp
from imagestore.store.roles import Who, grants
from imagestore.web.services import Services

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
NAMES = names_of(Settings())
PROCESSES: tuple[Who, ...] = ("function", "web", "jobs", "operator")
QUEUES = ("work", "work-poison", "webjobs-blobtrigger-poison")
ITEMS = ("images", "accounts", "audit", "jobs")
ROWS = [
    (who, kind, one.on, one.role)
    for who in PROCESSES
    for kind in ("container", "queue", "cosmos")
    for one in grants()[kind]
    if one.who == who and not one.only and one.on in (*containers_of(NAMES), *QUEUES, *ITEMS)
]


def by_identity() -> Stores:
    return Stores(Connection("IMAGES_STORAGE", None, {}), Connection("COSMOS", None, {}), NAMES)


class Account:
    """An account in Azure, as the code sees it: all is well but what is put into `wrong`, by what is asked."""

    def __init__(self) -> None:
        self.wrong: dict[str, Refusal] = {}
        self.asked: list[str] = []
        self.has_folders = False
        self.things_expire = True
        self.is_dear = False

    def answer(self, name: str) -> None:
        self.asked.append(name)
        if name in self.wrong:
            raise ServiceRefused(self.wrong[name], "no")

    def container(self, stores: Stores, name: str) -> ContainerFacts:
        self.answer(name)
        return ContainerFacts(False, NOW)

    def queue(self, stores: Stores, name: str) -> int:
        self.answer(name)
        return 0

    def records(self, stores: Stores) -> SetUp:
        self.answer("images")
        return SetUp([], self.is_dear)

    def items(self, stores: Stores, name: str) -> dict[str, int]:
        self.answer(name)
        return {"defaultTtl": -1} if self.things_expire else {}

    def namespace(self, stores: Stores) -> bool:
        self.answer("account")
        return self.has_folders


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Account:
    account = Account()
    for name, answer in (
        ("look_at_container", account.container),
        ("look_at_queue", account.queue),
        ("set_up_of_records", account.records),
        ("look_at_items", account.items),
        ("has_hierarchical_namespace", account.namespace),
    ):
        monkeypatch.setattr(checks, name, answer)
    return account


def troubles(who: Who) -> list[CheckResult]:
    return [one for one in findings(by_identity(), who) if one.severity is not Severity.OK]


@pytest.mark.parametrize(("who", "kind", "on", "role"), ROWS)
def test_a_missing_role_is_named_as_infra_gives_it(azure: Account, who: Who, kind: str, on: str, role: str) -> None:
    azure.wrong[on] = Refusal.FORBIDDEN
    (found,) = troubles(who)
    assert "may not be used by this identity" in found.detail
    assert f"the role {role} on " in found.remedy
    assert f"{'container' if kind == 'cosmos' else kind} {on}" in found.remedy
    assert "\n" not in str(found)


@pytest.mark.parametrize("who", PROCESSES)
def test_a_process_looks_at_what_it_has_a_role_for_and_at_nothing_else(azure: Account, who: Who) -> None:
    assert troubles(who) == []
    assert sorted(azure.asked) == sorted(["account", *(on for process, _, on, _ in ROWS if process == who)])


def test_what_indexes_more_than_is_asked_for_works_and_costs_more(azure: Account) -> None:
    azure.is_dear = True
    (found,) = troubles("function")
    assert found.severity is Severity.WARNING
    assert "each write costs" in found.detail
    assert "docs/cost.md" in found.remedy
    here = Connection("COSMOS", "AccountEndpoint=http://localhost:8081/;AccountKey=AAAA")
    said = [one.detail for one in findings(Stores(by_identity().storage, here, NAMES), "function")]
    assert not any("each write costs" in one for one in said), "on this machine a write costs nothing"


@pytest.mark.parametrize("on", ["staging", "work", "images"])
def test_what_is_missing_is_named_with_what_to_deploy(azure: Account, on: str) -> None:
    azure.wrong[on] = Refusal.NOT_THERE
    (found,) = troubles("function")
    assert found.detail == "is not there"
    assert "Deploy infra/ again" in found.remedy


def test_accounts_that_never_expire_are_a_problem(azure: Account) -> None:
    azure.things_expire = False
    assert [one.subject for one in troubles("web")] == [
        "database imagedata, container accounts",
        "database imagedata, container audit",
        "database imagedata, container jobs",
    ]
    (found,) = troubles("jobs")
    assert "a runner that died counts as there for ever" in found.detail
    assert troubles("function") == []


def test_an_account_with_folders_is_said_to_have_no_tags(azure: Account) -> None:
    azure.has_folders = True
    (found,) = troubles("function")
    assert "hierarchical namespace is on" in found.detail
    assert "Use an account without" in found.remedy


def test_an_account_that_may_not_be_asked_is_none_of_a_problem(azure: Account) -> None:
    """Roles for data do not allow to ask it."""
    azure.wrong["account"] = Refusal.FORBIDDEN
    assert troubles("function") == []


def test_at_start_what_is_wrong_is_a_line_each_and_what_is_right_none(
    azure: Account, caplog: pytest.LogCaptureFixture
) -> None:
    azure.wrong |= {"results": Refusal.NOT_THERE, "images": Refusal.FORBIDDEN}
    with caplog.at_level(logging.INFO):
        check_at_start(by_identity(), "function").join()
    lines = [(line.levelname, line.getMessage()) for line in caplog.records]
    assert [level for level, _ in lines] == ["ERROR", "ERROR"]
    assert lines[0][1] == (
        "container results: is not there. Deploy infra/ again, or create it; imagestore run makes it on this machine."
    )
    assert "Cosmos DB Built-in Data Contributor" in lines[1][1]


def test_a_look_that_fails_fails_nothing_else(
    azure: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(checks, "look_at_queue", broken)
    check_at_start(by_identity(), "function").join()
    assert [line.getMessage() for line in caplog.records] == [
        "the stores could not be checked: ZeroDivisionError: a fault of ours"
    ]


@pytest.mark.parametrize(
    ("opened", "who"),
    [
        (lambda environ: context_of(environ).stores, "function"),
        (lambda environ: Services.read(environ).stores, "web"),
    ],
)
def test_each_app_checks_once_when_it_first_uses_its_stores(
    monkeypatch: pytest.MonkeyPatch, opened: Callable[[dict[str, str]], Stores], who: Who
) -> None:
    checked: list[Who] = []
    monkeypatch.setattr(configure, "check_at_start", lambda stores, who: checked.append(who))
    stores = opened({"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    assert checked == [], "the app must load though a service does not answer"
    assert (stores.uploads.container, stores.work.name) == ("uploads", "work")
    assert checked == [who]


def test_versions_are_told_of_once_per_process(caplog: pytest.LogCaptureFixture) -> None:
    checks.warn_of_versions.cache_clear()
    for _ in range(3):
        checks.warn_of_versions("staging")
    (line,) = caplog.records
    assert "keeps a version of each blob that is overwritten" in line.getMessage()
    assert "deletes old versions in staging, unless there is one" in line.getMessage()
