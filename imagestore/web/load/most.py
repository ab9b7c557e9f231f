"""How much is allowed: to a caller, to all together, and how slow a client may be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MostPerMinute:
    """How many requests are answered in a minute; 0 is any number."""

    account: int = 12_000
    key: int = 6_000
    address: int = 24_000


@dataclass(frozen=True)
class MostAtOnce:
    """How many there may be at once: in all, and of one caller."""

    uploads: int = 64
    uploads_of_one: int = 16
    streams: int = 2_000
    streams_of_one: int = 50


@dataclass(frozen=True)
class SlowestBody:
    """How long the pieces of a body may be waited for: together, and each; and all of a body that is held in memory."""

    first_s: float = 20.0
    bytes_a_second: float = 500.0
    longest_s: float = 60.0
    in_memory_s: float = 120.0

    def left_s(self, before_s: float, size_bytes: int, waited_s: float) -> float:
        """How long the next piece may take, where so long was left before a piece of this size came after so long: what
        comes quickly is not saved up for longer than a piece may take."""
        return min(self.longest_s, max(0.0, before_s - waited_s) + size_bytes / self.bytes_a_second)
