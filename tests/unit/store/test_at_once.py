"""Many things are done several at a time."""

import pytest

from imagestore.errors import Unavailable
from imagestore.store.at_once import at_once


def test_what_is_done_at_once_comes_in_order_and_ends_with_the_first_error() -> None:
    counted: list[int] = []
    assert at_once(lambda n: n * n, range(3000), lambda: counted.append(1)) == [n * n for n in range(3000)]
    assert len(counted) == 3000

    def away(n: int) -> int:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        at_once(away, range(10))
