"""Labels that are suggested while one types."""

from dataclasses import replace

from classify import ModelLabels, ModelRef
from imagestore.web.answers import Label
from imagestore.web.index.index import Index
from imagestore.web.index.suggestions import suggestions
from unit.web.records import picture, take_in

MODEL = ModelLabels(ModelRef("m", "1", "f" * 64), ("Rose", "tabby", "tapir"))


def test_labels_of_which_a_word_begins_so_the_most_used_first(index: Index) -> None:
    labels = ["tabby", "tabby", "tabby", "Rote Tanne", "Rote Tanne", "stable", "TAXI"]
    records = [picture(f"{number}.jpg", label) for number, label in enumerate(labels)]
    take_in(index, [*records, replace(picture("two.jpg", "stable"), labels=("stable", "taxi rank"))])
    index.remove(records[-1].id)
    assert suggestions(index, [MODEL], "tA", 10) == [
        Label("tabby", 3), Label("Rote Tanne", 2), Label("taxi rank", 1), Label("tapir", 0),
    ]  # fmt: skip
    assert suggestions(index, [MODEL], "tanne rot", 10) == [Label("Rote Tanne", 2)]
    assert suggestions(index, [MODEL], "ta", 2) == [Label("tabby", 3), Label("Rote Tanne", 2)]
    assert suggestions(index, [MODEL], " / ", 10) == []


def test_no_label_of_many_pictures_is_passed_over(index: Index) -> None:
    labels = [f"label {number}" for number in range(89)]
    take_in(index, [picture(f"{label} {copy}.jpg", label) for label in labels for copy in range(2)])
    for label in labels:
        assert Label(label, 2) in suggestions(index, [], f"{label}", 20)
