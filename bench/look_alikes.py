"""How surely altered copies of a picture are recognised: `python -m bench.look_alikes FOLDER`.

FOLDER has a subfolder of pictures for each label. Some of them are altered as people alter them, and each copy is
compared with all pictures as training compares them. docs/model.md has the figures.
"""

import argparse
import io
import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance
from rich.console import Console
from rich.table import Table

from imagestore.cli.stages import stages
from imagestore.proportion import percent
from model.training import look_alikes, near_duplicates
from model.training.backbones import net_of
from model.training.examples import Example, Labelled, in_folder, read
from model.training.features import Backbone, Views, extract
from model.training.grouping import alike, grouped, with_looks
from model.training.kept_arrays import KeptArrays
from model.training.recipe import Recipe
from preprocess import Limits, rendition

_SIDE = 640


def copies(picture: Image.Image) -> dict[str, Image.Image]:
    """The altered copies of a picture, by what was done."""
    width, height = picture.size

    def cut(left: float, top: float, right: float, bottom: float) -> Image.Image:
        return picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))

    def turned(degrees: float) -> Image.Image:
        return picture.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=picture.getpixel((0, 0)))

    return {
        "cropped by 4 % on each side": cut(0.04, 0.04, 0.96, 0.96),
        "shifted by 4 %": cut(0.04, 0, 1, 0.96),
        "turned by 3°": turned(3),
        "turned by −5°": turned(-5),
        "a quarter turn": picture.transpose(Image.Transpose.ROTATE_90),
        "a quarter turn, cropped by 4 %": cut(0.04, 0.04, 0.96, 0.96).transpose(Image.Transpose.ROTATE_90),
        "mirrored, cropped by 4 %": cut(0.04, 0.04, 0.96, 0.96).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "a quarter turn and 3° more, cropped": cut(0.04, 0.04, 0.96, 0.96)
        .rotate(3, Image.Resampling.BICUBIC, fillcolor=picture.getpixel((0, 0)))
        .transpose(Image.Transpose.ROTATE_270),
        "brightness × 1.3": ImageEnhance.Brightness(picture).enhance(1.3),
        "brightness / 1.3": ImageEnhance.Brightness(picture).enhance(1 / 1.3),
    }


def jpeg(picture: Image.Image) -> bytes:
    """The picture as a JPEG file."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


def _copied(examples: list[Example], what: str) -> list[Labelled]:
    def data(example: Example) -> bytes:
        return jpeg(copies(Image.fromarray(rendition(example.source.read(), _SIDE, Limits())))[what])

    return [Labelled(e.labels, f"{e.source.name} {what}", partial(data, e)) for e in examples]


def pairs_of(found: Iterator[near_duplicates.Pairs]) -> set[tuple[int, int]]:
    """All pairs that are found."""
    return {pair for i, j in found for pair in zip(i.tolist(), j.tolist(), strict=True)}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.look_alikes", description=__doc__)
    parser.add_argument("folder", type=Path, help="with a subfolder for each label")
    parser.add_argument("--copied", type=int, default=100, help="how many pictures are altered")
    arguments = parser.parse_args()
    console, limits, kept = Console(width=110), Limits(), KeptArrays()
    table = Table("copies", "recognised", "without turning", "without laying over", "by thumbnails alone")
    net = net_of(Recipe())
    with stages() as begin:
        sources = in_folder(arguments.folder).pictures
        found = read(sources, limits, begin("Reading", len(sources)), kept)
        examples, similarity = with_looks(found.good, limits, begin, kept)
        assert similarity is not None, "too few pictures"
        groups = grouped(examples, similarity).groups
        order = np.random.default_rng(1).permutation(len(examples))[: arguments.copied]
        some = [examples[i] for i in order]
        backbone = Backbone(net.graph, net.spec)
        for what in copies(Image.new("RGB", (8, 8))):
            altered = read(_copied(some, what), limits, begin(what, len(some)), kept).good
            begun = begin("Comparing", len(altered))
            looks = look_alikes.looks(extract(backbone, altered, Views(), limits, 0, begun, kept)[:, 0])
            seen = [replace(one, look=look) for one, look in zip(altered, looks, strict=True)]
            unturned = replace(similarity, turned=False)
            ways = (similarity, unturned, replace(unturned, lowest=None), None)
            own = list(enumerate(order.tolist()))
            found_by = [pairs_of(alike(seen, examples, way)) for way in ways]
            table.add_row(what, *(percent(float(np.mean([pair in pairs for pair in own])), 1) for pairs in found_by))
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    before = len(np.unique(grouped(examples, replace(similarity, turned=False)).groups))
    console.print(f"{len(examples)} pictures in {len(np.unique(groups))} groups, {before} without turning thumbnails.")
    console.print(similarity.sentence())
    console.print(table)


if __name__ == "__main__":
    main()
