"""Makes a folder of labelled pictures of a Debian package, to measure on: `python -m bench.sets stamps FOLDER`.

`stamps` are those of Tux Paint (tuxpaint-stamps-default): cut-outs and drawings, of which the label is the folder.
`photographs` are those of GCompris (gcompris-qt-data). `drawings` are those of words of eduActiv8 (pysiogame), of which
the label is the folder. `fashion` are the first 2,000 training pictures of Fashion-MNIST (dataset-fashion-mnist), or
`--count` of them. None of them is part of this project.
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path

from bench.fashion import labelled, load
from bench.gcompris import photographs
from imagestore.errors import BadTrainingData

STAMPS = Path("/usr/share/tuxpaint/stamps")
DRAWINGS = Path("/usr/share/games/pysiogame/res/images/art4apps")
_FEWEST = 12
_LEFT_OUT = ("symbols",)
"""Letters and coins, each nearly like the next."""
KINDS = ("animals", "fishes", "music", "others", "renewable", "tools")
_OF_OTHER_FOLDERS = "monuments"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.sets", description=__doc__)
    parser.add_argument("which", choices=("stamps", "photographs", "drawings", "fashion"))
    parser.add_argument("folder", type=Path, help="to make")
    parser.add_argument("--count", type=int, default=2000, help="of fashion: how many")
    arguments = parser.parse_args()
    if arguments.which == "fashion":
        made = fashion_mnist(arguments.folder, arguments.count)
    else:
        makers = {"stamps": stamps, "photographs": photographs_by_kind, "drawings": drawings}
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


def drawings(folder: Path, source: Path = DRAWINGS) -> dict[str, int]:
    """Write eduActiv8's drawings of words, and return how many each label has: its folder there. What lies in two of
    them is left out."""
    labels = defaultdict[bytes, set[str]](set)
    paths = sorted(source.glob("*/*.jpg"))
    for path in paths:
        labels[path.read_bytes()].add(path.parent.name)
    counts = defaultdict[str, int](int)
    for path in paths:
        if len(labels[data := path.read_bytes()]) == 1:
            _write(folder / path.parent.name / path.name, data)
            counts[path.parent.name] += 1
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
