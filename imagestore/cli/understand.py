"""imagestore models threshold and compare: what another threshold does, a version that has it, and two versions on the
same pictures."""

import functools
from typing import Annotated

import typer
from rich.table import Table

from imagestore.cli import distant_jobs, instance, servers, stores
from imagestore.cli.options import Name, VersionArgument
from imagestore.cli.output import console, safe
from imagestore.cli.stages import stages
from imagestore.configure import limits_of
from imagestore.jobs.job import NewThreshold
from imagestore.performance import told
from imagestore.performance.side_by_side import SideBySide
from imagestore.performance.told import Asked, Performance
from imagestore.proportion import Share, percent
from imagestore.settings import account
from imagestore.store.training import MINE

_say = functools.partial(console.print, markup=False, highlight=False)
_MEASURES = {
    "right": "what they show, and nothing else",
    "precision": "precision",
    "recall": "recall",
    "macro_f1": "macro-F1",
    "answered": "answered",
}


def threshold(
    version: VersionArgument,
    value: Annotated[
        float, typer.Argument(metavar="THRESHOLD", min=0, max=1, help="The confidence that it answers from.")
    ],
    label: Annotated[
        str | None,
        typer.Option(help="With this label alone; without one, with every label."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do to test pictures.")] = False,
    name: Name = MINE,
) -> None:
    """Make a version with the same weights and another threshold, or say what that would do."""
    name = instance.opened().project(name).name
    if dry_run:
        return _tell(_performance(name, version, Asked()), _performance(name, version, Asked(value, label)), label)
    if (server := servers.given()) is not None:
        client = instance.client_of(server)
        job = client.save_threshold(name, version, value, label)
        return _say(safe(distant_jobs.follow(client, job).say))
    from model.new_threshold import save_threshold

    opened, limits = stores.opened(), limits_of(stores.settings())
    project, wanted = opened.projects.open(name), NewThreshold(value, label)
    with stages() as begin:
        made = save_threshold(opened, project, version, wanted, account(), limits, begin, lambda _: None)
    _say(safe(made.sentence))
    of = "" if name == MINE else f" --project {name}"
    return _say(f"Next: imagestore models compare {version} {made.version}{of}, imagestore promote {made.version}{of}")


def compare(
    version: VersionArgument,
    other: Annotated[str, typer.Argument(help="The other version.")],
    name: Name = MINE,
) -> None:
    """Compare two versions on the same pictures: those that both were tested on, and that neither learned from."""
    name = instance.opened().project(name).name
    if (server := servers.given()) is not None:
        found = instance.client_of(server).compare(name, version, other)
    else:
        found = told.compared(stores.opened(), name, version, name, other)
    both = f"{name} {version}", f"{name} {other}"
    _say(
        f"Tested on {found.tested[0]:,} and {found.tested[1]:,} pictures, both on {found.both_tested:,}; without those "
        f"that one of the two learned from ({found.learned:,}) or whose labels changed ({found.relabelled:,}): "
        f"{found.pictures:,}."
    )
    if found.figures:
        console.print(_table(found, both))
        _say(f"They differ on {len(found.differing):,} of these pictures.")


def _performance(name: str, version: str, asked: Asked) -> Performance:
    if (server := servers.given()) is not None:
        return instance.client_of(server).performance(name, version, asked.threshold, asked.label)
    return told.performance(name, version, told.demand_answers(stores.opened(), name, version), asked)


def _tell(now: Performance, then: Performance, label: str | None) -> None:
    """What changes: of all labels together, or of one."""
    table = Table("", "now", "then", box=None)
    rows: list[tuple[str, str, str]] = []
    if label is None:
        at = (now.together, then.together)
        rows = [
            ("precision", _share(at[0].precision), _share(at[1].precision)),
            ("recall", _share(at[0].recall), _share(at[1].recall)),
            ("answered", _share(at[0].answered), _share(at[1].answered)),
        ]
    else:
        of = [next((one for one in each.labels if one.label == label), None) for each in (now, then)]
        if of[0] is not None and of[1] is not None:
            rows = [
                (f"precision of {label}", _share(of[0].precision), _share(of[1].precision)),
                (f"recall of {label}", _share(of[0].recall), _share(of[1].recall)),
            ]
    unknown = [f"{one.together.unknown:,} of {one.pictures:,}" for one in (now, then)]
    for what, *both in (*rows, ("unknown", *unknown)):
        table.add_row(safe(what), *both)
    console.print(table)


def _table(found: SideBySide, both: tuple[str, str]) -> Table:
    table = Table("of the same pictures", *map(safe, both), "difference", "95 % interval", box=None)
    for one in found.figures:
        interval = f"{100 * one.low:+.1f} to {100 * one.high:+.1f}"
        table.add_row(
            _MEASURES[one.measure],
            percent(one.first, 1),
            percent(one.second, 1),
            f"{100 * one.difference:+.1f}",
            interval,
        )
    table.add_row("unknown", f"{found.unknown[0]:,}", f"{found.unknown[1]:,}", "", "")
    return table


def _share(one: Share) -> str:
    if one.low is None or one.high is None:
        return "none"
    return f"{percent(one.share)} ({100 * one.low:.0f} to {100 * one.high:.0f})"
