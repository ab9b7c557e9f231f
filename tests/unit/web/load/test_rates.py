"""How many requests one account, one key and one address may make in a minute."""

from imagestore.accounts.callers import Caller, Means
from imagestore.accounts.roles import Role
from imagestore.web.load.most import MostPerMinute
from imagestore.web.load.rates import Counts, Rates, subscriber

MARIA = Caller("maria", "Maria", Role.VIEWER, Means.SESSION, "session 1")
HER_KEY = Caller("maria", "Maria", Role.VIEWER, Means.KEY, "key 1")
HER_OTHER_KEY = Caller("maria", "Maria", Role.VIEWER, Means.KEY, "key 2")
TOM = Caller("tom", "Tom", Role.VIEWER, Means.KEY, "key 3")


class Clock:
    def __init__(self) -> None:
        self.now = 6_000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_has_fewer_than_its_account_and_another_account_is_not_touched() -> None:
    rates = Rates(MostPerMinute(account=5, key=3, address=0), Clock())
    assert [rates.of_caller(HER_KEY) for _ in range(3)] == [None] * 3
    refused = rates.of_caller(HER_KEY)
    assert refused is not None
    assert (refused.status, refused.code) == (429, "too_many_of_key")
    assert "3 requests in a minute, which is the limit (KEY_REQUESTS_PER_MINUTE)" in refused.detail
    assert int(refused.headers["Retry-After"]) >= 1
    assert rates.of_caller(HER_OTHER_KEY) is None
    assert rates.of_caller(MARIA) is None
    refused = rates.of_caller(MARIA)
    assert refused is not None
    assert refused.code == "too_many_of_account"
    assert rates.of_caller(TOM) is None


def test_an_address_has_its_own_and_all_of_an_ipv6_network_are_one() -> None:
    rates = Rates(MostPerMinute(address=2), Clock())
    assert rates.of_address("2001:db8:1:2::1") is None
    assert rates.of_address("2001:db8:1:2:ffff::9") is None
    refused = rates.of_address("2001:db8:1:2:aaaa::3")
    assert refused is not None
    assert refused.code == "too_many_of_address"
    assert rates.of_address("2001:db8:1:3::1") is None
    assert rates.of_address("192.0.2.1") is None


def test_a_minute_later_one_may_ask_again() -> None:
    clock = Clock()
    rates = Rates(MostPerMinute(address=60), clock)
    for _ in range(60):
        assert rates.of_address("192.0.2.1") is None
    assert rates.of_address("192.0.2.1") is not None
    clock.now += 61  # a second into the next minute: one of the minute before counts no more
    assert rates.of_address("192.0.2.1") is None
    assert rates.of_address("192.0.2.1") is not None
    clock.now += 120
    assert [rates.of_address("192.0.2.1") for _ in range(60)] == [None] * 60


def test_no_limit_is_none_and_on_ones_own_machine_nobody_is_counted() -> None:
    assert all(Rates(MostPerMinute(0, 0, 0), Clock()).of_address("192.0.2.1") is None for _ in range(100))
    local = Caller("me", "me", Role.ADMIN, Means.LOCAL)
    rates = Rates(MostPerMinute(1, 1, 1), Clock())
    assert all(rates.of_caller(local) is None for _ in range(100))


def test_what_is_no_address_is_counted_as_it_is() -> None:
    assert subscriber("unknown") == "unknown"
    assert subscriber("::ffff:192.0.2.1") == "192.0.2.1"


def test_of_strangers_no_more_than_so_many_are_remembered() -> None:
    counts = Counts(Clock(), most_keys=10)
    for number in range(100):
        assert counts.acquire_sliding_window_entry(f"{number}", 1, 60)
    assert not counts.acquire_sliding_window_entry("99", 1, 60)
    assert counts.acquire_sliding_window_entry("0", 1, 60)


def test_a_crowd_of_addresses_does_not_make_an_account_forgotten() -> None:
    rates = Rates(MostPerMinute(account=1), Clock())
    assert rates.of_caller(MARIA) is None
    for number in range(20_001):
        rates.of_address(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert rates.of_caller(MARIA) is not None
