"""What is told is named once, in the code, and the docs have all of it."""

import logging

import pytest

from imagestore.settings import ROOT
from imagestore.telemetry import signals

PAGE = (ROOT / "docs" / "monitoring.md").read_text("utf-8")


def rows() -> list[str]:
    return [
        f"| `{one.name}` | {one.instrument} | {one.unit} | {', '.join(f'`{name}`' for name in one.attributes)} | "
        f"{one.meaning} |"
        for one in signals.METRICS
    ]


def test_the_docs_have_every_metric_and_span() -> None:
    assert [row for row in rows() if row not in PAGE] == []
    assert [name for name, what in signals.SPANS.items() if f"| `{name}` | {what} |" not in PAGE] == []


@pytest.mark.parametrize(
    ("logger", "level", "category"),
    [
        ("imagestore.access", logging.INFO, "access"),
        ("imagestore.audit", logging.INFO, "audit"),
        ("imagestore.audit", logging.ERROR, "audit"),
        ("imagestore.retry", logging.WARNING, "error"),
        ("imagestore.sweep", logging.INFO, "performance"),
    ],
)
def test_each_line_has_one_of_four_categories(logger: str, level: int, category: str) -> None:
    assert signals.category(logger, level) == category


def test_no_attribute_is_one_that_holds_an_address_or_a_text() -> None:
    assert not {"url.path", "url.query", "url.full", "exception.message"} & signals.ALLOWED
