"""What is searched for in the search box: the words of a record, and a question as SQLite's full-text search takes it.

A question's words must all be found, in any case and with or without accents, each as the beginning of a word of the
record. What is joined by other characters (`IMG_04`, `2026-11`, `garden/cat`) must stand there in this order, and what
is in quotation marks (`"tiger cat"`) must be whole words in this order.
"""

import re
import unicodedata
from calendar import month_name
from collections.abc import Callable

from imagestore.record import Record, Status

MOST_GUESSES = 3
"""Of a picture of which the model is not sure, so many of the likeliest labels are found."""
_ALONE = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Scripts that put no spaces between words: each of their characters counts as a word."""
_BETWEEN = re.compile(rf"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|(?<=[{_ALONE}])(?=\w)|(?<=\w)(?=[{_ALONE}])")
_LAST = re.compile(r"[0-9a-z]+$")
_CHUNK = re.compile(r'"([^"]*)"|([^\s"]+)')
_TOLD = ("Make", "Model", "Software", "LensMake", "LensModel")
"""Of a picture's metadata what people search for; never where it was taken, which not everybody may know."""
_MOST_CHUNKS = 20


def words_of(record: Record) -> tuple[str, str, str]:
    """What a record is found by: its name; its labels, or what the model guessed where it is not sure; its dates, its
    format and its camera."""
    labels = dict.fromkeys([*([record.label] if record.label is not None else ()), *(record.labels or ())])
    if record.status is Status.UNKNOWN and record.correction is None and record.prediction is not None:
        guesses = record.prediction.top[:MOST_GUESSES]
        labels |= dict.fromkeys([record.prediction.label, *(score.label for score in guesses)])
    image = record.image
    facts = [_day(at) for at in (record.uploaded_at or record.finished_at, image and image.taken_at) if at]
    if image is not None:
        facts += [image.format, *(str(image.metadata[name]) for name in _TOLD if name in image.metadata)]
    return _apart(record.name), _apart(" | ".join(labels)), _apart(" | ".join(facts))


def question(text: str, is_whole: Callable[[str], bool] = lambda word: False) -> str | None:
    """The question as an expression for MATCH; None if there is no word in it.

    Whatever begins with a frequent word takes long to gather. `is_whole` says of a word (ASCII, in lower case) that no
    longer one begins with it, so that it need not be looked for as a beginning.
    """
    terms = []
    for quoted, bare in _CHUNK.findall(text)[:_MOST_CHUNKS]:
        chunk = _apart(quoted or bare).replace("\0", " ").strip()
        if any(character.isalnum() for character in chunk):
            last = _LAST.search(chunk.lower())
            is_alone = bool(quoted) or (last is not None and chunk.isascii() and is_whole(last[0]))
            terms.append(f'"{chunk}"' + ("" if is_alone else " *"))
    return " AND ".join(terms) or None


def beginnings(text: str) -> list[str]:
    """The words of a text as they are compared: apart, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", _apart(text).casefold())
    return re.findall(r"\w+", "".join(one for one in plain if not unicodedata.combining(one)).replace("_", " "))


def _apart(text: str) -> str:
    """The text with a space between letters and digits, and around each character of a script without spaces."""
    return _BETWEEN.sub(" ", unicodedata.normalize("NFC", text))


def _day(at: str) -> str:
    """A day as people may write it: 2026-11-21 November."""
    month = at[5:7]
    return f"{at[:10]} {month_name[int(month)] if month.isdigit() and 1 <= int(month) <= 12 else ''}"
