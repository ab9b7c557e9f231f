"""What `imagestore cost` prints, and what it refuses."""

import json
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from imagestore.cli.cost import size
from imagestore.cli.main import app
from imagestore.pipeline.costs.prices import Prices


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["cost", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_a_table_says_what_it_costs_what_dominates_and_what_lowers_it() -> None:
    text = said("--pictures", "20000000", "--size", "2MB")
    assert "Uploads, kept hot" in text
    assert "40,000.0 GB" in text
    assert "infra/tiers.json" in text
    assert "Custom Vision asks $40,000.00 for 20,000,000 predictions" in text
    assert "Prices: samples, written down on" in text


def test_without_the_web_app_its_plans_cost_nothing() -> None:
    assert "Web app" in said()
    assert "Web app" not in said("--no-web")


def test_a_program_reads_it_as_json() -> None:
    found = json.loads(said("--json", "--pictures", "1000", "--size", "640kB"))
    assert (found["pictures"], found["size_bytes"]) == (1000, 640_000)
    assert {"what", "how_much", "once", "monthly", "lower"} <= set(found["lines"][0])


def test_prices_of_another_region_are_not_taken_for_these(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["cost", "--region", "westeurope"])
    assert result.exit_code == 1
    assert "prices of 'samples', not of 'westeurope'" in str(result.exception)
    mine = msgspec.to_builtins(Prices.read()) | {"region": "westeurope"}
    (tmp_path / "mine.json").write_bytes(msgspec.json.encode(mine))
    assert "Prices: westeurope" in said("--region", "westeurope", "--prices", str(tmp_path / "mine.json"))


@pytest.mark.parametrize(
    ("text", "wanted"), [("2MB", 2_000_000), ("1.5 mb", 1_500_000), ("640kB", 640_000), ("7", 7), (" 1 GB ", 10**9)]
)
def test_sizes_are_read_as_people_write_them(text: str, wanted: int) -> None:
    assert size(text) == wanted


@pytest.mark.parametrize("text", ["", "2XB", "-1MB", "0", "0.1B", "9999GB", "1e6", "two"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"is no size|is not between"):
        size(text)
