"""The telemetry of this process, of which there is one, as there is one logging. Until `start` finds that something is
to be sent, every call here does nothing, and no library for it is loaded.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from imagestore.errors import SettingsError
from imagestore.telemetry import signals
from imagestore.telemetry.signals import Metric

if TYPE_CHECKING:
    from imagestore.telemetry.exporting import Exporting

log = logging.getLogger("imagestore.telemetry")

TRACEPARENT = "traceparent"
"""The metadata of an upload or staged picture in which the trace that it belongs to is carried (W3C Trace Context)."""
APPLICATION_INSIGHTS, OTLP = "APPLICATIONINSIGHTS_CONNECTION_STRING", "OTEL_EXPORTER_OTLP_ENDPOINT"
FOLLOWED_S = 24 * 3600
"""A step continues the trace of what it reads for so long; what is processed again later has a trace of its own, with a
link to the former one."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

Value = str | int | float | bool
_sending: "Exporting | None" = None


class Begun(Protocol):
    """A span that has begun, and is the current one of its thread or task."""

    @property
    def traceparent(self) -> str:
        """The span as those who continue its trace are told of it."""

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""

    def end(self, error: BaseException | None) -> None:
        """End the span; of an error it keeps the class alone."""


def start(service: str, environ: Mapping[str, str]) -> bool:
    """Send telemetry under this name if these variables say where to. Returns whether that is so.

    A wrong value is logged and nothing is sent: telemetry stops no work.
    """
    global _sending
    if _sending is not None or not is_configured(environ):
        return _sending is not None
    from imagestore.telemetry.exporting import Exporting  # a quarter of a second, or half of one

    try:
        _sending = Exporting.start(service, environ)
    except SettingsError as error:
        log.error("No telemetry is sent: %s", error)
    return _sending is not None


def is_configured(environ: Mapping[str, str]) -> bool:
    """Whether these variables name a place to send telemetry to."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not is_off and any(environ.get(name) for name in (APPLICATION_INSIGHTS, OTLP))


def stop() -> None:
    """Send what has not been sent yet, and nothing more."""
    global _sending
    sending, _sending = _sending, None
    if sending is not None:
        sending.close()


def measure(metric: Metric, value: float = 1, **attributes: Value | None) -> None:
    """Add to a counter, or record a value. Attributes that are None are left out."""
    if _sending is not None:
        _sending.measure(metric, value, {name: said for name, said in attributes.items() if said is not None})


def traceparent() -> str | None:
    """The current span, as metadata or a header carries it; None where nothing is sent."""
    return None if _sending is None else _sending.traceparent()


def carried() -> dict[str, str]:
    """The metadata of a blob by which the step that reads it continues the current trace."""
    current = traceparent()
    return {} if current is None else {TRACEPARENT: current}


def trace_id(parent: str | None) -> str | None:
    """The trace's id in a traceparent; None if it is none."""
    found = _TRACEPARENT.fullmatch(parent or "")
    return found and found["trace"]


class span:
    """A `with` block that is a span of its own within the current one."""

    def __init__(self, name: str, **attributes: Value) -> None:
        assert name in signals.SPANS, name
        self._name, self._attributes = name, attributes
        self._begun: Begun | None = None

    def __enter__(self) -> None:
        if _sending is not None:
            self._begun = _sending.begin(self._name)
            self._begun.set(self._attributes)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._begun is not None:
            self._begun.end(error)


class step:
    """A `with` block that is one step for one picture: a span, and how long it took.

    What it belongs to is known only once the step has read its blob, and says so: see `follow`. Until then it is no
    span, but its time counts. A step that found nothing to do follows nothing, and is not told of.
    """

    def __init__(self, name: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._name, self._clock = name, clock
        self._begun: Begun | None = None
        self._is_counted = False

    def __enter__(self) -> "step":
        self._since_ns, self._since = time.time_ns(), time.perf_counter()
        self._at = self._clock()
        return self

    def follow(self, picture_id: str, written: datetime, metadata: Mapping[str, str]) -> str | None:
        """Continue the trace that the metadata of the step's blob tell, or begin one. Returns the trace's id; None
        where nothing is sent and they tell none.

        `written` is when the blob was written.
        """
        parent = metadata.get(TRACEPARENT)
        parent = parent if trace_id(parent) else None
        waited_s = max(0.0, (self._at - written).total_seconds())
        is_followed = waited_s <= FOLLOWED_S
        self._is_counted = True
        if is_followed:  # else it is processed again, and did not wait
            measure(signals.STEP_WAIT, waited_s, step=self._name)
        if _sending is None:
            return trace_id(parent) if is_followed else None
        self._begun = _sending.begin(self._name, parent, self._since_ns, is_followed=is_followed)
        self._begun.set({signals.PICTURE: picture_id, signals.STEP: self._name})
        return trace_id(self._begun.traceparent)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._is_counted or error is not None:
            told = None if error is None else type(error).__name__
            measure(signals.STEP_DURATION, time.perf_counter() - self._since, step=self._name, error=told)
        if self._begun is not None:
            self._begun.end(error)
