"""The client's types are those of the web app."""

from dataclasses import fields

import pytest

from imagestore.client import answers as ours
from imagestore.web import answers as theirs


@pytest.mark.parametrize(
    "name",
    [
        "Pending",
        "LabelledList",
        "LabelledPicture",
        "Deletion",
        "JobList",
        "Listing",
        "Me",
        "AccountInfo",
        "Invitation",
        "OneTimeLink",
        "NewKey",
    ],
)
def test_an_answer_has_the_fields_that_the_web_app_gives(name: str) -> None:
    assert {field.name for field in fields(getattr(ours, name))} == {
        field.name for field in fields(getattr(theirs, name))
    }
