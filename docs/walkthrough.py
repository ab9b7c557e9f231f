"""Runs the walk-through notebook and keeps what it shows: `python docs/walkthrough.py [--to FILE]`."""

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parent / "walkthrough.ipynb"


def run(notebook: nbformat.NotebookNode) -> None:
    """Run all cells in order, in place. CellExecutionError names the first that fails."""
    quiet = ["--log-level=ERROR"]
    client = NotebookClient(notebook, timeout=1500, kernel_name="python3", record_timing=False, extra_arguments=quiet)
    client.execute(cwd=str(NOTEBOOK.parent))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=NOTEBOOK, help="where the notebook goes, with what it shows")
    to = parser.parse_args().to
    notebook = nbformat.reads(NOTEBOOK.read_text("utf-8"), as_version=4)
    run(notebook)
    to.write_text(nbformat.writes(notebook) + "\n", "utf-8")
    print(f"{to} holds the notebook and what it shows.")


if __name__ == "__main__":
    main()
