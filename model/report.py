"""The outcome of an evaluation: JSON for programs, one HTML file for people, a sentence for those in a hurry."""

import base64
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import msgspec
import numpy as np
from PIL import Image

from classify.share import Share, percent
from model.judge import Verdict
from model.metrics import Metrics
from model.reading import Readers
from model.training import Training
from preprocess import Limits

_MISTAKES = 24
_THUMB = 128
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)


@dataclass(frozen=True)
class Report:
    """An evaluation, whole."""

    verdict: Verdict
    metrics: Metrics
    size_bytes: int
    unreadable: int
    training: Training | None = None

    @classmethod
    def of(cls, verdict: Verdict, size_bytes: int, unreadable: int = 0, training: Training | None = None) -> "Report":
        """Of what a model said; `training` is known where it was trained just now."""
        return cls(verdict, verdict.metrics(), size_bytes, unreadable, training)

    def sentence(self) -> str:
        """Right on 93 of 100 (86–97 %). tulip is taken for rose 6 times."""
        accuracy = self.metrics.accuracy
        said = f"Right on {accuracy.right} of {accuracy.of} {_interval(accuracy)}."
        confusion = np.array(self.metrics.confusion)
        np.fill_diagonal(confusion, 0)
        if confusion.size and confusion.max() > 0:
            i, j = np.unravel_index(int(confusion.argmax()), confusion.shape)
            times = int(confusion[i, j])
            said += (
                f" '{self.metrics.labels[i]}' is taken for '{self.metrics.labels[j]}' {times} time{'s' * (times > 1)}."
            )
        answered, right = self.metrics.answered, self.metrics.right_of_answered
        said += f" Above its threshold it answers {percent(answered.share)}"
        said += f", and is right on {percent(right.share)} of those."
        return said

    def to_json(self) -> bytes:
        """All figures."""
        model = self.verdict.model
        found: dict[str, Any] = {
            "model": asdict(model.ref),
            "sentence": self.sentence(),
            "metrics": asdict(self.metrics),
            "strangers_auroc": self.verdict.strangers(),
            "inference_ms": {"p50": self._ms(50), "p95": self._ms(95)},
            "size_bytes": self.size_bytes,
            "unreadable": self.unreadable,
            "training": asdict(self.training) if self.training else None,
        }
        return msgspec.json.format(msgspec.json.encode(found))

    def to_html(self, limits: Limits) -> bytes:
        """One file that needs no other; whatever came from users is escaped."""
        m, ref, strangers = self.metrics, self.verdict.model.ref, self.verdict.strangers()
        right = percent(m.right_of_answered.share, 1)
        figures = [
            ("Pictures", f"{m.count}" + (f", and {self.unreadable} that cannot be read" if self.unreadable else "")),
            ("Accuracy", f"{percent(m.accuracy.share, 1)} {_interval(m.accuracy)}"),
            ("Right among the first five", f"{percent(m.top5.share, 1)} {_interval(m.top5)}"),
            ("Macro precision, recall, F1", f"{m.macro_precision:.3f}, {m.macro_recall:.3f}, {m.macro_f1:.3f}"),
            ("Expected calibration error", f"{m.ece:.3f}"),
            (
                f"Answered above the threshold of {m.threshold:g}",
                f"{percent(m.answered.share, 1)}, {right} of those right",
            ),
            ("Tells strangers (AUROC)", "too few classes" if strangers is None else f"{strangers:.3f}"),
            ("Inference on one core", f"p50 {self._ms(50):.1f} ms, p95 {self._ms(95):.1f} ms"),
            ("Size", f"{self.size_bytes / 1e6:.1f} MB"),
            *self._history(),
        ]
        page = _TEMPLATES.get_template("report.html").render(
            name=_visible(f"{ref.name} {ref.version}"),
            sentence=_visible(self.sentence()),
            figures=figures,
            classes=self._classes(),
            labels=[_visible(label) for label in m.labels],
            confusion=m.confusion,
            reliability=[(bin.confidence, bin.accuracy) for bin in m.reliability if bin.count],
            coverage=[(share, right) for _, share, right in m.coverage],
            mistakes=self._mistakes(limits),
        )
        return page.encode()

    def _ms(self, percentile: float) -> float:
        return float(np.percentile(self.verdict.inference_ms, percentile)) if len(self.verdict.inference_ms) else 0.0

    def _history(self) -> list[tuple[str, str]]:
        if self.training is None:
            return []
        said = [
            ("Learned from", self.training.sentence()),
            ("Data", f"fingerprint {self.training.fingerprint[:16]}…"),
            ("Trained", f"{self.training.at} by version {self.training.code}"),
        ]
        return said + ([("Gray or colour", self.training.colours.sentence())] if self.training.colours else [])

    def _classes(self) -> list[tuple[str, ...]]:
        return [
            (_visible(c.label), str(c.count), _with_interval(c.precision), _with_interval(c.recall), f"{c.f1:.3f}")
            for c in sorted(self.metrics.classes, key=lambda c: c.f1)
            if c.count
        ]

    def _mistakes(self, limits: Limits) -> list[tuple[str, ...]]:
        """(picture, truth, what it was taken for, confidence, file) of the worst."""
        shown: list[tuple[str, ...]] = []
        with Readers() as readers:
            mistakes = self.verdict.mistakes(_MISTAKES)
            files = [example.source.read() for example, _, _ in mistakes]
            pictures = readers.map(lambda decoder, data: decoder.rendition(data, _THUMB, limits), files)
            for (example, said, confidence), pixels in zip(mistakes, pictures, strict=True):
                out = io.BytesIO()
                Image.fromarray(pixels).save(out, "WEBP", quality=70)
                picture = base64.b64encode(out.getvalue()).decode()
                names = (_visible(text) for text in (example.label, said, example.source.name))
                truth, taken_for, file = names
                shown.append((picture, truth, taken_for, percent(confidence), file))
        return shown


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _interval(share: Share) -> str:
    return "" if share.low is None or share.high is None else f"({share.low * 100:.0f}–{share.high * 100:.0f} %)"


def _with_interval(share: Share) -> str:
    return f"{share.share:.2f} {_interval(share)}".strip()
