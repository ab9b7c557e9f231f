"""What is made from the settings: local.settings.example.json, and the table in docs/settings.md."""

import json
from dataclasses import MISSING, Field, fields
from typing import Any

from imagestore.settings.connections import AZURITE, CONNECTIONS, COSMOS_EMULATOR
from imagestore.settings.reading import Settings


def _rows() -> list[tuple[str, Any, str]]:
    def default(f: Field[Any]) -> Any:
        return "" if f.default is MISSING else f.default

    return [(f.name.upper(), default(f), f.metadata["meaning"]) for f in fields(Settings)]


def example() -> str:
    """The text of local.settings.example.json."""
    values = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": AZURITE,
        "IMAGES_STORAGE": AZURITE,
        "COSMOS": COSMOS_EMULATOR,
        **Settings().environment(),
    }
    return json.dumps({"IsEncrypted": False, "Values": values}, indent=2) + "\n"


def table() -> str:
    """The settings as a Markdown table."""
    lines = ["| Name | Default | Meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | | {meaning} |" for name, meaning in CONNECTIONS.items()]
    lines += [f"| `{name}` | `{value}` | {meaning} |" for name, value, meaning in _rows()]
    return "\n".join(lines) + "\n"
