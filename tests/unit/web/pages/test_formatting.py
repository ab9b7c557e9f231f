"""How records read to a person."""

from dataclasses import replace

from imagestore.proportion import percent
from imagestore.record import Status
from imagestore.web.pages import formatting
from preprocess import ImageInfo, PictureError, Reason
from preprocess.formats import recognise
from unit.web.records import picture, rejected


def test_every_reason_and_status_has_words() -> None:
    assert set(formatting.REASONS) == set(Reason)
    assert set(formatting.STATUSES) == set(Status)
    for reason in Reason:
        assert formatting.caption(rejected("a", reason)), reason


def test_a_status_is_called_as_everywhere_else() -> None:
    assert {status: text.lower() for status, text in formatting.STATUSES.items()} == {s: str(s) for s in Status}


def test_headlines() -> None:
    assert formatting.headline(picture("a", "rose", 0.9)) == "rose"
    assert formatting.headline(picture("a", "rose", 0.2)) == "rose?"
    assert formatting.headline(rejected("a", "empty")) == "The file is empty"
    assert formatting.headline(rejected("a", "Unavailable")) == "A service failed (Unavailable)"
    assert formatting.headline(replace(picture("a"), prediction=None, label=None)) == "Unknown"


def test_the_captions_of_rejected_pictures_differ_where_their_causes_do() -> None:
    captions = []
    for data in (b"%PDF-1.7", b"<svg/>", b"8BPS"):
        try:
            recognise(data)
        except PictureError as error:
            captions.append(formatting.caption(rejected("a", error.reason, error.detail)))
    assert captions == ["A PDF document", "An SVG drawing", "A Photoshop document"]
    assert formatting.caption(rejected("a", "truncated")) == "Ends too early"
    assert formatting.caption(rejected("a", "Unavailable")) == "Failed (Unavailable)"
    corrected = replace(rejected("a", "truncated"), label="rose")
    assert formatting.caption(corrected) == "rose"
    assert formatting.caption(picture("a", "rose", 0.9)) == "rose"


def test_a_picture_on_its_side_is_as_wide_as_one_sees_it() -> None:
    shown = [formatting.as_seen(ImageInfo("JPEG", 4032, 3024, "RGB", orientation=turn)) for turn in range(1, 9)]
    assert shown == ["4032 × 3024"] * 4 + ["3024 × 4032"] * 4


def test_shares() -> None:
    assert [percent(share) for share in (0, 0.004, 0.834, 0.999, 1)] == ["0 %", "0 %", "83 %", "99 %", "100 %"]


def test_lengths_of_time() -> None:
    said = [formatting.duration(seconds) for seconds in (0, 99, 100, 3540, 3600, 7500)]
    assert said == ["0 s", "99 s", "2 min", "59 min", "1 h", "2 h 5 min"]


def test_amounts_of_dollars() -> None:
    assert [formatting.dollars(amount) for amount in (0, 0.001, 0.005, 1234.5)] == [
        "$0.00",
        "< $0.01",
        "$0.01",
        "$1,234.50",
    ]
