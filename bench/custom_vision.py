"""How near models that Custom Vision exported come here to what its sample gives: `python -m bench.custom_vision`.

For exports of each kind, with random weights, and drawn pictures (tests/unit/model/custom_vision_exports.py): how often
the first label is the same, and how far a probability is off at the most; once with pictures decoded as
for such models, and once as for others.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from classify import read_model
from imagestore.settings import ROOT
from model.custom_vision.graph import Wanted, model_file
from preprocess import Fit, ImageSpec, Limits
from preprocess.preprocess import read_upright
from preprocess.transform import fit, smallest_useful_side

sys.path.insert(0, str(ROOT / "tests"))
from unit.model.custom_vision_exports import LABELS, Kind, Sample, graph, picture_files

SIDE = 224
SPEC = ImageSpec(SIDE, SIDE, 3, 1.0, Fit.STRETCH, plain=True)


def compared(kind: Kind, files: Sequence[bytes], pixels: Sequence[np.ndarray]) -> tuple[int, float]:
    """Of how many pictures the first label is the same, and how far a probability is off at the most."""
    exported = graph(kind)
    sample = Sample(exported)
    model = read_model(model_file(exported, Wanted("it", "1", LABELS), "it"), "it")
    same, farthest = 0, 0.0
    for data, one in zip(files, pixels, strict=True):
        said = sample.predict(data)
        theirs = np.array([said[label] for label in model.labels])
        ours = model.answer(one).probabilities
        same += int(ours.argmax() == theirs.argmax())
        farthest = max(farthest, float(np.abs(ours - theirs).max()))
    return same, farthest


def main() -> None:
    """Measure, and show a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=500)
    count = parser.parse_args().pictures
    files = picture_files(count)
    ways = {}
    for name, side, plain in (("decoding=plain", smallest_useful_side(SPEC), True), ("decoding=usual", SIDE, False)):
        started = time.perf_counter()
        ways[name] = [fit(read_upright(data, 3, side, Limits(), plain=plain)[1], SPEC) for data in files]
        ways[f"{name}, {(time.perf_counter() - started) / count * 1e3:.0f} ms a picture"] = ways.pop(name)
    table = Table("export", *ways, title=f"{count} pictures: the same first label; farthest probability")
    for pixels, levels, maps, several in itertools.product(
        ("Bgr8", "Rgb8"), ("NominalRange_0_255", "Normalized_0_1"), (False, True), (False, True)
    ):
        kind = Kind(pixels, levels, maps, several, side=SIDE)
        called = f"{pixels}, {levels}, {'maps' if maps else 'tensor'}, {'several labels' if several else 'one label'}"
        found = [compared(kind, files, way) for way in ways.values()]
        table.add_row(called, *(f"{same / count:.1%}; {farthest:.4f}" for same, farthest in found))
    Console().print(table)


if __name__ == "__main__":
    main()
