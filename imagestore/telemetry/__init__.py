"""What the app tells of itself to those who operate it: traces, metrics and logs, by OpenTelemetry, if configured."""

from imagestore.telemetry.process import (
    TRACEPARENT,
    carried,
    is_configured,
    measure,
    span,
    start,
    step,
    stop,
    trace_id,
    traceparent,
)

__all__ = [
    "TRACEPARENT",
    "carried",
    "is_configured",
    "measure",
    "span",
    "start",
    "step",
    "stop",
    "trace_id",
    "traceparent",
]
