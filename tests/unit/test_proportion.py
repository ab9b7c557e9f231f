"""Shares and their intervals."""

import pytest

from imagestore.proportion import wilson


def test_intervals_agree_with_published_ones() -> None:
    """Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662; 0 of 20 is 0 to 0.1611."""
    assert wilson(81, 263).low == pytest.approx(0.2553, abs=1e-4)
    assert wilson(81, 263).high == pytest.approx(0.3662, abs=1e-4)
    assert (wilson(0, 20).low, wilson(0, 20).high) == (0.0, pytest.approx(0.1611, abs=1e-4))
    assert wilson(0, 0).low is None
