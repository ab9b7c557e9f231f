"""Writes the table of who may use which route into docs/security.md: `python -m imagestore.web.guards.access_table`."""

from imagestore.accounts.roles import Role
from imagestore.settings import ROOT
from imagestore.web.rules import TABLE, Need, Open

PAGE = ROOT / "docs" / "security.md"
BEGIN = "<!-- made by python -m imagestore.web.guards.access_table -->\n"
END = "<!-- end of the table -->\n"
_SAID: dict[Need, str] = {
    Open.ANYONE: "Anyone",
    Open.SIGNED_IN: "Whoever has signed in or has a key",
    Role.VIEWER: "Viewers",
    Role.CONTRIBUTOR: "Contributors",
    Role.TRAINER: "Trainers",
    Role.ADMIN: "Administrators",
}


def table() -> str:
    """The table in Markdown: a row for each need, with its pages and operations."""
    lines = ["| Who | May ask for |", "|---|---|"]
    for need, said in _SAID.items():
        routes = ", ".join(f"`{route}`" for route, needed in TABLE.items() if needed is need)
        lines.append(f"| {said} | {routes} |")
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """The page with the table in its place."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
