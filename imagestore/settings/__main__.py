"""Writes local.settings.example.json and the table in docs/settings.md: `python -m imagestore.settings`."""

from imagestore.settings.kinds import ROOT
from imagestore.settings.reference import example, table

(ROOT / "local.settings.example.json").write_text(example(), "utf-8")
page = ROOT / "docs" / "settings.md"
head = page.read_text("utf-8").split("| Name |")[0] if page.exists() else "# Settings\n\n"
page.write_text(head + table(), "utf-8")
