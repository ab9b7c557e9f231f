"""What pictures cost in Azure: from the calls, bytes, request units and seconds that each takes, and prices.json.

What one picture takes is counted on the local stack, by tests (`OnePicture`). Request units are those that Microsoft's
documentation gives by size and by indexed term; nothing was ever billed for what stands here.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imagestore.pipeline.costs.prices import GIGABYTE, Prices, Tier

SINGLE_WRITE_BYTES = 8 * 2**20
"""Larger uploads are written in blocks of BLOCK_BYTES, each a write, and one more that puts them together."""
BLOCK_BYTES = 4 * 2**20
INSTANCE_GIGABYTES = 2.0
_LEAST_SECONDS = 1.0
"""So long an execution counts at least, while no other shares its instance."""
PAGE = 5000
"""So many uploads a call of the sweep lists."""
SWEEPS_A_MONTH = 30 * 24 * 4
_PAGE_SECONDS = 0.5
_SHARE_OF_INDEX = 2.0
"""What is kept of a record, its index included, beside its own size."""
_TERM_UNITS = 0.2
_UNITS_OF_A_LOOK, _UNITS_OF_A_SIGN = 3.0, 11.0
_SIZES_KB = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
_READ_UNITS = (1.0, 1.04, 1.14, 1.33, 1.67, 2.19, 4.76, 9.95, 20.28, 40.95, 145.9, 291.8)
_WRITE_UNITS = (4.95, 6.29, 6.67, 7.04, 9.52, 11.23, 22.67, 48.19, 98.29, 184.57, 625.0, 1250.0)
"""https://learn.microsoft.com/azure/cosmos-db/understand-request-unit-consumption, as of 21 April 2026."""


@dataclass(frozen=True)
class OnePicture:
    """What taking in one picture takes. Tests count the calls, the tags and the terms, and weigh the bytes.

    Of the others, `messages` are those of the Functions host's own queue for two events (read in its sources);
    `log_bytes`, and `seconds` of an instance that many pictures share, are assumed.
    """

    reads: int = 2
    writes: int = 2
    others: int = 2
    tags: int = 3
    deliveries: int = 2
    messages: int = 6
    executions: int = 2
    staged_bytes: int = 35_000
    result_bytes: int = 3_300
    record_bytes: int = 3_500
    terms: int = 6
    log_bytes: int = 5_000
    seconds: float = 0.1

    @property
    def request_units(self) -> float:
        """Of reading that there is no record yet, and writing it."""
        return units(_READ_UNITS, 1000) + units(_WRITE_UNITS, self.record_bytes) + _TERM_UNITS * self.terms


@dataclass(frozen=True)
class Line:
    """What one thing costs, in dollars: to take the pictures in, `once`, and to keep them, each month. `lower` says
    what makes it less, if anything does."""

    what: str
    how_much: str
    once: float = 0.0
    monthly: float = 0.0
    lower: str = ""


@dataclass(frozen=True)
class Estimate:
    """What so many pictures of this size cost. `alone` is what the functions cost if each picture comes by itself, and
    `custom_vision` what Custom Vision asks for as many predictions."""

    pictures: int
    size_bytes: int
    lines: tuple[Line, ...]
    alone: float
    custom_vision: float
    prices_of: str
    region: str

    @property
    def once(self) -> float:
        """What taking them in costs."""
        return sum(line.once for line in self.lines)

    @property
    def monthly(self) -> float:
        """What keeping them, and all that stands ready, costs a month."""
        return sum(line.monthly for line in self.lines)

    def dearest(self, most: int = 3) -> list[Line]:
        """The lines that cost the most in the first month, the dearest first."""
        found = sorted(self.lines, key=lambda line: line.once + line.monthly, reverse=True)
        return [line for line in found if line.once + line.monthly > 0][:most]


def estimate(
    prices: Prices, pictures: int, size_bytes: int, *, has_web: bool = True, one: OnePicture | None = None
) -> Estimate:
    """What `pictures` pictures of `size_bytes` bytes cost that come within a month, with or without the web app and its
    runner of jobs. What a month has for nothing is taken off once."""
    each = one or OnePicture()
    together = _functions(prices, pictures, each, INSTANCE_GIGABYTES * each.seconds)
    alone = _functions(prices, pictures, each, INSTANCE_GIGABYTES * _LEAST_SECONDS * each.executions)
    busy = f"{pictures * each.seconds * INSTANCE_GIGABYTES:,.0f} GB-seconds"
    lines = [
        *_storage(prices, pictures, size_bytes, each),
        _deliveries(prices, pictures, each),
        Line(
            "Functions, pictures that come together",
            f"{busy}, {pictures * each.executions:,} executions",
            together,
            lower="pictures that are dropped together share instances",
        ),
        *_records(prices, pictures, each),
        _logs(prices, pictures, each),
        _sweeps(prices, pictures),
        Line("Alerts", "ten", monthly=prices.month_of_alerts, lower="ALERT_EMAIL left empty"),
    ]
    if has_web:
        lines += [
            Line("Web app", "plan P0v3", monthly=prices.month_of_web_app, lower="DEPLOY_WEB=false, or a smaller plan"),
            Line("Runner of jobs", "plan B2", monthly=prices.month_of_jobs, lower="DEPLOY_JOBS=false"),
            _looking(prices),
        ]
    custom_vision = prices.custom_vision_thousand_predictions * pictures / 1000
    return Estimate(pictures, size_bytes, tuple(lines), alone, custom_vision, prices.written_down, prices.region)


def indexed_terms(document: Mapping[str, Any], policy: Mapping[str, Any]) -> int:
    """How many terms of a document this indexing policy of Cosmos DB has: values whose most specific path is included,
    and one for each composite index."""
    patterns = [(entry["path"], True) for entry in policy.get("includedPaths", ())]
    patterns += [(entry["path"], False) for entry in policy.get("excludedPaths", ())]
    count = len(policy.get("compositeIndexes", ()))
    for path in _leaves(document, ""):
        fitting = [(len(pattern), is_in) for pattern, is_in in patterns if _fits(pattern, path)]
        count += max(fitting, default=(0, False))[1]
    return count


def units(by_size: tuple[float, ...], size_bytes: float) -> float:
    """The request units of a document of so many bytes, between those of the sizes that are known."""
    size_kb = size_bytes / 1000
    at = bisect_left(_SIZES_KB, size_kb)
    if at == 0 or at == len(_SIZES_KB):
        return by_size[min(at, len(by_size) - 1)]
    low, high = _SIZES_KB[at - 1], _SIZES_KB[at]
    return by_size[at - 1] + (by_size[at] - by_size[at - 1]) * (size_kb - low) / (high - low)


def _storage(prices: Prices, pictures: int, size_bytes: int, each: OnePicture) -> Iterator[Line]:
    blocks = 1 if size_bytes <= SINGLE_WRITE_BYTES else math.ceil(size_bytes / BLOCK_BYTES) + 1
    write = prices.ten_thousand_writes[Tier.HOT] / 10_000
    read, other = prices.ten_thousand_reads / 10_000, prices.ten_thousand_others / 10_000
    yield Line("Uploading", f"{pictures * blocks:,} writes", pictures * blocks * write)
    calls = each.writes * write + each.reads * read + each.others * other
    counted = f"{pictures * each.writes:,} writes, {pictures * each.reads:,} reads, {pictures * each.others:,} others"
    yield Line("Storage calls of the two steps", counted, pictures * calls)
    kept = pictures * size_bytes
    saved = prices.month(Tier.HOT, kept) - prices.month(Tier.COOL, kept)
    moving = prices.moving(Tier.COOL, pictures)
    yield Line(
        "Uploads, kept hot",
        f"{kept / GIGABYTE:,.1f} GB",
        monthly=prices.month(Tier.HOT, kept),
        lower=f"in cool they cost ${saved:,.2f} less a month, and moving them ${moving:,.2f} once (infra/tiers.json)",
    )
    made = pictures * (each.staged_bytes + each.result_bytes)
    yield Line("Staged pictures and results", f"{made / GIGABYTE:,.1f} GB", monthly=prices.month(Tier.HOT, made))
    tags = pictures * each.tags
    yield Line("Index tags", f"{tags:,}", monthly=tags * prices.ten_thousand_tags_month / 10_000)


def _deliveries(prices: Prices, pictures: int, each: OnePicture) -> Line:
    count, messages = pictures * each.deliveries, pictures * each.messages
    once = max(0.0, count - prices.free_deliveries) * prices.million_deliveries / 1e6
    queued = messages * prices.ten_thousand_messages / 10_000
    return Line("Events", f"{count:,} deliveries, {messages:,} calls of the host's queue", once + queued)


def _functions(prices: Prices, pictures: int, each: OnePicture, gigabyte_seconds: float) -> float:
    busy = max(0.0, pictures * gigabyte_seconds - prices.free_gigabyte_seconds)
    executions = max(0.0, pictures * each.executions - prices.free_executions)
    return busy * prices.gigabyte_second + executions * prices.million_executions / 1e6


def _records(prices: Prices, pictures: int, each: OnePicture) -> Iterator[Line]:
    asked = pictures * each.request_units
    yield Line(
        "Cosmos DB, serverless",
        f"{asked / 1e6:,.1f} million RU",
        asked * prices.million_request_units / 1e6,
        lower="COSMOS_CAPACITY=autoscale, for a steady stream",
    )
    kept = pictures * each.record_bytes * _SHARE_OF_INDEX / GIGABYTE
    yield Line("Records", f"{kept:,.1f} GB", monthly=kept * prices.gigabyte_month_of_records)


def _sweeps(prices: Prices, pictures: int) -> Line:
    """Every sweep lists all uploads that are kept."""
    calls = math.ceil(pictures / PAGE) * SWEEPS_A_MONTH
    busy = calls * _PAGE_SECONDS * INSTANCE_GIGABYTES * prices.gigabyte_second
    listing = calls * prices.ten_thousand_writes[Tier.HOT] / 10_000
    return Line("Sweeps, every 15 minutes", f"{calls:,} listings", monthly=listing + busy, lower="SWEEP_SCHEDULE")


def _looking(prices: Prices) -> Line:
    """The runner looks for work every two seconds, and gives a sign of itself every five."""
    looks, signs = 30 * 86_400 / 2, 30 * 86_400 / 5
    asked = looks * _UNITS_OF_A_LOOK + signs * _UNITS_OF_A_SIGN
    return Line(
        "The runner's looks at Cosmos DB",
        f"{asked / 1e6:,.1f} million RU",
        monthly=asked * prices.million_request_units / 1e6,
        lower="DEPLOY_JOBS=false",
    )


def _logs(prices: Prices, pictures: int, each: OnePicture) -> Line:
    written = pictures * each.log_bytes / GIGABYTE
    billed = max(0.0, written - prices.free_gigabytes_of_logs)
    return Line("Logs", f"{written:,.1f} GB", billed * prices.gigabyte_of_logs, lower="logLevel in host.json")


def _leaves(value: object, path: str) -> Iterator[str]:
    """The path of each value in a document, as indexing policies write it; elements of arrays are `[]`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}/{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, f"{path}/[]")
    else:
        yield path


def _fits(pattern: str, path: str) -> bool:
    plain = pattern.replace('"', "")
    return plain[:-2] == path if plain.endswith("/?") else f"{path}/".startswith(plain[:-1])
