"""What one caller may have at once, and all together."""

from imagestore.accounts.callers import Caller, Means
from imagestore.accounts.roles import Role
from imagestore.web.load.allowances import Places


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
