"""The event of what a restore has written asks for nothing; whatever else asks is done."""

from imagestore.pipeline.restored import MARK, mark, restored_from, unmarked


def test_a_mark_counts_for_the_name_it_was_made_for() -> None:
    marked = {"theirs": "1", **mark("a.jpg", "20261129T194500Z-0a1b2c")}
    assert restored_from("a.jpg", marked) == "20261129T194500Z-0a1b2c"
    assert restored_from("copy of a.jpg", marked) is None
    assert restored_from("a.jpg", {}) is None
    assert restored_from("a.jpg", {MARK: "nonsense"}) is None
    assert unmarked(marked) == {"theirs": "1"}
