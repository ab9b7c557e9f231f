"""How many requests an account, a key and an address may make in a minute, by the library `limits`.

Each instance of the app counts by itself: two instances let through up to twice as many. The counts are kept in a
storage of ours, since that of the library looks through all its keys in a thread that it starts for nearly every
request (70 µs of processor time each at 1,000 a second, 290 µs with 20,000 keys; here it is 6).
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from imagestore.accounts.callers import Caller, Means
from imagestore.web.load.most import MostPerMinute
from imagestore.web.load.refusals import too_many
from imagestore.web.problems import ApiProblem

_MOST_KEYS = 20_000
_IPV6_PREFIX = 64
"""Of IPv6 addresses so many bits count: one subscriber has all that begin with them."""


class Rates:
    """Counts requests, and says who has made too many."""

    def __init__(self, most: MostPerMinute, now: Callable[[], float] = time.time) -> None:
        self._most = most
        self._now = now
        self._limiters = {what: SlidingWindowCounterRateLimiter(Counts(now)) for what in ("address", "key", "account")}
        """One for each, so that a crowd of addresses does not make room by what accounts have used up."""

    def of_address(self, address: str) -> ApiProblem | None:
        """Count a request from this network address; the problem, if it is one too many."""
        return self._count("address", self._most.address, "From your network address", subscriber(address))

    def of_caller(self, caller: Caller) -> ApiProblem | None:
        """Count a request of this caller, under their key and their account; the problem, if it is one too many."""
        if caller.means is Means.LOCAL:
            return None
        if caller.means is not Means.SESSION:
            problem = self._count("key", self._most.key, "With this key", caller.by)
            if problem is not None:
                return problem
        return self._count("account", self._most.account, "From this account", caller.account)

    def _count(self, what: str, most: int, who: str, id: str) -> ApiProblem | None:
        if not most:
            return None
        item, limiter = RateLimitItemPerMinute(most, 1, what), self._limiters[what]
        if limiter.hit(item, id):
            return None
        wait_s = max(1, math.ceil(limiter.get_window_stats(item, id).reset_time - time.time()))
        setting = f"{what.upper()}_REQUESTS_PER_MINUTE"
        said = f"{who} came more than {most:,} requests in a minute, which is the limit ({setting})."
        return too_many(f"too_many_of_{what}", said, wait_s)


def subscriber(address: str) -> str:
    """What one subscriber has of the internet: an IPv4 address, or the first half of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


class Counts(MemoryStorage):
    """Of each key, how many came in this minute and in the one before; of the keys that were seen last."""

    def __init__(self, now: Callable[[], float] = time.time, most_keys: int = _MOST_KEYS) -> None:
        super().__init__()
        self._now = now
        self._most_keys = most_keys
        self._counts: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        """By key: the window's number, how many came in the window before it, and how many in it."""

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count so many more, unless that is more than the limit."""
        before, before_ends_s, current, _ = self.get_sliding_window(key, expiry)
        if before * before_ends_s / expiry + current + amount > limit:
            return False
        self._counts[key] = (int(self._now() // expiry), before, current + amount)
        self._counts.move_to_end(key)
        if len(self._counts) > self._most_keys:
            self._counts.popitem(last=False)
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """How many came in the window before and for how long they still count; the same of this window."""
        number, into_s = int(self._now() // expiry), self._now() % expiry
        known, before, current = self._counts.get(key, (number, 0, 0))
        if known == number - 1:
            before, current = current, 0
        elif known != number:
            before, current = 0, 0
        return before, expiry - into_s, current, 2 * expiry - into_s
