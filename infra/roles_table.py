"""Writes the table of roles in docs/azure.md from imagestore/store/roles.json: `python infra/roles_table.py`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROLES = ROOT / "imagestore" / "store" / "roles.json"
PAGE = ROOT / "docs" / "azure.md"
BEGIN, END = "<!-- roles: python infra/roles_table.py -->\n", "<!-- end of roles -->\n"

WHO = {
    "function": "Function app",
    "topic": "Event Grid topic",
    "web": "Web app, its slot `staging`",
    "jobs": "Runner of jobs",
    "cluster": "Each of `clusters`",
    "operator": "You, who deploy",
    "uploader": "Each of `uploaders`",
}
"""What the principals in roles.json are called in the docs, in the order of the table."""
_WHERE = {
    "host": "the host's storage account",
    "container": "container",
    "queue": "queue",
    "vault": "Key Vault",
    "secret": "secret",
    "insights": "Application Insights",
    "cosmos": "Cosmos DB",
}


@dataclass(frozen=True)
class Grant:
    """One row: who has which role, on what kind of thing (a key of roles.json) and which of them, and why."""

    kind: str
    who: str
    role: str
    why: str
    on: str = ""
    only: tuple[str, ...] = ()


def grants(text: str) -> Iterator[Grant]:
    """The rows of roles.json."""
    for kind, rows in json.loads(text).items():
        for row in rows:
            yield Grant(kind, **{**row, "only": tuple(row.get("only", ()))})


def table(text: str) -> str:
    """The rows of roles.json as a Markdown table; rows that differ in their container or queue alone are one."""
    places: dict[tuple[str, str, str, str], list[str]] = {}
    for grant in grants(text):
        role = grant.role + (f", changes of {_names(grant.only)} alone" if grant.only else "")
        places.setdefault((grant.who, grant.kind, role, grant.why), []).append(grant.on)
    lines = ["| Who | Role | On | Why |", "|---|---|---|---|"]
    for (who, kind, role, why), on in sorted(places.items(), key=lambda item: list(WHO).index(item[0][0])):
        lines.append(f"| {WHO[who]} | {role} | {_place(kind, on)} | {why} |")
    return "\n".join(lines) + "\n"


def _place(kind: str, on: list[str]) -> str:
    names = _names(name for name in on if name)
    return f"{_WHERE[kind]} {names}".strip() if names else f"{_WHERE[kind]}{' account' if kind == 'cosmos' else ''}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def written(page: str, text: str) -> str:
    """The page with the table of roles.json's text in its place."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + table(text) + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8"), ROLES.read_text("utf-8")), "utf-8")
