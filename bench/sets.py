"""Makes a folder of labelled pictures of a Debian package, to measure on: `python -m bench.sets stamps FOLDER`.

`stamps` are those of Tux Paint (tuxpaint-stamps-default): cut-outs and drawings, of which the label is the folder.
`photographs` are those of GCompris (gcompris-qt-data). `fashion` are the first 2,000 training pictures of Fashion-MNIST
(dataset-fashion-mnist). None of them is part of this project.
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path

from bench.fashion import labelled, load
from bench.gcompris import photographs
from imagestore.errors import BadTrainingData

STAMPS = Path("/usr/share/tuxpaint/stamps")
_FEWEST = 12
_LEFT_OUT = ("symbols",)
"""Letters and coins, each nearly like the next."""
KINDS = ("animals", "fishes", "music", "others", "renewable", "tools")
_OF_OTHER_FOLDERS = "monuments"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.sets", description=__doc__)
    parser.add_argument("which", choices=("stamps", "photographs", "fashion"))
    parser.add_argument("folder", type=Path, help="to make")
    arguments = parser.parse_args()
    makers = {"stamps": stamps, "photographs": photographs_by_kind, "fashion": fashion_mnist}
    made = makers[arguments.which](arguments.folder)
    print(", ".join(f"{label} {count}" for label, count in sorted(made.items())))


def stamps(folder: Path, source: Path = STAMPS) -> dict[str, int]:
    """Write the stamps that are pictures of pixels and no mirror images, and return how many each label has; labels
    with fewer than _FEWEST are left out."""
    found = defaultdict[str, list[Path]](list)
    for path in sorted(source.rglob("*.png")):
        if not path.stem.endswith("_mirror"):
            found[path.relative_to(source).parts[0]].append(path)
    kept = {label: paths for label, paths in found.items() if len(paths) >= _FEWEST and label not in _LEFT_OUT}
    for label, paths in kept.items():
        for path in paths:
            _write(folder / label / "_".join(path.relative_to(source).parts[1:]), path.read_bytes())
    return {label: len(paths) for label, paths in kept.items()}


def photographs_by_kind(folder: Path) -> dict[str, int]:
    """Write GCompris's photographs, and return how many each label has: its folder there, or monuments, which lie in
    folders by country."""
    counts = defaultdict[str, int](int)
    for name, data, _ in photographs():
        kind = name.split("/")[0]
        label = kind if kind in KINDS else _OF_OTHER_FOLDERS
        _write(folder / label / name.replace("/", "_"), data)
        counts[label] += 1
    return counts


def fashion_mnist(folder: Path, count: int = 2000) -> dict[str, int]:
    """Write the first training pictures, and return how many each label has."""
    pictures, classes = load("train")
    counts = Counter[str]()
    for source in labelled(pictures[:count], classes[:count]):
        _write(folder / source.name, source.read())
        counts[source.label] += 1
    return counts


def _write(path: Path, data: bytes) -> None:
    if path.exists():
        raise BadTrainingData(f"{path} is there already; name a folder that is not.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    main()
