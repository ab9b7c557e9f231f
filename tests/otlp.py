"""A receiver of telemetry: what a collector is sent by OTLP over HTTP, and what Application Insights is sent."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Told:
    """A span, a point of a metric, or a line: who told it, its name or text, its attributes, and the rest by name."""

    service: str
    name: str
    attributes: dict[str, Any]
    more: dict[str, Any] = field(default_factory=dict)


class Received:
    """What has arrived so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[Told] = []
        self._points: list[Told] = []
        self._lines: list[Told] = []
        self._tracks: list[dict[str, Any]] = []
        self.raw = bytearray()
        """Every byte of every request, unpacked."""

    def spans(self, name: str | None = None) -> list[Told]:
        with self._lock:
            return [each for each in self._spans if name in (None, each.name)]

    def points(self, name: str) -> list[Told]:
        with self._lock:
            return [each for each in self._points if each.name == name]

    def lines(self, category: str | None = None) -> list[Told]:
        with self._lock:
            return [each for each in self._lines if category in (None, each.attributes.get("category"))]

    def tracks(self) -> list[dict[str, Any]]:
        """What Application Insights was sent."""
        with self._lock:
            return list(self._tracks)

    def take(self, path: str, body: bytes) -> None:
        with self._lock:
            self.raw += body
            if path == "/v1/traces":
                self._spans += _spans(body)
            elif path == "/v1/metrics":
                self._points += _points(body)
            elif path == "/v1/logs":
                self._lines += _lines(body)
            elif path.endswith("/track"):
                sent = json.loads(body)
                self._tracks += sent if isinstance(sent, list) else [sent]


@contextmanager
def receiver() -> Iterator[tuple[str, Received]]:
    """A receiver's address, and what it received."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            received.take(self.path, body)
            sent = json.loads(body) if self.path.endswith("/track") else []
            answer = json.dumps({"itemsReceived": len(sent), "itemsAccepted": len(sent), "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer) if self.path.endswith("/track") else 0))
            self.end_headers()
            if self.path.endswith("/track"):
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _service(resource: Any) -> str:
    return str(_attributes(resource.attributes).get("service.name", ""))


def _spans(body: bytes) -> Iterator[Told]:
    for part in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in part.scope_spans:
            for span in scope.spans:
                more = {
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent_id": span.parent_span_id.hex(),
                    "links": [link.trace_id.hex() for link in span.links],
                    "is_error": span.status.code == 2,
                    "events": len(span.events),
                    "status": span.status.message,
                }
                yield Told(_service(part.resource), span.name, _attributes(span.attributes), more)


def _points(body: bytes) -> Iterator[Told]:
    for part in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in part.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, metric.WhichOneof("data"))
                for point in data.data_points:
                    more = MessageToDict(point) | {"unit": metric.unit, "kind": metric.WhichOneof("data")}
                    yield Told(_service(part.resource), metric.name, _attributes(point.attributes), more)


def _lines(body: bytes) -> Iterator[Told]:
    for part in ExportLogsServiceRequest.FromString(body).resource_logs:
        for scope in part.scope_logs:
            for line in scope.log_records:
                more = {"trace_id": line.trace_id.hex(), "severity": line.severity_text}
                yield Told(_service(part.resource), str(_value(line.body)), _attributes(line.attributes), more)
