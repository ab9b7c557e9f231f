"""What a spreadsheet opens runs nothing, and says all that was there."""

import csv
import io

import pytest

from imagestore.web.api.tables import cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])
def test_a_cell_that_would_be_run_is_text(text: str) -> None:
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (0.5, "0.5"), (-0.5, "-0.5"), (0, "0"), ("tabby cat", "tabby cat"), ({"a": 1}, '{"a":1}')],
)
def test_values_are_as_they_are(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_commas_and_quotes_stay_in_their_cell() -> None:
    written = io.StringIO()
    csv.writer(written).writerow([cell('a, "b"')])
    assert next(csv.reader(io.StringIO(written.getvalue()))) == ['a, "b"']
