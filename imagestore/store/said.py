"""What people say of a labelled picture, as it is written down to be put back."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Marks:
    """What a picture is said to show, and the change of many pictures that has said so, by id, if one said it last."""

    labels: tuple[str, ...] = ()
    negative: bool = False
    said_by: str | None = None


@dataclass(frozen=True)
class Origin:
    """How a labelled picture came: its file's name, MD5 (hex), when (UTC), and its size in pixels."""

    source: str = ""
    md5: str = ""
    created_at: str | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Said:
    """What is said of a picture, and which of its labels a person has called right though a training doubted them."""

    marks: Marks = Marks()
    checked: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Replaced:
    """What was said of a picture before the last answer to a doubt, and that answer, so that it can be undone."""

    before: Said
    after: Said
