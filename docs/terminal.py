"""Draws docs/terminal.svg, the picture in the README, from what a running stack holds: `python docs/terminal.py`."""

from pathlib import Path

from rich.console import Console

from cli import stores
from cli.output import row, table

console = Console(record=True, width=100)
shown = table()
for record in reversed(stores.opened().records.find(limit=20)):
    shown.add_row(*row(record))
console.print("$ make run\n  ✓ Blob Storage   ✓ Cosmos DB   ✓ Functions host   ✓ Event Grid\n", highlight=False)
console.print(shown)
(Path(__file__).parent / "terminal.svg").write_text(console.export_svg(title="Intelligent Storage"), "utf-8")
