"""Moves uploads to cheaper tiers by age and tags, and says beforehand what that saves.

The policy is the file from which infra/ makes Azure's own lifecycle rules, with the same meaning: a rule fits by tags
and by days since the upload was written; where several fit, the cheapest tier counts; nothing is ever moved back.
Azure's rules see tags alone. So what is moved to the archive, where nothing can be read, is moved from here only, where
the record is looked at: a picture that a step, a review or the next training still needs stays readable.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from imagestore.decoding import convert
from imagestore.errors import BadPolicy, Conflict, NotFound
from imagestore.pipeline.costs.prices import Prices, Tier
from imagestore.pipeline.models.loaded_models import LoadedModels
from imagestore.pipeline.upkeep.reprocess import needed
from imagestore.record import RANDOM_BELOW, Record, Status, record_id
from imagestore.store import Listed, Stores
from imagestore.store.tags import etag_in


class Rule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Uploads that were written more than `after_days` ago go to `tier`; with a label or status only those that have
    it. A label is written as in the tag (docs/records.md), since Azure compares that.
    """

    after_days: Annotated[int, msgspec.Meta(ge=1)]
    tier: Literal["cool", "cold", "archive"]
    label: str | None = None
    status: Literal["classified", "unknown", "rejected", "failed"] | None = None

    def fits(self, blob: Listed, now: datetime) -> bool:
        """Whether this rule is for the upload."""
        if now - blob.last_modified <= timedelta(days=self.after_days):
            return False
        wanted = {"label": self.label, "status": self.status}
        return all(value is None or blob.tags.get(key) == value for key, value in wanted.items())


class _Policy(msgspec.Struct, frozen=True):
    rules: tuple[Rule, ...] = ()


class Kept(StrEnum):
    """Why an upload that a rule would move stays where it is."""

    UNFINISHED = "it has no final record"
    OUTDATED = "the live model has not classified it"
    REVIEW = "it is to be reviewed"
    TRAINING = "its label was corrected: the next training reads it"
    EARLY = "it would be charged for leaving its tier early"


@dataclass(frozen=True)
class Move:
    """An upload that a rule would move; `kept` says why it stays, if it does."""

    name: str
    etag: str
    size_bytes: int
    source: Tier
    target: Tier
    kept: Kept | None = None

    def saves(self, prices: Prices) -> float:
        """How many dollars a month it saves."""
        return prices.month(self.source, self.size_bytes) - prices.month(self.target, self.size_bytes)


@dataclass(frozen=True)
class PlannedPage:
    """What the rules say of one page of uploads: how many it holds, and the moves. `marker` begins the next one."""

    seen: int
    moves: list[Move]
    marker: str | None


def read_policy(text: bytes | str, where: str) -> tuple[Rule, ...]:
    """The rules in a file. Raises BadPolicy."""
    try:
        return convert(json.loads(text), _Policy).rules
    except (ValueError, RecursionError) as error:
        raise BadPolicy(f"{where} is no policy of tiers: {error}. docs/tiers.md shows one.") from None


def plan(
    stores: Stores,
    models: LoadedModels,
    rules: tuple[Rule, ...],
    prices: Prices,
    now: datetime | None = None,
    marker: str | None = None,
) -> Iterator[PlannedPage]:
    """What is to be moved, page by page of the listing of uploads, from `marker` on.

    One call a page, and a read of the record for each upload that is to be archived. Raises Unavailable.
    """  # fmt: skip
    at = now or datetime.now(UTC)
    for page, after in stores.uploads.list(marker, tags=True):
        moves = [move for blob in page if (move := _move(stores, models, rules, prices, blob, at)) is not None]
        yield PlannedPage(len(page), moves, after)


def carry_out(stores: Stores, move: Move) -> bool:
    """Move one upload, if it is still the version that was planned for. Returns whether it was. Raises Unavailable,
    Protected."""
    try:
        stores.uploads.set_tier(move.name, move.target.title(), move.etag)
    except (Conflict, NotFound):  # overwritten or deleted meanwhile: it is another picture now
        return False
    return True


def bring_back(stores: Stores, prefix: str) -> Iterator[str]:
    """Ask for every archived upload whose name begins so to be readable again (tier hot), and yield its name. Azure
    takes up to 15 hours. Raises Unavailable."""
    for page, _ in stores.uploads.list(prefix=prefix):
        for blob in page:
            if tier_of(blob) is Tier.ARCHIVE and not blob.is_rehydrating:
                stores.uploads.set_tier(blob.name, Tier.HOT.title())
                yield blob.name


def tier_of(blob: Listed) -> Tier:
    """The tier that an upload is in. Those that Azure names and we do not (such as Smart) count as hot."""
    name = (blob.tier or Tier.HOT).lower()
    return Tier(name) if name in set(Tier) else Tier.HOT


def _move(
    stores: Stores, models: LoadedModels, rules: Iterable[Rule], prices: Prices, blob: Listed, now: datetime
) -> Move | None:
    source = tier_of(blob)
    targets = [Tier(rule.tier) for rule in rules if rule.fits(blob, now)]
    target = max(targets, key=lambda tier: tier.depth, default=source)
    if target.depth <= source.depth:
        return None
    kept = _kept(stores, models, prices, blob, source, target, now)
    return Move(blob.name, blob.etag, blob.size_bytes, source, target, kept)


def _kept(
    stores: Stores, models: LoadedModels, prices: Prices, blob: Listed, source: Tier, target: Tier, now: datetime
) -> Kept | None:
    if blob.tier_changed is not None and now - blob.tier_changed < timedelta(days=prices.least_days[source]):
        return Kept.EARLY
    if etag_in(blob.tags) != blob.etag:
        return Kept.UNFINISHED
    return _needed(stores, models, blob) if target is Tier.ARCHIVE else None


def _needed(stores: Stores, models: LoadedModels, blob: Listed) -> Kept | None:
    """What an upload must stay readable for."""
    stored = stores.records.read(record_id(blob.name))
    record = None if stored is None else stored.record
    if record is None or record.upload is None or record.upload.etag != blob.etag or record.status is Status.FAILED:
        return Kept.UNFINISHED
    if needed(record, blob.etag, models.current(blob.name).model) is not None:
        return Kept.OUTDATED
    return _asked_of_people(record)


def _asked_of_people(record: Record) -> Kept | None:
    if record.correction is not None:
        return Kept.TRAINING
    is_drawn = record.prediction is not None and record.id < RANDOM_BELOW
    return Kept.REVIEW if record.status is Status.UNKNOWN or is_drawn else None
