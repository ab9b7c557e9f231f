"""What a test run may be told, and what it says at its end of what it could not run."""

from collections import Counter

import pytest

LONGEST = ("test_walkthrough", "test_models", "test_cli", "test_maintain", "test_faults", "test_pages")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption(
        "--all",
        action="store_true",
        help="every interleaving instead of a sample, and outages as long as they are in earnest",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Markers of our own."""
    config.addinivalue_line("markers", "thorough: a test that takes long and that others stand for in a daily run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files that take minutes come first, so that no process of the run is left alone with one at the end."""
    if not config.getoption("--all"):
        for item in items:
            if item.get_closest_marker("thorough"):
                item.add_marker(pytest.mark.skip(reason="Left to make test-all, which is run before a release."))
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def is_thorough(pytestconfig: pytest.Config) -> bool:
    """Whether this run takes the time that it needs (`make test-all`)."""
    return bool(pytestconfig.getoption("--all"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One sentence for each reason to skip, however many tests it concerns."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason}")
