"""What pictures cost, by what each takes and by the prices that are written down."""

from dataclasses import replace

import msgspec
import pytest

from imagestore.pipeline.costs.cost import OnePicture, estimate, indexed_terms, units
from imagestore.pipeline.costs.prices import Prices
from imagestore.store.connect import INDEXING

FREE = ("free_deliveries", "free_gigabyte_seconds", "free_executions", "free_gigabytes_of_logs")
PRICES = msgspec.structs.replace(Prices.read(), **dict.fromkeys(FREE, 0))
"""Those that are written down, with nothing for free."""


def cost_of(what: str, pictures: int = 1_000_000, size_bytes: int = 2_000_000) -> tuple[float, float]:
    (line,) = [one for one in estimate(PRICES, pictures, size_bytes).lines if one.what == what]
    return line.once, line.monthly


def test_a_million_pictures_by_hand() -> None:
    assert cost_of("Uploading") == (pytest.approx(100 * 0.055), 0)
    assert cost_of("Storage calls of the two steps") == (pytest.approx(200 * 0.055 + 400 * 0.0044), 0)
    assert cost_of("Uploads, kept hot") == (0, pytest.approx(2000 * 0.0208))
    assert cost_of("Index tags") == (0, pytest.approx(300 * 0.039))
    assert cost_of("Functions, pictures that come together") == (pytest.approx(200_000 * 0.000026 + 2 * 0.40), 0)
    units_of_one = 1.0 + 6.29 + 0.38 * 0.75 + 0.2 * 6
    assert cost_of("Cosmos DB, serverless") == (pytest.approx(units_of_one * 0.25, rel=1e-3), 0)


def test_sweeps_list_all_that_is_kept_for_ever() -> None:
    calls = 200 * 2880
    assert cost_of("Sweeps, every 15 minutes") == (0, pytest.approx(calls * (0.0000055 + 0.000026)))


def test_all_grows_with_the_number_but_what_stands_ready() -> None:
    few, many = (estimate(PRICES, pictures, 500_000, has_web=False) for pictures in (10_000, 100_000))
    assert many.once == pytest.approx(10 * few.once)
    assert many.monthly - PRICES.month_of_alerts == pytest.approx(10 * (few.monthly - PRICES.month_of_alerts))
    with_web = estimate(PRICES, 10_000, 500_000)
    looks = 1_296_000 * 3 + 518_400 * 11
    plans = PRICES.month_of_web_app + PRICES.month_of_jobs
    assert with_web.monthly - few.monthly == pytest.approx(plans + looks * 0.25e-6)


def test_what_a_month_has_for_nothing_is_taken_off_once() -> None:
    prices = Prices.read()
    free = estimate(prices, 50_000, 500_000, has_web=False)
    names = {line.what for line in free.lines if line.once == 0 and line.monthly == 0}
    assert names == {"Functions, pictures that come together", "Logs"}
    assert estimate(prices, 10**7, 1).once < estimate(PRICES, 10**7, 1).once


def test_a_large_upload_is_written_in_blocks() -> None:
    once, _ = cost_of("Uploading", size_bytes=8 * 2**20)
    in_blocks, _ = cost_of("Uploading", size_bytes=8 * 2**20 + 1)
    assert in_blocks == pytest.approx(4 * once), "three blocks, and what puts them together"


def test_pictures_that_come_by_themselves_cost_a_second_for_each_step() -> None:
    found = estimate(PRICES, 1000, 500_000)
    assert found.alone == pytest.approx(4000 * 0.000026 + 0.002 * 0.40)


def test_the_dearest_come_first() -> None:
    found = estimate(PRICES, 10**8, 2_000_000)
    assert found.dearest()[0].what == "Uploads, kept hot"
    assert "cool" in found.dearest()[0].lower
    assert len(found.dearest(2)) == 2


@pytest.mark.parametrize(
    ("size_bytes", "wanted"), [(10, 4.95), (1000, 4.95), (1500, 5.62), (4000, 6.67), (3_000_000, 1250.0)]
)
def test_request_units_lie_between_those_of_known_sizes(size_bytes: int, wanted: float) -> None:
    by_size = (4.95, 6.29, 6.67, 7.04, 9.52, 11.23, 22.67, 48.19, 98.29, 184.57, 625.0, 1250.0)
    assert units(by_size, size_bytes) == pytest.approx(wanted)


DOCUMENT = {
    "id": "1", "name": "a", "labels": ["cat", "dog"], "correction": {"by": "me", "labels": ["x"]},
    "problem": {"reason": "too_large", "text": "long"}, "image": {"width": 3}, "_etag": "2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("included", "excluded", "terms"),
    [
        (["/*"], ['/"_etag"/?'], 9),
        (["/*"], ["/correction/*", "/image/width/?"], 7),
        (["/name/?", "/labels/[]/?"], ["/*"], 3),
        (["/correction/*", "/problem/reason/?"], ["/*"], 3),
        (["/correction/*"], ["/*", "/correction/labels/[]/?"], 1),
        ([], ["/*"], 0),
    ],
)
def test_terms_are_what_the_most_specific_path_includes(included: list[str], excluded: list[str], terms: int) -> None:
    policy = {"includedPaths": [{"path": path} for path in included], "excludedPaths": [{"path": p} for p in excluded]}
    assert indexed_terms(DOCUMENT, policy) == terms


def test_our_policy_costs_half_of_one_that_indexes_all() -> None:
    """Of a record with 62 values beside its EXIF and vector."""
    ours = OnePicture()
    of_all = replace(ours, terms=62)
    assert ours.request_units < 0.5 * of_all.request_units
    assert indexed_terms({"name": "a", "image": {"width": 3}}, INDEXING) == 1 + len(INDEXING["compositeIndexes"])
