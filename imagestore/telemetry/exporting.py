"""OpenTelemetry's SDK: what is made when telemetry is to be sent, and how nothing leaves that may be a name.

To Application Insights goes what its own exporter sends, to an OTLP endpoint protobuf over HTTP; to both if both are
named. This is the one module that imports OpenTelemetry, and it is loaded only then.
"""

import logging
import os
import traceback
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry import _logs, context, metrics, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import imagestore
from imagestore.errors import SettingsError
from imagestore.telemetry import signals
from imagestore.telemetry.process import APPLICATION_INSIGHTS, OTLP, TRACEPARENT, Begun, Value
from imagestore.telemetry.signals import CATEGORY, Instrument, Metric, category

OURS = "imagestore"
METRICS_EVERY_MS = 15_000
"""An instance of the function app may be gone before the SDK's own minute is over."""
SENDING_S = 3
"""How long one attempt to send may last: at its end a process waits for the last of each signal."""
_PROPAGATOR = TraceContextTextMapPropagator()
_PROTOCOL = "http/protobuf"
_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL),
    (logging.ERROR, SeverityNumber.ERROR),
    (logging.WARNING, SeverityNumber.WARN),
    (logging.INFO, SeverityNumber.INFO),
)
_QUIET = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}
"""Microsoft's exporter also reports on itself, to Microsoft, and asks it for settings, unless these say otherwise."""


class Exporting:
    """The providers of the three signals, and the handler that takes our log."""

    def __init__(self, tracing: TracerProvider, metering: MeterProvider, logs: LoggerProvider) -> None:
        self._tracing, self._metering, self._logs = tracing, metering, logs
        self._tracer = tracing.get_tracer(OURS, imagestore.__version__)
        meter = metering.get_meter(OURS, imagestore.__version__)
        self._instruments = {metric.name: _instrument(meter, metric) for metric in signals.METRICS}
        self._handler = LogHandler(logs)

    @classmethod
    def start(cls, service: str, environ: Mapping[str, str]) -> "Exporting":
        """Begin to send. Raises SettingsError."""
        to = _exporters(environ)
        given = {"service.name": environ.get("OTEL_SERVICE_NAME") or service, "service.version": imagestore.__version__}
        given["service.instance.id"] = environ.get("WEBSITE_INSTANCE_ID") or uuid.uuid4().hex
        resource = Resource.create(given)
        is_given = bool(environ.get("OTEL_TRACES_SAMPLER"))  # else all of them, whatever the header of a request says
        sampler = None if is_given else ParentBased(ALWAYS_ON, remote_parent_not_sampled=ALWAYS_ON)
        tracing = TracerProvider(sampler, resource)
        logs = LoggerProvider(resource)
        for spans, _, lines in to:
            tracing.add_span_processor(BatchSpanProcessor(WithoutNames(spans)))
            logs.add_log_record_processor(BatchLogRecordProcessor(lines))
        every_ms = float(environ.get("OTEL_METRIC_EXPORT_INTERVAL") or METRICS_EVERY_MS)
        readers = [PeriodicExportingMetricReader(points, every_ms) for _, points, _ in to]
        views = [View(instrument_name="*", attribute_keys=set(signals.ALLOWED))]
        metering = MeterProvider(readers, resource, views=views)
        trace.set_tracer_provider(tracing)  # FastAPI's own spans and metrics come by these
        metrics.set_meter_provider(metering)
        _logs.set_logger_provider(logs)
        sending = cls(tracing, metering, logs)
        sending.attach()
        return sending

    def attach(self) -> None:
        """Take the lines that our loggers write from INFO on."""
        logger = logging.getLogger(OURS)
        logger.addHandler(self._handler)
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)

    def begin(
        self, name: str, parent: str | None = None, since_ns: int | None = None, *, is_followed: bool = True
    ) -> Begun:
        """Begin a span, and make it the current one: within the current one, unless a `parent` is given or `since_ns`
        says that it is a step, which belongs to no current one."""
        remote = None if parent is None else _PROPAGATOR.extract({TRACEPARENT: parent})
        within = context.get_current() if since_ns is None else context.Context()
        links = None
        if remote is not None and is_followed:
            within = remote
        elif remote is not None:
            links = [Link(trace.get_current_span(remote).get_span_context())]
        kind = SpanKind.INTERNAL if since_ns is None else SpanKind.CONSUMER
        return _Begun(self._tracer.start_span(name, within, kind, links=links, start_time=since_ns))

    def traceparent(self) -> str | None:
        """The current span, as W3C Trace Context writes it; None where there is none."""
        return _traceparent(trace.get_current_span())

    def measure(self, metric: Metric, value: float, attributes: Mapping[str, Value]) -> None:
        """Add, record or set, as the metric's kind has it."""
        self._instruments[metric.name](value, dict(attributes))

    def close(self) -> None:
        """Send what is left."""
        logging.getLogger(OURS).removeHandler(self._handler)
        for provider in (self._tracing, self._metering, self._logs):
            provider.shutdown()


class _Begun:
    def __init__(self, begun: trace.Span) -> None:
        self._span = begun
        self._token = context.attach(trace.set_span_in_context(begun))

    @property
    def traceparent(self) -> str:
        return _traceparent(self._span) or ""

    def set(self, attributes: Mapping[str, Value]) -> None:
        self._span.set_attributes(attributes)

    def end(self, error: BaseException | None) -> None:
        context.detach(self._token)
        if error is not None:
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class WithoutNames(SpanExporter):
    """Hands spans on with the attributes that signals.py names, and without events and the texts of errors.

    FastAPI's spans hold the whole address of a request, and with it names of pictures and what people search for.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export them."""
        return self._exporter.export([_without_names(each) for each in spans])

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have it send what it holds."""
        return self._exporter.force_flush(timeout_millis)


class LogHandler(logging.Handler):
    """Hands on lines with their category and the span in which they were written.

    A line may have two wordings: with `extra={"told": …}` what leaves is that one. Of an exception its class and the
    places in the code leave, and no message.
    """

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logging.INFO)
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on one line."""
        try:
            attributes: dict[str, Any] = {CATEGORY: str(category(record.name, record.levelno)), "logger": record.name}
            if record.exc_info and record.exc_info[1] is not None:
                error = record.exc_info[1]
                attributes["exception.type"] = type(error).__name__
                attributes["exception.stacktrace"] = _places(error)
            self._provider.get_logger(record.name).emit(
                LogRecord(
                    timestamp=int(record.created * 1e9),
                    context=context.get_current(),
                    severity_text=record.levelname,
                    severity_number=_severity(record.levelno),
                    body=getattr(record, "told", None) or record.getMessage(),
                    attributes=attributes,
                )
            )
        except Exception:
            self.handleError(record)


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return "\n".join(f"{os.path.basename(each.filename)}:{each.lineno} {each.name}" for each in frames)


def _severity(level: int) -> SeverityNumber:
    return next((number for least, number in _SEVERITIES if level >= least), SeverityNumber.DEBUG)


def _traceparent(span: trace.Span) -> str | None:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span, context.Context()))
    return carrier.get(TRACEPARENT)


def _without_names(span: ReadableSpan) -> ReadableSpan:
    kept = {name: value for name, value in (span.attributes or {}).items() if name in signals.ALLOWED}
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=kept,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _instrument(meter: metrics.Meter, metric: Metric) -> Any:
    named = {"name": metric.name, "unit": metric.unit, "description": metric.meaning}
    if metric.instrument is Instrument.COUNTER:
        return meter.create_counter(**named).add
    if metric.instrument is Instrument.GAUGE:
        return meter.create_gauge(**named).set
    boundaries = list(metric.boundaries) or None
    return meter.create_histogram(**named, explicit_bucket_boundaries_advisory=boundaries).record


def _exporters(environ: Mapping[str, str]) -> list[tuple[SpanExporter, MetricExporter, Any]]:
    found: list[tuple[SpanExporter, MetricExporter, Any]] = []
    if string := environ.get(APPLICATION_INSIGHTS):
        found.append(_application_insights(string))
    if environ.get(OTLP):
        protocol = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or _PROTOCOL
        if protocol != _PROTOCOL:
            raise SettingsError(
                f"OTEL_EXPORTER_OTLP_PROTOCOL is '{protocol}'; {_PROTOCOL} is what this app sends. Collectors take it "
                "on port 4318 as a rule."
            )
        found.append(_otlp())
    return found


def _otlp() -> tuple[SpanExporter, MetricExporter, Any]:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    timeout = None if "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ else SENDING_S
    return OTLPSpanExporter(timeout=timeout), OTLPMetricExporter(timeout=timeout), OTLPLogExporter(timeout=timeout)


def _application_insights(string: str) -> tuple[SpanExporter, MetricExporter, Any]:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    given: dict[str, Any] = {"connection_string": string, "disable_offline_storage": True}
    try:
        return (
            AzureMonitorTraceExporter(**given),
            AzureMonitorMetricExporter(**given),
            AzureMonitorLogExporter(**given),
        )
    except ValueError as error:  # which does not show the string
        raise SettingsError(f"{APPLICATION_INSIGHTS} is not a valid connection string: {error}") from None
