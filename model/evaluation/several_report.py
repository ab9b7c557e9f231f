"""The report of a model that gives each label a probability of its own."""

from dataclasses import asdict, dataclass
from typing import Any

from imagestore import plots
from imagestore.proportion import percent
from imagestore.store.custom_vision import Claim
from imagestore.store.models import ThresholdsSet
from imagestore.text import visible
from model.evaluation.evaluate import Evaluation
from model.evaluation.report import MISTAKES, BaseReport, Report, interval, thumbnails, with_interval
from model.evaluation.several import Between, LabelFigures, SeveralMetrics
from model.training.labels import NONE_CALLED
from model.training.provenance import Provenance
from preprocess import Limits

_CURVES = 12


@dataclass(frozen=True, kw_only=True)
class SeveralReport(BaseReport):
    """Everything reported about an evaluation of a model that knows several labels a picture."""

    metrics: SeveralMetrics

    def sentence(self) -> str:
        """The result for a person: "All labels right on 83 of 100 (75–89 %). Macro-F1 0.91 (0.87 to 0.94), …"."""
        m = self.metrics
        said = f"All labels right on {m.accuracy.right} of {m.accuracy.of} {interval(m.accuracy)}."
        if m.groups < m.count:
            said += f" {m.count - m.groups} of these look like another one."
        said += f" Macro-F1 {_told(m.macro_f1_between)}, micro-F1 {_told(m.micro_f1)}, mean average precision "
        said += f"{_told(m.mean_average_precision)}."
        tested = [one for one in m.classes if one.count]
        weakest = min(tested, key=lambda one: one.f1, default=None)
        if weakest is not None and weakest.f1 < 1:
            said += f" The weakest label is '{weakest.label}', with F1 {weakest.f1:.2f}."
        if m.without:
            said += f" Of {m.without} pictures without a label {percent(m.left_empty.share)} are given none."
        return said

    def to_html(self, limits: Limits) -> bytes:
        """The report as one HTML file that needs no other. Everything that came from users is escaped."""
        m = self.metrics
        figures = [
            self._pictures(m.count, m.groups),
            ("All labels right", f"{percent(m.accuracy.share, 1)} {interval(m.accuracy)}"),
            ("Macro-F1, each label counting alike", _told(m.macro_f1_between)),
            ("Micro-F1, each label of each picture counting alike", _told(m.micro_f1)),
            ("Mean average precision, whatever the thresholds", _told(m.mean_average_precision)),
        ]
        if m.without:
            figures.append(("Pictures without a label", f"{m.without}, {percent(m.left_empty.share, 1)} given none"))
        weakest = sorted((one for one in m.classes if one.count), key=lambda one: one.average_precision.value)
        return self._page(
            "several_report.html",
            figures,
            classes=[_row(one) for one in sorted(weakest, key=lambda one: one.f1)],
            curves=[(visible(one.label), plots.precision_recall(one.curve)) for one in weakest[:_CURVES]],
            left_out_curves=max(0, len(weakest) - _CURVES),
            reliability=plots.reliability([asdict(bin) for bin in m.reliability]),
            mistakes=self._mistakes(limits),
        )

    def _figures(self) -> dict[str, Any]:
        return {"metrics": asdict(self.metrics)}

    def _mistakes(self, limits: Limits) -> list[tuple[str, ...]]:
        """What is most wrong: (picture, true labels, labels given, how far off, file)."""
        mistakes = self.evaluation.several_mistakes(MISTAKES)
        pictures = thumbnails([example for example, _, _ in mistakes], limits)
        return [
            (picture, _listed(example.labels), _listed(given), percent(off), visible(example.source.name))
            for picture, (example, given, off) in zip(pictures, mistakes, strict=True)
        ]


def report_of(
    evaluation: Evaluation,
    size_bytes: int,
    unreadable: int = 0,
    provenance: Provenance | None = None,
    claims: tuple[Claim, ...] = (),
    thresholds_set: ThresholdsSet | None = None,
) -> Report | SeveralReport:
    """The report of an evaluation of a model file of `size_bytes` bytes, of the model's kind; `claims` are what Custom
    Vision said of its project, and `thresholds_set` which other version's weights it has."""
    if not evaluation.model.has_several:
        return Report.of(evaluation, size_bytes, unreadable, provenance, claims, thresholds_set)
    return SeveralReport(
        evaluation=evaluation,
        metrics=evaluation.several_metrics(),
        size_bytes=size_bytes,
        unreadable=unreadable,
        provenance=provenance,
        claims=claims,
        thresholds_set=thresholds_set,
    )


def _told(figure: Between) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _row(one: LabelFigures) -> tuple[str, ...]:
    return (
        visible(one.label),
        str(one.count),
        with_interval(one.precision),
        with_interval(one.recall),
        _told(one.f1_between),
        _told(one.average_precision),
        f"{one.threshold:g}",
    )


def _listed(labels: tuple[str, ...]) -> str:
    return ", ".join(visible(label) for label in labels) or NONE_CALLED
