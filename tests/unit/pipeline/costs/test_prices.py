"""The prices that are written down, and files of one's own."""

from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from imagestore.errors import BadPrices, UnreadableFile
from imagestore.pipeline.costs.prices import Prices, Tier

PRICES = Prices.read()


def test_each_tier_has_every_price_and_there_is_a_day_and_a_source() -> None:
    for of_tiers in (PRICES.gigabyte_month, PRICES.least_days, PRICES.ten_thousand_writes, PRICES.gigabyte_retrieved):
        assert set(of_tiers) == set(Tier)
    assert datetime.fromisoformat(PRICES.written_down)
    assert all("https://" in source for source in PRICES.sources)
    assert PRICES.currency == "USD"


def test_a_colder_tier_is_cheaper_to_keep() -> None:
    a_month = [PRICES.month(tier, 5e9) for tier in Tier]
    assert a_month == sorted(a_month, reverse=True)
    assert PRICES.month(Tier.COOL, 2e9) == pytest.approx(2 * 0.0115)
    assert PRICES.moving(Tier.COLD, 20_000) == pytest.approx(2 * 0.18)


def test_a_file_of_ones_own_counts(tmp_path: Path) -> None:
    mine = msgspec.to_builtins(PRICES) | {"region": "westeurope", "gigabyte_second": 0.00003}
    (tmp_path / "mine.json").write_bytes(msgspec.json.encode(mine))
    found = Prices.read(tmp_path / "mine.json")
    assert (found.region, found.gigabyte_second) == ("westeurope", 0.00003)
    assert found.gigabyte_month == PRICES.gigabyte_month


@pytest.mark.parametrize("text", ["", "[]", '{"written_down": "2026-11-30"}', "{", '{"region": 1}'])
def test_what_holds_no_prices_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(BadPrices, match=r"mine\.json holds no prices in the form of .*prices\.json"):
        Prices.read(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"gigabyte_month": {"hot": 0.02}}, "gigabyte_month lacks archive, cold, cool"), ({"currency": "EUR"}, "in USD")],
)
def test_what_lacks_a_tier_or_is_in_other_money_is_refused(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    (tmp_path / "mine.json").write_bytes(msgspec.json.encode(msgspec.to_builtins(PRICES) | change))
    with pytest.raises(BadPrices, match=said):
        Prices.read(tmp_path / "mine.json")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"missing\.json cannot be read: No such file"):
        Prices.read(tmp_path / "missing.json")
