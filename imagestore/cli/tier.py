"""imagestore tier"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from imagestore.cli import stores
from imagestore.cli.maintain import Budget, DryRun, counted
from imagestore.cli.output import console, safe
from imagestore.configure import models_of
from imagestore.errors import Protected, UnreadableFile
from imagestore.pipeline.costs.holdings import count, keep
from imagestore.pipeline.costs.prices import GIGABYTE, Prices, Tier
from imagestore.pipeline.costs.tiers import Kept, Move, Rule, bring_back, carry_out, plan, read_policy
from imagestore.settings import ROOT
from imagestore.store import Stores

POLICY = ROOT / "infra" / "tiers.json"


def tier(
    policy: Annotated[Path, typer.Option(help="The file with the rules; docs/tiers.md shows one.")] = POLICY,
    start: Annotated[str | None, typer.Option("--from", help="Go on from this marker.")] = None,
    back: Annotated[
        str | None, typer.Option("--bring-back", help="Have archived pictures whose names begin so readable again.")
    ] = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="With --dry-run: as if it were that day.")
    ] = None,
    budget: Budget = None,
    dry_run: DryRun = False,
) -> None:
    """Move pictures to cheaper tiers by age, label and status; --dry-run only says what, and what that saves."""
    if as_of is not None and not dry_run:
        raise typer.BadParameter("--as-of goes with --dry-run: what is to be old some day is not moved today.")
    opened = stores.opened()
    if back is not None:
        return _bring_back(opened, back)
    tally = _Tally(Prices.read())
    rules = read_policy(_read(policy), str(policy))
    if not rules:
        console.print(f"{safe(str(policy))} has no rules: nothing moves. docs/tiers.md shows some.", highlight=False)
    try:
        with counted("uploads looked at", budget) as seen:
            for looked_at in _moved(opened, rules, tally, start, as_of, dry_run=dry_run):
                seen(looked_at)
    finally:
        console.print(tally.table(dry_run))
        if tally.marker is not None:
            console.print(f"Go on with: imagestore tier --from {tally.marker}", highlight=False, soft_wrap=True)
    if not dry_run:
        keep(opened.jobs, count(opened, tally.prices))


def _moved(
    opened: Stores,
    rules: tuple[Rule, ...],
    tally: "_Tally",
    start: str | None,
    as_of: datetime | None,
    *,
    dry_run: bool,
) -> Iterator[int]:
    """Do, or only count, what the rules say; yields how many uploads each page held."""
    tally.marker = start
    models, now = models_of(stores.settings(), opened), as_of and as_of.replace(tzinfo=UTC)
    for page in plan(opened, models, rules, tally.prices, now, start):
        for move in page.moves:
            tally.add(move, dry_run or move.kept is not None or _done(opened, move))
        tally.marker = page.marker
        yield page.seen


def _done(opened: Stores, move: Move) -> bool:
    try:
        return carry_out(opened, move)
    except Protected as error:
        console.print(f"{safe(move.name)}: {safe(str(error))}", markup=False, highlight=False)
        return False


def _bring_back(opened: Stores, prefix: str) -> None:
    asked = 0
    for name in bring_back(opened, prefix):
        asked += 1
        console.print(safe(name), markup=False, highlight=False)
    console.print(f"{asked} asked for. Azure takes up to 15 hours; then `imagestore retry NAME` classifies one again.")


def _read(policy: Path) -> bytes:
    try:
        return policy.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{policy} cannot be read: {error.strerror}. Name another with --policy FILE.") from None


class _Tally:
    """What moves and what stays, in numbers."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.marker: str | None = None
        self._blobs: Counter[Tier] = Counter()
        self._bytes: Counter[Tier] = Counter()
        self._saved: dict[Tier, float] = dict.fromkeys(Tier, 0.0)
        self._kept: Counter[Kept] = Counter()
        self._others = 0

    def add(self, move: Move, is_done: bool) -> None:
        """Count one move; one that was not done was of a picture that has changed meanwhile."""
        if move.kept is not None:
            self._kept[move.kept] += 1
        elif is_done:
            self._blobs[move.target] += 1
            self._bytes[move.target] += move.size_bytes
            self._saved[move.target] += move.saves(self.prices)
        else:
            self._others += 1

    def table(self, dry_run: bool) -> Table:
        """The numbers, for a person."""
        would = "would move" if dry_run else "moved"
        table = Table(box=None, show_header=False, pad_edge=False)
        for tier in (Tier.COOL, Tier.COLD, Tier.ARCHIVE):
            size = f"{self._bytes[tier] / GIGABYTE:,.3f} GB"
            saves = f"saves ${self._saved[tier]:,.2f} a month"
            costs = f"costs ${self.prices.moving(tier, self._blobs[tier]):,.2f} once"
            table.add_row(f"{would} to {tier}", f"{self._blobs[tier]:,}", f"{size}, {saves}, {costs}")
        for kept, number in sorted(self._kept.items()):
            table.add_row("stays", f"{number:,}", str(kept))
        if self._others:
            table.add_row("stays", f"{self._others:,}", "it was changed meanwhile, or is protected")
        table.add_row("prices of", self.prices.written_down, "not Azure's word: imagestore/pipeline/costs/prices.json")
        return table
