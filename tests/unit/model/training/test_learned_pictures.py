"""Of what a version learned from, the vectors of some pictures are kept."""

from collections import Counter

import numpy as np

from imagestore.store.learned import MOST, Learned
from model.training.learned_pictures import learned_pictures
from unit.model.labelled_pictures import examples_of, labelled, scene
from unit.pictures import encoded


def test_all_are_kept_with_their_labels_where_they_are_few() -> None:
    examples = examples_of([labelled(f"l{s % 2}", str(s), encoded(scene(s))) for s in range(6)])
    features = np.random.default_rng(0).exponential(1, (6, 16)).astype(np.float32)
    features[3] = 0
    found = learned_pictures(examples, features, np.zeros(6, int), "b" * 64)
    assert found.backbone == "b" * 64
    assert [one.sha256 for one in found.pictures] == [e.sha256 for i, e in enumerate(examples) if i != 3]
    assert found.pictures[1].labels == ("l1",)
    assert len(found.pictures[0].codes) == 16
    assert MOST * (16 * 80 * 4 / 3 + 150) < 6_000_000, "a version's file stays small"


def test_of_many_one_of_each_group_is_kept_and_rare_labels_all() -> None:
    names = ["rare" if s in (3, 17) else "often" for s in range(24)]
    examples = examples_of([labelled(name, str(s), encoded(scene(s))) for s, name in enumerate(names)])
    features = np.random.default_rng(0).exponential(1, (24, 8)).astype(np.float32)
    groups = np.array([s // 2 if s < 16 and s not in (2, 3) else 100 + s for s in range(24)])
    found = learned_pictures(examples, features, groups, "b" * 64, most=8)
    assert found == learned_pictures(examples, features, groups, "b" * 64, most=8)
    assert Counter(one.labels for one in found.pictures) == {("often",): 6, ("rare",): 2}
    kept = [next(i for i, e in enumerate(examples) if e.sha256 == one.sha256) for one in found.pictures]
    assert len(set(groups[kept])) == 8
    assert isinstance(found, Learned)
