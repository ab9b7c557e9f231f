"""Draws docs/terminal.svg, the picture in the README, from what a running stack holds: `python docs/terminal.py`."""

import re
from pathlib import Path

from rich.console import Console

from imagestore.cli import stores
from imagestore.cli.output import row, table

console = Console(record=True, width=100)
shown = table()
for record in reversed(stores.opened().records.find(limit=20)):
    shown.add_row(*row(record))
console.print("$ make run\n  ✓ Blob Storage   ✓ Cosmos DB   ✓ Functions host   ✓ Event Grid\n", highlight=False)
console.print(shown)
svg = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="Intelligent Storage"), flags=re.DOTALL)
(Path(__file__).parent / "terminal.svg").write_text(svg, "utf-8")
