"""Everything that is told of the app, by name: spans, metrics, attributes, and the categories of the logs.

What is not named here does not leave the process: an attribute that a library adds may hold a picture's name.
docs/monitoring.md has the same tables, which a test compares.
"""

import logging
from dataclasses import dataclass
from enum import StrEnum


class Instrument(StrEnum):
    """How a metric is measured: added up, as a distribution, or as the last value."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True)
class Metric:
    """A metric with its unit (of UCUM) and the attributes by which it is split."""

    name: str
    instrument: Instrument
    unit: str
    meaning: str
    attributes: tuple[str, ...] = ()
    boundaries: tuple[float, ...] = ()


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
STATUS, REASON, STEP, QUEUE, HOW = "status", "reason", "step", "queue", "how"
MODEL_VERSION, MODEL_SHA256 = "model_version", "model_sha256"
SERVICE, HTTP_STATUS, ERROR = "service", "http_status", "error"
KIND, STATE, TIER = "kind", "state", "tier"
PICTURE, JOB, ATTEMPT = "picture_id", "job_id", "attempt"
CATEGORY = "category"

PICTURES = Metric(
    "imagestore.pictures", Instrument.COUNTER, "{picture}", "Records that a step wrote, by outcome",
    (STATUS, REASON, MODEL_VERSION, MODEL_SHA256),
)  # fmt: skip
STEP_DURATION = Metric(
    "imagestore.step.duration", Instrument.HISTOGRAM, "s", "How long a step worked on a picture, failures included",
    (STEP, ERROR), _SECONDS,
)  # fmt: skip
STEP_WAIT = Metric(
    "imagestore.step.wait", Instrument.HISTOGRAM, "s",
    "From the writing of what a step reads (upload, staged picture) to the step's beginning", (STEP,), _SECONDS,
)  # fmt: skip
PICTURE_DURATION = Metric(
    "imagestore.picture.duration", Instrument.HISTOGRAM, "s", "From the upload to the record", (STATUS,), _SECONDS
)
RETRIES = Metric(
    "imagestore.retries", Instrument.COUNTER, "{task}", "Tasks that failed and were queued again", (STEP, ERROR)
)
GIVEN_UP = Metric(
    "imagestore.given_up", Instrument.COUNTER, "{task}", "Tasks that were put on the queue `work-poison`", (STEP,)
)
DEAD_LETTERS = Metric(
    "imagestore.dead_letters", Instrument.COUNTER, "{event}", "Undelivered events that were read and queued", (STEP,)
)
QUEUE_LENGTH = Metric(
    "imagestore.queue.length", Instrument.GAUGE, "{message}", "About how many messages a queue held at the last sweep",
    (QUEUE,),
)  # fmt: skip
QUEUE_AGE = Metric(
    "imagestore.queue.age", Instrument.GAUGE, "s", "How old a queue's oldest visible message was at the last sweep",
    (QUEUE,),
)  # fmt: skip
SWEPT = Metric("imagestore.swept", Instrument.COUNTER, "{picture}", "Lost uploads that a sweep queued")
DECODER_DEATHS = Metric(
    "imagestore.decoder.deaths", Instrument.COUNTER, "{process}",
    "Decode children that died of a picture, or were ended because it took too long", (HOW,),
)  # fmt: skip
REFUSALS = Metric(
    "imagestore.store.refusals", Instrument.COUNTER, "{call}",
    "Calls that a store refused because it was asked too much (429, 503), after the client's own retries",
    (SERVICE, HTTP_STATUS),
)  # fmt: skip
JOBS = Metric("imagestore.jobs", Instrument.COUNTER, "{job}", "Jobs that ended on this runner", (KIND, STATE))
WEBHOOKS = Metric(
    "imagestore.webhook.tries", Instrument.COUNTER, "{event}",
    "Events that were sent to webhooks, by what became of them", (STATE,),
)  # fmt: skip
REFUSED = Metric(
    "imagestore.web.refused", Instrument.COUNTER, "{request}",
    "Requests that the web app refused since they were too many or too slow, by what was asked and why", (KIND, HOW),
)  # fmt: skip
DRIFT = Metric(
    "imagestore.drift.far_share", Instrument.GAUGE, "1",
    "Which share of today's pictures is farther out than nine tenths of a live model's baseline",
    (MODEL_VERSION, MODEL_SHA256),
)  # fmt: skip
KEPT_COST = Metric(
    "imagestore.kept.cost", Instrument.GAUGE, "{USD}",
    "What is kept in a tier costs so much a month, by the prices that are written down; counted once a day", (TIER,),
)  # fmt: skip
METRICS = (
    PICTURES, PICTURE_DURATION, STEP_DURATION, STEP_WAIT, RETRIES, GIVEN_UP, DEAD_LETTERS, QUEUE_LENGTH, QUEUE_AGE,
    SWEPT, DECODER_DEATHS, REFUSALS, JOBS, WEBHOOKS, REFUSED, DRIFT, KEPT_COST,
)  # fmt: skip

SPANS = {
    "preprocess": "step one, from reading the upload to writing the staged picture",
    "decode": "the decode child's work within it",
    "classify": "step two, from reading the staged picture to the record",
    "predict": "the model's work within it",
    "commit": "result, record and tags, within either step or a correction",
    "job": "one attempt of a job",
}
"""The spans that we begin. The web app's are FastAPI's own: one for each request, called by method and route."""

_OF_REQUESTS = {
    "http.request.method", "http.route", "http.response.status_code", "error.type", "url.scheme",
    "network.protocol.version",
}  # fmt: skip
ALLOWED = frozenset(
    {PICTURE, JOB, ATTEMPT, *_OF_REQUESTS, *(attribute for metric in METRICS for attribute in metric.attributes)}
)
"""The attributes of spans and metrics that leave the process."""


class Category(StrEnum):
    """What a line of the log is about."""

    ACCESS = "access"
    ERROR = "error"
    PERFORMANCE = "performance"
    AUDIT = "audit"


ACCESS_LOG, AUDIT_LOG = "imagestore.access", "imagestore.audit"


def category(logger: str, level: int) -> Category:
    """The category of a line: by its logger where that is of one kind, else an error from WARNING on; what remains says
    how the work goes."""
    if logger == ACCESS_LOG:
        return Category.ACCESS
    if logger == AUDIT_LOG:
        return Category.AUDIT
    return Category.ERROR if level >= logging.WARNING else Category.PERFORMANCE
