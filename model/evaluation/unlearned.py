"""Test pictures that a model of another project, with labelled pictures of its own, can be tested on too."""

from collections.abc import Collection

import numpy as np

from model.training.split import Split, resembling
from model.training.training_set import Chosen


def unlearned(part: Chosen, learned: Collection[str], there: Split, here: Split) -> Chosen:
    """The pictures of this part that are, and look like, none of those that a model learned from elsewhere.

    `learned` are the SHA-256 of these, and `there` is the split that remembers them. What looks alike is decided as it
    was `here`, where the part was set aside. A group goes as a whole.
    """
    if not learned or not part.examples:
        return part
    similarity = here.chosen_similarity() or there.chosen_similarity()
    like = resembling(part.examples, set(learned), there.recall, similarity)
    kept = np.flatnonzero(~np.isin(part.groups, part.groups[sorted(like)]))
    return Chosen([part.examples[i] for i in kept], part.groups[kept])
