"""What one caller may have at once, and all together."""

from imagestore.accounts.callers import Caller, Means
from imagestore.accounts.roles import Role
from imagestore.web.load.allowances import Allowances, Places
from imagestore.web.load.most import MostAtOnce, MostPerMinute
from imagestore.web.load.rates import Rates
from imagestore.web.load.refusals import Refusals


def caller(account: str, means: Means = Means.KEY) -> Caller:
    return Caller(account, account, Role.VIEWER, means, "key")


def test_one_caller_has_some_of_the_places_and_all_together_no_more_than_there_are() -> None:
    places = Places("uploads", "UPLOADS_AT_ONCE", 3, 2, 5)
    assert places.take(caller("maria")) is None
    assert places.take(caller("maria")) is None
    hers = places.take(caller("maria"))
    assert hers is not None
    assert (hers.status, hers.headers["Retry-After"]) == (429, "5")
    assert "2 uploads of yours are open already, which is the limit (UPLOADS_AT_ONCE_PER_CALLER)" in hers.detail
    assert places.take(caller("tom")) is None
    everybodys = places.take(caller("tom"))
    assert everybodys is not None
    assert "3 uploads are open already, which is the limit (UPLOADS_AT_ONCE)" in everybodys.detail
    places.leave(caller("maria"))
    assert places.take(caller("tom")) is None
    for account in ("maria", "tom", "tom"):
        places.leave(caller(account))
    assert places.taken == 0


def test_where_nobody_signs_in_one_caller_may_have_all() -> None:
    places = Places("uploads", "UPLOADS_AT_ONCE", 3, 1, 5)
    assert [places.take(caller("me", Means.LOCAL)) for _ in range(3)] == [None] * 3
    assert places.take(caller("me", Means.LOCAL)) is not None


def test_what_is_held_in_memory_is_bounded_for_each_caller() -> None:
    async def nothing(*_: object) -> None: ...

    allowances = Allowances(nothing, Rates(MostPerMinute()), Refusals(), MostAtOnce())
    assert [allowances.in_memory.take(caller("maria")) for _ in range(4)] == [None] * 4
    refused = allowances.in_memory.take(caller("maria"))
    assert refused is not None
    assert "4 pictures to classify of yours are open already, which is the limit. Try again" in refused.detail
    assert allowances.in_memory.take(caller("tom")) is None
