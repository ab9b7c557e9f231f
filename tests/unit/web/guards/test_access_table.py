"""The docs tell who may use which route, as the app decides it."""

from imagestore.web.guards.access_table import PAGE, written
from imagestore.web.rules import TABLE


def test_the_table_in_the_docs_is_that_of_the_app() -> None:
    page = PAGE.read_text()
    assert written(page) == page
    assert all(f"`{route}`" in page for route in TABLE)
