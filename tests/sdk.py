"""Libraries of Microsoft's whose demands differ from ours, each in a virtual environment of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

from imagestore.settings import ROOT


def python_with(requirements: Path, name: str) -> Path:
    """An interpreter with these requirements, kept between runs as long as they stay the same."""
    folder = ROOT / ".cache" / name
    found, complete, wanted = folder / "bin" / "python", folder / "complete", requirements.read_text("utf-8")
    if not complete.exists() or complete.read_text("utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        command: list[str | Path] = [
            found,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
        ]
        subprocess.run([*command, "-r", requirements], check=True)
        complete.write_text(wanted, "utf-8")
    return found
