"""Checks that the stores are set up as the code needs them, and says how to fix what is not.

`imagestore doctor` shows every result. The function app and the web app run the checks once per process, in a thread
that starts when the stores are first used, so that no picture waits for it. Each problem is one line in the log.
"""

import functools
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from imagestore.errors import Refusal, ServiceRefused, SettingsError
from imagestore.pipeline.queue_roles import QUEUES
from imagestore.store import Connection, Names, Stores
from imagestore.store.connect import ACCOUNTS, AUDIT, IMAGES, JOBS
from imagestore.store.inspection import (
    has_hierarchical_namespace,
    look_at_container,
    look_at_items,
    look_at_queue,
    set_up_of_records,
)
from imagestore.store.roles import Who, role

log = logging.getLogger("imagestore.checks")


class Severity(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class CheckResult:
    """The result of one check, and how to fix it.

    `service_time` is the service's clock (UTC) when it answered; None if it did not tell.
    """

    subject: str
    severity: Severity
    detail: str
    remedy: str = ""
    service_time: datetime | None = None

    def __str__(self) -> str:
        return f"{self.subject}: {self.detail}.{' ' if self.remedy else ''}{self.remedy}"


_LEVELS = {Severity.WARNING: logging.WARNING, Severity.PROBLEM: logging.ERROR}
NO_TAGS = CheckResult(
    "storage account",
    Severity.PROBLEM,
    "its hierarchical namespace is on, so that its blobs have no index tags",
    "Use an account without: it cannot be turned off, and without tags the sweep cannot tell what was classified.",
)


def check_at_start(stores: Stores, who: Who) -> threading.Thread:
    """Run the checks for `who` in a thread of its own, and log one line for each problem.

    Nothing waits for the thread, and nothing fails because of it. Returns it, for tests.
    """
    thread = threading.Thread(target=_check, args=(stores, who), name="checks", daemon=True)
    thread.start()
    return thread


def _check(stores: Stores, who: Who) -> None:
    try:
        for finding in findings(stores, who):
            if finding.severity is not Severity.OK:
                log.log(_LEVELS[finding.severity], "%s", finding)
    except Exception as error:  # whatever it is, the app goes on: this only reports
        log.warning("the stores could not be checked: %s: %s", type(error).__name__, error)


def findings(stores: Stores, who: Who) -> Iterator[CheckResult]:
    """Every check that writes nothing: the account, the containers, the queues and the records."""
    yield from account(stores)
    yield from containers(stores, who)
    yield from queues(stores, who)
    yield from records(stores, who)


def account(stores: Stores) -> Iterator[CheckResult]:
    """Whether the account has index tags. No result if they are there, or if this identity may not ask.

    Only a key may, or a role with the action `blobServices/getInfo/action`, which no role for data has.
    """
    try:
        if has_hierarchical_namespace(stores):
            yield NO_TAGS
    except (ServiceRefused, SettingsError):  # other problems show in the containers
        return


def containers(stores: Stores, who: Who) -> Iterator[CheckResult]:
    """Whether each container that `who` needs exists, may be used, and is private."""
    for purpose, name in containers_of(stores.names).items():
        needed = role(who, "container", purpose)
        if needed is None:
            continue
        subject = f"container {name}"
        try:
            facts = look_at_container(stores, name)
        except (ServiceRefused, SettingsError) as error:
            yield refused(subject, error, stores.storage, f"{needed} on the {subject}")
            if isinstance(error, SettingsError) or error.refusal is Refusal.UNREACHABLE:
                return  # the others would fail alike, after the same wait
            continue
        if facts.is_public:
            detail = "anyone on the Internet may read it"
            remedy = "Set its public access level to private."
            yield CheckResult(subject, Severity.PROBLEM, detail, remedy, facts.service_time)
        else:
            yield CheckResult(subject, Severity.OK, "is there", service_time=facts.service_time)


def queues(stores: Stores, who: Who) -> Iterator[CheckResult]:
    """Whether each queue that `who` needs exists, may be used, and holds no messages that were given up."""
    for queue in QUEUES:
        needed = role(who, "queue", queue.name)
        if needed is None:
            continue
        subject = f"queue {queue.name}"
        try:
            length = look_at_queue(stores, queue.name)
        except (ServiceRefused, SettingsError) as error:
            yield refused(subject, error, stores.storage, f"{needed} on the {subject}")
            continue
        if queue.is_poison and length:
            remedy = "docs/reliability.md says what to do with them."
            yield CheckResult(subject, Severity.WARNING, f"holds {length} messages that were given up", remedy)
        else:
            yield CheckResult(subject, Severity.OK, f"is there, {length} messages")


def records(stores: Stores, who: Who) -> Iterator[CheckResult]:
    """Whether the Cosmos DB containers that `who` needs exist, may be used, and are set up as the code needs them."""
    subject = f"database {stores.names.database}"
    try:
        set_up = set_up_of_records(stores)
    except (ServiceRefused, SettingsError) as error:
        yield refused(subject, error, stores.cosmos, _needed_in_cosmos(who, IMAGES))
        return
    for detail in set_up.differences:
        yield CheckResult(subject, Severity.PROBLEM, detail, "Deploy infra/ again, or set it in the portal.")
    if set_up.is_dear and not stores.cosmos.is_local:
        remedy = "Deploy infra/ again (azd provision): docs/cost.md says what that saves."
        yield CheckResult(subject, Severity.WARNING, "indexes more than is asked for, which each write costs", remedy)
    elif not set_up.differences:
        detail = "is there, with the right partition key, time to live and indexing policy"
        yield CheckResult(subject, Severity.OK, detail)
    for name in (ACCOUNTS, AUDIT, JOBS):
        if role(who, "cosmos", name) is not None:
            yield _items(stores, who, name)


def _items(stores: Stores, who: Who, name: str) -> CheckResult:
    subject = f"database {stores.names.database}, container {name}"
    try:
        found = look_at_items(stores, name)
    except (ServiceRefused, SettingsError) as error:
        return refused(subject, error, stores.cosmos, _needed_in_cosmos(who, name))
    if found.get("defaultTtl") is None:
        detail = "its time to live is off, so that what has expired stays"
        if name == JOBS:
            detail += ", and a runner that died counts as there for ever"
        return CheckResult(subject, Severity.PROBLEM, detail, "Deploy infra/ again, or set it in the portal.")
    return CheckResult(subject, Severity.OK, "is there, with a time to live")


def _needed_in_cosmos(who: Who, name: str) -> str:
    return f"{role(who, 'cosmos', name)} on the container {name}, and {role(who, 'cosmos', '')} on the account"


def containers_of(names: Names) -> dict[str, str]:
    """The names of the containers, by their keys in roles.json and infra/."""
    return {
        "uploads": names.uploads,
        "staging": names.staging,
        "results": names.results,
        "thumbnails": names.thumbnails,
        "models": names.models,
        "training": names.training,
        "deadletter": names.dead_letters,
    }


@functools.cache
def warn_of_versions(container: str) -> None:
    """Log, once per process, that the account keeps a version of every blob that is overwritten in this container.

    The answer to a write is the only place where a role for data sees that. It cannot see lifecycle rules at all.
    """
    log.warning("%s", versions_finding(container))


def versions_finding(container: str) -> CheckResult:
    """The warning that the account keeps versions, which fill this container."""
    detail = "the account keeps a version of each blob that is overwritten, staged pictures too"
    remedy = f"Add a lifecycle rule that deletes old versions in {container}, unless there is one."
    return CheckResult("storage account", Severity.WARNING, detail, remedy)


def refused(subject: str, error: Exception, connection: Connection, needed: str) -> CheckResult:
    """The result for a service's refusal. `needed` is the role that the request takes, and on what."""
    if not isinstance(error, ServiceRefused):
        return CheckResult(subject, Severity.PROBLEM, str(error), "docs/settings.md says how a connection is written.")
    refusal = error.refusal
    if refusal is Refusal.FORBIDDEN and connection.string is not None:
        refusal = Refusal.NOT_SIGNED_IN  # a key may do everything: one that is forbidden something is the wrong one
    detail = {
        Refusal.NOT_THERE: "is not there",
        Refusal.FORBIDDEN: "may not be used by this identity",
        Refusal.NOT_SIGNED_IN: "the service does not accept this key or identity",
        Refusal.NO_TAGS: "knows no index tags",
        Refusal.UNREACHABLE: f"does not answer ({error.detail})",
    }[refusal]
    remedy = {
        Refusal.NOT_THERE: "Deploy infra/ again, or create it; imagestore run makes it on this machine.",
        Refusal.FORBIDDEN: f"Give the identity the role {needed}, as infra/ does (a new role takes up to ten minutes), "
        "or let it through the account's firewall.",
        Refusal.NOT_SIGNED_IN: "Check the connection's key, or sign in (az login), and the clock.",
        Refusal.NO_TAGS: NO_TAGS.remedy,
        Refusal.UNREACHABLE: "Check the connection's address, the network and the firewall of the account.",
    }[refusal]
    return CheckResult(subject, Severity.PROBLEM, detail, remedy)
