"""Builds what is deployed: `python infra/package.py` writes dist/function, dist/web and dist/jobs, each a folder that
runs alone.

A folder holds the code that its process imports, the shipped model, and a requirements.txt of its own; Azure installs
the requirements from it. Nothing else is in there: no tests, no command line, no local stand-ins, and no training but
in that of the runner of jobs.
"""

import argparse
import fcntl
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
_LEFT_OUT = shutil.ignore_patterns("py.typed", "__pycache__", "*.pyc", "requirements.txt")
_CORE = (
    "imagestore/*.py",
    "imagestore/settings",
    "imagestore/store",
    "imagestore/telemetry",
    "imagestore/pipeline",
    "preprocess",
    "classify",
    "model/default/model.onnx",
)
_TRAINING = ("model/default", "model/training", "model/evaluation", "model/custom_vision")


@dataclass(frozen=True)
class Package:
    """What one service consists of: files and folders as patterns below the project's root, and its requirements."""

    contents: tuple[str, ...]
    requirements: tuple[str, ...]


PACKAGES = {
    "function": Package(("function_app.py", "host.json", *_CORE), ("requirements.txt",)),
    "web": Package(
        (
            "imagestore/web",
            "imagestore/accounts",
            "imagestore/jobs",
            "imagestore/webhooks",
            "imagestore/performance",
            "imagestore/plots",
            "model/default/figures.json",
            *_CORE,
        ),
        ("requirements.txt", "imagestore/web/requirements.txt"),
    ),
    "jobs": Package(
        ("imagestore/jobs", "imagestore/webhooks", "imagestore/plots", "model/*.py", *_TRAINING, *_CORE),
        ("requirements.txt", "model/requirements.txt"),
    ),
}


def build(name: str, to: Path) -> Path:
    """Make the folder `to` hold the package called `name` (a key of PACKAGES) and nothing else; the folder.

    It is built beside it and put in place whole. A folder that holds this package already is left as it is: azd may be
    copying it, since it runs this more than once.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    with (to.parent / f".{to.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with tempfile.TemporaryDirectory(prefix=f".{to.name}-", dir=to.parent) as beside:
            made = Path(beside) / "new"
            _write(PACKAGES[name], made)
            if not to.exists() or _contents(to) != _contents(made):
                if to.exists():
                    to.rename(Path(beside) / "old")
                made.rename(to)
    return to


def _contents(folder: Path) -> dict[str, bytes]:
    """Each file below a folder, but for what Python and azd put beside them: caches and virtual environments."""
    environments = {path.parent for path in folder.rglob("pyvenv.cfg")}
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and environments.isdisjoint(path.parents)
    }


def _write(package: Package, to: Path) -> None:
    to.mkdir()
    for pattern in package.contents:
        for source in sorted(ROOT.glob(pattern)):
            target = to / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=_LEFT_OUT)
            else:
                shutil.copy2(source, target)
    lines = [line for file in package.requirements for line in (ROOT / file).read_text("utf-8").splitlines()]
    (to / "requirements.txt").write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    """Build all of them, and say how large each is."""
    parser = argparse.ArgumentParser(description="Build what is deployed to Azure.")
    parser.add_argument("--to", type=Path, default=DIST, help="the folder that gets one folder for each package")
    arguments = parser.parse_args()
    for name in PACKAGES:
        folder = build(name, arguments.to / name)
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        print(f"{folder}: {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
