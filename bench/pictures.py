"""A folder of labelled pictures with their groups and features, for what is measured on them."""

from pathlib import Path

import numpy as np

from model.progress import BeginStage
from model.training.backbones import net_of
from model.training.examples import Example, in_folder, read
from model.training.features import Backbone, Views, extract
from model.training.grouping import grouped, with_looks
from model.training.kept_arrays import KeptArrays
from model.training.recipe import Recipe
from preprocess import Limits


class Pictures:
    """The examples, their labels and their group numbers int [n]; `kept` is what was computed of them."""

    def __init__(self, folder: Path, begin: BeginStage) -> None:
        self.kept, self.limits, self.begin = KeptArrays(), Limits(), begin
        sources = in_folder(folder).pictures
        found = read(sources, self.limits, begin("Reading", len(sources)), self.kept).good
        self.examples, similarity = with_looks(found, self.limits, begin, self.kept)
        self.groups = grouped(self.examples, similarity).groups
        self.labels = np.array([example.label for example in self.examples])

    def features(self, recipe: Recipe, examples: list[Example] | None = None) -> np.ndarray:
        """Features float32 [n, 1 + views, width] of these examples, or of all."""
        examples = self.examples if examples is None else examples
        net, begun = net_of(recipe), self.begin(recipe.sentence(), len(examples))
        backbone, views = Backbone(net.graph, net.spec), Views(recipe.views)
        return extract(backbone, examples, views, self.limits, 1, begun, self.kept)

    def part(self, share: float, chance: np.random.Generator) -> np.ndarray:
        """Which pictures are in a random part, bool [n]: the same share of each label's groups."""
        groups, first = np.unique(self.groups, return_index=True)
        chosen: list[int] = []
        for label in np.unique(self.labels):
            own = chance.permutation(groups[self.labels[first] == label])
            chosen += own[: round(share * len(own))].tolist()
        return np.isin(self.groups, chosen)

    def sentence(self) -> str:
        """How many there are."""
        return f"{len(self.examples)} pictures in {len(np.unique(self.groups))} groups"
