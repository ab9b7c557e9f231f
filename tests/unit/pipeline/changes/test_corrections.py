"""Rows of corrections: what is read of them, and what each that is wrong is told."""

import pytest

from imagestore.errors import NotCorrections
from imagestore.pipeline.changes.bulk import NOT_THERE, BulkChanges
from imagestore.pipeline.changes.corrections import CorrectedRow, Row, RowStatus, corrections_of, read_csv, told
from imagestore.pipeline.changes.documents import OnePicture
from imagestore.record import record_id
from unit.pipeline.bulk_pictures import done, filled

CAT, DOG = record_id("cat.jpg"), record_id("dog.jpg")


def refused(*rows: Row) -> list[tuple[int, str]]:
    return [(row.row, row.why) for row in corrections_of(rows).rows if row.status is RowStatus.REFUSED]


def test_a_csv_file_says_which_picture_shows_what() -> None:
    data = '\ufeffname,label\r\ncat.jpg,tabby\r\n\r\n"a, ""b"".jpg"," wild cat "\r\n'.encode()
    assert list(read_csv(data)) == [Row(2, "cat.jpg", "", ["tabby"]), Row(4, 'a, "b".jpg', "", [" wild cat "])]
    found = corrections_of(read_csv(data))
    assert [(one.name, one.wanted) for one in found.wanted] == [("cat.jpg", ("tabby",)), ('a, "b".jpg', ("wild cat",))]


def test_other_columns_are_not_read_and_several_labels_are_several_columns() -> None:
    data = f"status, Label ,id,label\nunknown,a,{CAT},b\nunknown,a,{DOG},\n".encode()
    assert [row.labels for row in read_csv(data)] == [["a", "b"], ["a"]]
    assert [one.id for one in corrections_of(read_csv(data)).wanted] == [CAT, DOG]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    rows = list(read_csv(b'name,label\n"two\nlines.jpg",a\ncat.jpg,"b\nc"\ndog.jpg,d\n'))
    assert [row.row for row in rows] == [2, 4, 6]
    assert refused(*rows)[0][0] == 4
    assert "none that controls or turns text" in refused(*rows)[0][1]


def test_what_looks_like_a_formula_is_text_with_or_without_the_exports_apostrophe() -> None:
    data = b"name,label\n=1+1.jpg,=cmd|'/c calc'!A0\n'=2+2.jpg,'@a\n'quoted.jpg,'b'\n"
    assert [(row.name, list(row.labels)) for row in read_csv(data)] == [
        ("=1+1.jpg", ["=cmd|'/c calc'!A0"]), ("=2+2.jpg", ["@a"]), ("'quoted.jpg", ["'b'"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "names its columns: name \\(or id\\) and label. This one has ''"),
        (b"\n\n", "names its columns"),
        (b"cat.jpg,tabby\n", "This one has 'cat.jpg, tabby'"),
        (b"name,labels\ncat.jpg,tabby\n", "names its columns"),
        (b"name;label\ncat.jpg;tabby\n", "This one has 'name;label'"),
        (b"name,label\ncat.jpg,a\n\xff\xfe.jpg,b\n", "not in UTF-8: see its line 3"),
        (b"name,label\r\x00".decode().encode("utf-16"), "not in UTF-8: see its line 1"),
        (b'name,label\ncat.jpg,a\n"open,b\nc,d\n', "cannot be read at line 3: unexpected end of data"),
        (b'name,label\ncat.jpg,a\n"x"y,b\n', "cannot be read at line 3: ',' expected after '\"'"),
        (b"name,label\n" + b"x" * 200_000 + b",a\n", "cannot be read at line 2: field larger than field limit"),
    ],
)
def test_what_is_no_such_file_is_refused_whole(data: bytes, said: str) -> None:
    with pytest.raises(NotCorrections, match=said):
        list(read_csv(data))


def test_each_row_that_is_wrong_is_named_and_the_others_are_taken() -> None:
    rows = [
        Row(2, "cat.jpg", "", ["tabby"]),
        Row(3, "cat.jpg", "", ["lynx"]),
        Row(4, "dog.jpg", CAT, ["dog"]),
        Row(5, "", "", ["dog"]),
        Row(6, "", "../../x", ["dog"]),
        Row(7, "dog.jpg", "", []),
        Row(8, "owl.jpg", "", ["unknown"]),
        Row(9, "x" * 2000, "", ["dog"]),
        Row(10, "\ud800.jpg", "", ["dog"]),
        Row(11, "elk.jpg", "", ["a" * 201]),
        Row(12, "fox.jpg", "", [f"label {number}" for number in range(101)]),
        Row(13, problem="It has 1 cells, and the first line 2."),
        Row(14, "folder\\bee.jpg", record_id("folder/bee.jpg"), ["bee", "bee "]),
    ]
    found = corrections_of(rows)
    assert [(one.id, one.name, one.wanted) for one in found.wanted] == [
        (CAT, "cat.jpg", ("tabby",)), (record_id("folder/bee.jpg"), "folder/bee.jpg", ("bee",)),
    ]  # fmt: skip
    assert [row.row for row in found.rows] == list(range(2, 15))
    assert refused(*rows) == [
        (3, "Row 2 is of the same picture."),
        (4, "Its name and its id are of different pictures."),
        (5, "It says neither name nor id."),
        (6, "'../../x' is no id: that has 32 hex digits."),
        (7, "It needs a label: it has none."),
        (8, "'unknown' is reserved for pictures under the model's threshold."),
        (9, f"No picture can have this name: '{'x' * 80}'."),
        (10, "No picture can have this name: '\\ud800.jpg'."),
        (11, f"A label has 1 to 200 characters, none that controls or turns text; this one is '{'a' * 40}'."),
        (12, "It needs a label: it has 101, the limit is 100."),
        (13, "It has 1 cells, and the first line 2."),
    ]


def test_a_picture_whose_first_row_was_wrong_is_not_corrected_by_a_later_one() -> None:
    assert [row[0] for row in refused(Row(2, "cat.jpg", "", []), Row(3, "cat.jpg", "", ["lynx"]))] == [2, 3]


def test_what_came_of_each_row_is_told_and_what_is_not_there_is_said() -> None:
    stores = filled()
    changes = BulkChanges(stores)
    rows = [Row(2, "a.jpg", "", ["lynx"]), Row(3, "nowhere.jpg", "", ["lynx"]), Row(4, "b.jpg", "", [])]
    found = corrections_of(rows)
    change = done(changes, changes.begin_corrections(found.wanted, "me"))
    assert (change.changed, change.left_alone) == (1, 1)
    after = found.after(changes.pictures(change))
    assert [(row.status, row.why) for row in after] == [
        (RowStatus.DONE, ""), (RowStatus.LEFT_ALONE, NOT_THERE), (RowStatus.REFUSED, "It needs a label: it has none."),
    ]  # fmt: skip
    assert [one.name for one in changes.left_alone(change)] == ["nowhere.jpg"]
    undone = done(changes, changes.undo(change.id, "me"))
    assert (undone.restored, undone.kept) == (1, 0)


def test_rows_whose_step_is_to_come_wait() -> None:
    rows = [CorrectedRow(1, CAT, RowStatus.WAITING), CorrectedRow(2, DOG, RowStatus.WAITING)]
    assert [row.status for row in told(rows, {CAT}, {})] == [RowStatus.DONE, RowStatus.WAITING]
    assert OnePicture(CAT).wanted == ()
