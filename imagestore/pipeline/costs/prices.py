"""What Azure asks, from one file with its date: prices.json."""

from enum import StrEnum
from importlib import resources
from pathlib import Path

import msgspec

from imagestore.decoding import decode
from imagestore.errors import BadPrices, UnreadableFile

GIGABYTE = 1e9


class Tier(StrEnum):
    """Azure's tiers of blobs, the dearest to keep first."""

    HOT = "hot"
    COOL = "cool"
    COLD = "cold"
    ARCHIVE = "archive"

    @property
    def depth(self) -> int:
        """How far down it is; nothing is moved up."""
        return list(Tier).index(self)


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What Azure asks in a region, in dollars, and the day on which that was written down.

    Names say for what: `ten_thousand_writes` is the price of 10,000 writes in each tier; `free_…` is what a month has
    for nothing; `month_of_…` is what is there at a fixed price.
    """

    written_down: str
    region: str
    sources: tuple[str, ...]
    currency: str
    gigabyte_month: dict[str, float]
    ten_thousand_writes: dict[str, float]
    gigabyte_retrieved: dict[str, float]
    least_days: dict[str, int]
    ten_thousand_reads: float
    ten_thousand_others: float
    ten_thousand_tags_month: float
    ten_thousand_messages: float
    million_deliveries: float
    free_deliveries: float
    gigabyte_second: float
    free_gigabyte_seconds: float
    million_executions: float
    free_executions: float
    million_request_units: float
    gigabyte_month_of_records: float
    gigabyte_of_logs: float
    free_gigabytes_of_logs: float
    month_of_alerts: float
    month_of_web_app: float
    month_of_jobs: float
    custom_vision_thousand_predictions: float

    def __post_init__(self) -> None:
        for name in ("gigabyte_month", "ten_thousand_writes", "gigabyte_retrieved", "least_days"):
            if missing := set(Tier) - getattr(self, name).keys():
                raise ValueError(f"{name} lacks {', '.join(sorted(missing))}")
        if self.currency != "USD":
            raise ValueError(f"its currency is {self.currency[:20]!r}, and all that is told of prices is told in USD")

    @classmethod
    def read(cls, path: Path | None = None) -> "Prices":
        """Those of prices.json, or of a file of the user's own. Raises UnreadableFile, BadPrices."""
        if path is None:
            return decode(resources.files("imagestore.pipeline.costs").joinpath("prices.json").read_bytes(), cls)
        try:
            return decode(path.read_bytes(), cls)
        except OSError as error:
            raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from None
        except ValueError as error:
            form = "imagestore/pipeline/costs/prices.json"
            raise BadPrices(f"{path} holds no prices in the form of {form}: {error}.") from None

    def month(self, tier: Tier, size_bytes: float) -> float:
        """What so many bytes cost a month."""
        return self.gigabyte_month[tier] * size_bytes / GIGABYTE

    def moving(self, target: Tier, count: int) -> float:
        """What it costs to move so many blobs there, once: each is a write in the new tier."""
        return self.ten_thousand_writes[target] * count / 10_000
