"""Checks whether there is a runner that does what is put in, for `imagestore doctor`."""

from imagestore.errors import StoreError
from imagestore.jobs import libraries, presence
from imagestore.pipeline.checks import CheckResult, Severity
from imagestore.store import Items

SUBJECT = "runner of jobs"


def runners(items: Items) -> CheckResult:
    """Whether a runner was heard of, and whether one of them can train."""
    try:
        found = presence.heard(items)
    except StoreError as error:
        return CheckResult(SUBJECT, Severity.WARNING, f"cannot be looked for: {error}", "See the database above.")
    if not found:
        detail = "none has been heard of: what the pages and --server put in waits"
        remedy = "Start one: imagestore jobs run, or in Azure the app jobs-… (docs/azure.md). Commands on the stores "
        return CheckResult(SUBJECT, Severity.WARNING, detail, remedy + "themselves need none.")
    count = "one was" if len(found) == 1 else f"{len(found)} were"
    if all(one.lacks for one in found):
        detail = f"{count} heard of, which cannot train, promote or inspect"
        return CheckResult(SUBJECT, Severity.WARNING, detail, libraries.sentence(found[0].lacks))
    return CheckResult(SUBJECT, Severity.OK, f"{count} heard of, last at {max(one.at for one in found)}")
