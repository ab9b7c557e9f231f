"""Whether colour is worth it."""

import numpy as np
from PIL import Image

from model.training.colour import compare_colours
from model.training.split import Split
from model.training.train import prepare
from preprocess import Limits
from unit.model.labelled_pictures import examples_of, labelled, quiet, scene
from unit.pictures import encoded


def test_what_colour_is_worth_is_said_where_there_is_any() -> None:
    """Two classes that differ in nothing but their hue, at the same brightness."""

    def tinted(seed: int) -> bytes:
        gray = np.asarray(scene(seed).convert("L")).astype(float) * 0.5 + 60
        tint = (40, -20, 0) if seed % 2 else (-40, 20, 0)  # 0.299 · 40 = 0.587 · 20: the same to the eye in gray
        return encoded(Image.fromarray(np.clip(gray[..., None] + tint, 0, 255).astype(np.uint8)))

    sources = [labelled(f"l{s % 2}", str(s), tinted(s)) for s in range(60)]
    prepared = prepare(sources, Split(), Limits(), quiet)
    learning, groups = prepared.part(test=False), prepared.groups(test=False)
    found = compare_colours(learning, groups, 1, Limits(), quiet)
    assert found is not None
    assert found.low > 0, found
    assert found.colour >= 0.9 > 0.75 > found.gray
    assert "Colour helps" in found.sentence()
    gray = [labelled(f"l{s % 2}", str(s), encoded(scene(s).convert("L"), "JPEG")) for s in range(12)]
    assert compare_colours(examples_of(gray), np.arange(12), 1, Limits(), quiet) is None
