"""Without a place to send to nothing is loaded and nothing happens; a trace is continued for a day."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from imagestore import telemetry
from imagestore.settings import AZURITE, COSMOS_EMULATOR, ROOT, Settings
from imagestore.telemetry import signals

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_the_function_app_loads_nothing_for_telemetry_unless_it_is_configured() -> None:
    code = "import sys, function_app; print(sorted(n for n in sys.modules if 'opentelemetry' in n))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**Settings().environment(), "IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "[]", done.stderr


def test_nothing_happens_where_nothing_is_sent() -> None:
    telemetry.measure(signals.PICTURES, status="classified")
    with telemetry.span("commit"):
        assert telemetry.carried() == {}
    with pytest.raises(ZeroDivisionError), telemetry.step("preprocess"):
        _ = 1 / 0
    telemetry.stop()


@pytest.mark.parametrize(
    ("environ", "is_configured"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, True),
        ({"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=…"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_two_variables_turn_it_on(environ: dict[str, str], is_configured: bool) -> None:
    assert telemetry.is_configured(environ) is is_configured


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "No telemetry is sent: OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'; http/protobuf is what this app sends.",
        ),
        (
            {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=secret-that-is-no-uuid"},
            "No telemetry is sent: APPLICATIONINSIGHTS_CONNECTION_STRING is not a valid connection string",
        ),
    ],
)
def test_a_wrong_value_is_said_in_one_line_and_stops_nothing(
    variables: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert telemetry.start("imagestore-test", variables) is False
    (line,) = caplog.messages
    assert line.startswith(said)
    assert "secret" not in line


@pytest.mark.parametrize(
    ("traceparent", "trace"),
    [
        (PARENT, TRACE),
        (None, None),
        ("", None),
        ("00-" + 32 * "0" + "-00f067aa0ba902b7-01", None),
        ("anything else\n", None),
    ],
)
def test_a_trace_is_read_from_what_carries_it_and_from_nothing_else(traceparent: str | None, trace: str | None) -> None:
    assert telemetry.trace_id(traceparent) == trace


@pytest.mark.parametrize(("age", "trace"), [(timedelta(minutes=5), TRACE), (timedelta(days=2), None)])
def test_a_step_that_comes_soon_continues_the_trace_of_its_blob(age: timedelta, trace: str | None) -> None:
    with telemetry.step("classify", clock=lambda: NOW) as step:
        assert step.follow("id", NOW - age, {"traceparent": PARENT}) == trace
        assert step.follow("id", NOW - age, {}) is None
