"""imagestore cost"""

import re
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from imagestore.cli.output import console, safe
from imagestore.errors import BadPrices
from imagestore.pipeline.costs.cost import Estimate, estimate
from imagestore.pipeline.costs.prices import Prices

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(|b|kb|mb|gb)\s*", re.IGNORECASE)
_MOST_BYTES = 10**12
_MOST_PICTURES = 10**10


def size(text: str) -> int:
    """Bytes, as people write them: 2MB, 640 kB, 1500000. Raises typer.BadParameter."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"'{text}' is no size. Write it like 2MB, 640kB or 1500000.")
    size_bytes = round(float(found[1]) * _UNITS[found[2].lower()])
    if not 1 <= size_bytes <= _MOST_BYTES:
        raise typer.BadParameter(f"'{text}' is not between 1 byte and {_MOST_BYTES:,} bytes.")
    return size_bytes


def cost(
    pictures: Annotated[int, typer.Option(min=1, max=_MOST_PICTURES, help="How many come in a month.")] = 1_000_000,
    of_one: Annotated[str, typer.Option("--size", metavar="SIZE", help="Of one picture, such as 2MB.")] = "2MB",
    region: Annotated[
        str | None, typer.Option(help="Whose prices these must be; refused if the file has those of another.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file of prices of your own; docs/cost.md.")
    ] = None,
    web: Annotated[bool, typer.Option("--web/--no-web", help="With the web app and its runner of jobs.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """What pictures cost in Azure: to take them in, and each month; what dominates, and what lowers it."""
    asked = Prices.read(prices)
    if region is not None and region != asked.region:
        where = "imagestore/pipeline/costs/prices.json" if prices is None else str(prices)
        raise BadPrices(
            f"{where} has prices of '{safe(asked.region)}', not of '{safe(region)}'. Copy it, put in what Azure's "
            "calculator says for your region, and name the copy with --prices FILE."
        )
    found = estimate(asked, pictures, size(of_one), has_web=web)
    if as_json:
        told = msgspec.to_builtins(found) | {"once": found.once, "monthly": found.monthly}
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
        return
    console.print(_table(found))
    for line in _sentences(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(found: Estimate) -> Table:
    table = Table("What", "How much", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Once", justify="right")
    table.add_column("Each month", justify="right")
    for line in found.lines:
        table.add_row(line.what, line.how_much, _dollars(line.once), _dollars(line.monthly))
    table.add_row("Together", "", f"${found.once:,.2f}", f"${found.monthly:,.2f}", style="bold")
    return table


def _sentences(found: Estimate) -> list[str]:
    """What is to be said beside the table."""
    together = next(line.once for line in found.lines if line.what.startswith("Functions"))
    by_itself = f"If each picture came by itself, the functions would cost ${found.alone:,.2f}"
    lines = [f"{by_itself} instead of ${together:,.2f}."]
    for line in found.dearest():
        told = f"{line.what}: ${line.once + line.monthly:,.2f} in the first month."
        lines.append(f"{told} Less by: {line.lower}." if line.lower else told)
    predictions = f"{found.pictures:,} predictions, without keeping the pictures"
    lines.append(f"Custom Vision asks ${found.custom_vision:,.2f} for {predictions}.")
    whose = f"Prices: {safe(found.region)}, written down on {safe(found.prices_of)}"
    lines.append(f"{whose}. Not Azure's word; docs/cost.md says where each comes from.")
    return lines


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount else ""
