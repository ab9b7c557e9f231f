"""What the search box finds."""

from dataclasses import replace
from typing import Any

import pytest

from classify import Score
from imagestore.record import Correction, Record
from imagestore.web.index.counting import counts
from imagestore.web.index.index import Index
from imagestore.web.index.queries import Filter, Sort, list_records
from imagestore.web.index.words import question
from preprocess import ImageInfo
from unit.web.records import picture, rejected, take_in


def guessing(name: str, *labels: str, corrected: str | None = None) -> Record:
    """A picture of which the model is not sure; the first label is its likeliest."""
    record = picture(name, labels[0], 0.2)
    assert record.prediction is not None
    top = tuple(Score(label, 0.2 - number / 100) for number, label in enumerate(labels))
    correction = corrected and Correction(corrected, "maria", "2026-11-21T09:00:00.000Z")
    return replace(record, prediction=replace(record.prediction, top=top), correction=correction or None).finished(
        record.uploaded_at or ""
    )


def with_camera(name: str, taken_at: str, **metadata: Any) -> Record:
    image = ImageInfo("TIFF", 640, 480, "RGB", taken_at=taken_at, metadata=metadata)
    return replace(picture(name, "bench"), image=image)


RECORDS = {
    record.name: record
    for record in (
        picture("garden/IMG_0412.jpg", "Tabby", at="2026-03-07T09:00:00.000Z"),
        picture("Straße/Küche.jpg", "tiger cat"),
        picture("東京/花園.jpg", "rose"),
        guessing("not sure.jpg", "lynx", "tabby", "puma", "ocelot", "jaguar"),
        guessing("told.jpg", "lynx", "tabby", corrected="boar"),
        with_camera("scan.tif", "2019-12-24T18:00:00", Make="Canon", Model="EOS R5", GPSLatitude="Reykjavik"),
        rejected("broken tabby.jpg"),
    )
}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("TAB", ["garden/IMG_0412.jpg", "not sure.jpg", "broken tabby.jpg"]),
        ("tabby img", ["garden/IMG_0412.jpg"]),
        ("img_04", ["garden/IMG_0412.jpg"]),
        ("IMG0412", ["garden/IMG_0412.jpg"]),
        ("img_12", []),
        ("garden/img", ["garden/IMG_0412.jpg"]),
        ("img/garden", []),
        ("kuche", ["Straße/Küche.jpg"]),
        ("cat", ["Straße/Küche.jpg"]),
        ('"tiger cat"', ["Straße/Küche.jpg"]),
        ('"tiger ca"', []),
        ("園", ["東京/花園.jpg"]),
        ("puma", ["not sure.jpg"]),
        ("jaguar", []),
        ("lynx", ["not sure.jpg"]),
        ("boar", ["told.jpg"]),
        ("2026-03", ["garden/IMG_0412.jpg"]),
        ("march 2026", ["garden/IMG_0412.jpg"]),
        ("2019-12-24", ["scan.tif"]),
        ("canon r5 tiff", ["scan.tif"]),
        ("reykjavik", []),
        ("%", []),
        ('"', []),
        ("NEAR(a b) OR name:x", []),
    ],
)
def test_what_is_found(index: Index, text: str, names: list[str]) -> None:
    take_in(index, RECORDS.values())
    wanted = Filter(text=text)
    assert sorted(one.name for one in list_records(index, wanted, Sort.NEWEST, 50).items) == sorted(names)
    assert counts(index, wanted).total == len(names)


def test_where_a_picture_was_taken_is_not_searched_for(index: Index) -> None:
    take_in(index, RECORDS.values())
    assert index.query("SELECT 1 FROM words WHERE words MATCH 'reykjavik'") == []


def test_what_a_picture_was_called_before_is_not_found_any_more(index: Index) -> None:
    take_in(index, [picture("a.jpg", "tabby")])
    take_in(index, [picture("a.jpg", "rose")])
    assert counts(index, Filter(text="tabby")).total == 0
    assert counts(index, Filter(text="rose")).total == 1
    index.remove(picture("a.jpg").id)
    assert index.query("SELECT 1 FROM words WHERE words MATCH 'rose'") == []


def test_a_frequent_text_is_found_as_a_rare_one_is(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(index, [picture(f"{number}/IMG.jpg", "tabby" if number % 3 else "rose") for number in range(60)])
    found = [counts(index, Filter(text="tab")), list_records(index, Filter(text="tab"), Sort.NAME, 7).items]
    monkeypatch.setattr("imagestore.web.index.queries._RARE", 5)
    assert [counts(index, Filter(text="tab")), list_records(index, Filter(text="tab"), Sort.NAME, 7).items] == found
    assert counts(index, Filter(text="tab")).labels == {"tabby": 40}


def test_a_question_of_endless_words_is_cut() -> None:
    asked = question("a " * 1000)
    assert asked is not None
    assert asked.count("AND") == 19
