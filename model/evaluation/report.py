"""An evaluation as JSON for programs, as one HTML file for people, and as a sentence."""

import base64
import io
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2
import msgspec
import numpy as np
from PIL import Image

from imagestore import plots
from imagestore.proportion import Share, percent
from imagestore.store.custom_vision import Claim
from imagestore.store.models import ThresholdsSet
from imagestore.store.patience import patiently
from imagestore.text import visible
from model.decoder_pool import DecoderPool
from model.evaluation.claims import Compared, LabelCompared, compared
from model.evaluation.evaluate import Evaluation
from model.evaluation.metrics import Metrics
from model.training.examples import Example
from model.training.labels import NONE_CALLED
from model.training.provenance import Provenance
from preprocess import Limits

MISTAKES = 24
_THUMB = 128
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader([Path(__file__).parent, plots.FOLDER]),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)


@dataclass(frozen=True, kw_only=True)
class BaseReport(ABC):
    """What is reported about every evaluation; `provenance` is how the model was made, if that is known, and `claims`
    what Custom Vision said of its project, the oldest first. With `thresholds_set` it has another version's weights."""

    evaluation: Evaluation
    size_bytes: int
    unreadable: int
    provenance: Provenance | None = None
    claims: tuple[Claim, ...] = ()
    thresholds_set: ThresholdsSet | None = None

    @cached_property
    def compared(self) -> Compared | None:
        """What was claimed beside what was found; None if nothing was claimed."""
        return compared(self.claims, self.evaluation)

    def claimed_sentence(self) -> str | None:
        """The last claim beside what was found, for a person; None if nothing was claimed."""
        ref = self.evaluation.model.ref
        return self.compared.sentence(f"{ref.name} {ref.version}") if self.compared else None

    def to_json(self) -> bytes:
        """All figures as JSON."""
        found: dict[str, Any] = {
            "model": asdict(self.evaluation.model.ref),
            "sentence": self.sentence(),
            **self._figures(),
            "inference_ms": {"p50": self._ms(50), "p95": self._ms(95)},
            "size_bytes": self.size_bytes,
            "unreadable": self.unreadable,
            "training": self.provenance.told() if self.provenance else None,
            "how_made": self._history(),
        }
        if self.compared is not None:
            found["claimed"] = {**asdict(self.compared), "sentence": self.claimed_sentence()}
        return msgspec.json.format(msgspec.json.encode(found))

    @abstractmethod
    def sentence(self) -> str:
        """The result for a person."""

    @abstractmethod
    def to_html(self, limits: Limits) -> bytes:
        """The report as one HTML file that needs no other. Everything that came from users is escaped."""

    @abstractmethod
    def _figures(self) -> dict[str, Any]:
        """The figures of this kind of evaluation, by name."""

    def _page(self, template: str, figures: list[tuple[str, str]], **rest: Any) -> bytes:
        ref = self.evaluation.model.ref
        page = _TEMPLATES.get_template(template).render(
            name=visible(f"{ref.name} {ref.version}"),
            sentence=visible(self.sentence()),
            figures=figures + self._costs() + self._history(),
            prices=self._prices(),
            claimed=visible(self.claimed_sentence() or ""),
            claims=self._claims(),
            claims_by_label=self._claims_by_label(),
            **rest,
        )
        return page.encode()

    def _pictures(self, count: int, groups: int) -> tuple[str, str]:
        unread = f"; and {self.unreadable} that cannot be read" if self.unreadable else ""
        return "Pictures", f"{count}, of which {groups} differ clearly{unread}"

    def _costs(self) -> list[tuple[str, str]]:
        return [
            ("Inference on one core", f"p50 {self._ms(50):.1f} ms, p95 {self._ms(95):.1f} ms"),
            ("Size", f"{self.size_bytes / 1e6:.1f} MB"),
        ]

    def _ms(self, percentile: float) -> float:
        return (
            float(np.percentile(self.evaluation.inference_ms, percentile)) if len(self.evaluation.inference_ms) else 0.0
        )

    def _history(self) -> list[tuple[str, str]]:
        given = self.thresholds_set
        said = (
            [] if given is None else [("Thresholds", f"set at {given.at}; its weights are those of version {given.of}")]
        )
        if self.provenance is None:
            return said
        said += [
            ("Learned from", self.provenance.sentence()),
            ("Data", f"fingerprint {self.provenance.fingerprint[:16]}…"),
            ("Trained", f"{self.provenance.at} by version {self.provenance.code}"),
        ]
        choice = self.provenance.choice
        said.append(("How it sees pictures", choice.sentence()))
        said += [("Tried", tried.sentence()) for tried in choice.tried]
        said += [("Tried", tried.sentence()) for tried in self.provenance.balancing.tried]
        said += [("Look-alikes", alike)] if (alike := self.provenance.look_alikes()) else []
        said += [("Too few pictures", visible(rare)) for rare in self.provenance.rare]
        said += [("Labels", visible(one)) for one in self.provenance.labelling]
        if self.provenance.left_out is not None:
            said.append(("Tells what it never saw", self.provenance.left_out.sentence()))
        return said

    def _claims(self) -> list[tuple[str, ...]]:
        """For each claim, and for this model: precision, recall, average precision."""
        if self.compared is None:
            return []
        here = self.compared.here
        rows = [(visible(one.name), *_three(one.precision, one.recall, one.average_precision)) for one in self.claims]
        means = "–" if here.average_precision is None else f"{here.average_precision:.3f}"
        found = (with_interval(here.precision), with_interval(here.recall), means)
        return [*rows, (f"Here, on {self.compared.pictures:,} held-out pictures", *found)]

    def _claims_by_label(self) -> list[tuple[str, ...]]:
        """For each label: pictures that have it, then precision, recall and average precision, each there and here."""
        return [
            (visible(one.label), str(one.pictures), *chain.from_iterable(zip(_claimed(one), _here(one), strict=True)))
            for one in (self.compared.labels if self.compared else ())
        ]

    @property
    def _wanted(self) -> float | None:
        """The share of right answers by which the thresholds were chosen; None if a person has set them."""
        return self.provenance.right if self.provenance and self.thresholds_set is None else None

    def _prices(self) -> list[tuple[str, ...]]:
        """For each share of right answers: what is answered, from which confidence on, and what is shown."""
        return [
            (
                percent(price.target) + (", as chosen" if price.target == self._wanted else ""),
                percent(price.answered),
                f"{price.threshold:g}",
                ", ".join(f"{visible(label)} {own:g}" for label, own in price.thresholds.items()),
                percent(price.right, 1),
                price.shown(),
            )
            for price in (self.provenance.prices if self.provenance else ())
            if self.provenance
        ]


@dataclass(frozen=True, kw_only=True)
class Report(BaseReport):
    """Everything reported about an evaluation of a model that gives one label a picture."""

    metrics: Metrics

    @classmethod
    def of(
        cls,
        evaluation: Evaluation,
        size_bytes: int,
        unreadable: int = 0,
        provenance: Provenance | None = None,
        claims: tuple[Claim, ...] = (),
        thresholds_set: ThresholdsSet | None = None,
    ) -> "Report":
        """The report of an evaluation of a model file of `size_bytes` bytes."""
        return cls(
            evaluation=evaluation,
            metrics=evaluation.metrics(),
            size_bytes=size_bytes,
            unreadable=unreadable,
            provenance=provenance,
            claims=claims,
            thresholds_set=thresholds_set,
        )

    def sentence(self) -> str:
        """The result for a person: "Right on 93 of 100 (86–97 %). 'tulip' is taken for 'rose' 6 times.", and so on."""
        accuracy = self.metrics.accuracy
        said = f"Right on {accuracy.right} of {accuracy.of} {interval(accuracy)}."
        if self.metrics.groups < self.metrics.count:
            said += f" {self.metrics.count - self.metrics.groups} of these look like another one."
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
        if (rejected := self.rejected) is not None:
            said += (
                f" Of {rejected.of} pictures that show none of the labels it answers {rejected.of - rejected.right}."
            )
        return said

    @property
    def rejected(self) -> Share | None:
        """How many of the pictures that show none of the labels are not answered; None without such pictures."""
        return self.evaluation.rejected() if self.evaluation.is_negative.any() else None

    def _figures(self) -> dict[str, Any]:
        rejected = {} if self.rejected is None else {"negatives_rejected": asdict(self.rejected)}
        return {
            "metrics": asdict(self.metrics) | rejected,
            "out_of_distribution_auroc": self.evaluation.out_of_distribution_auroc(),
        }

    def to_html(self, limits: Limits) -> bytes:
        """The report as one HTML file that needs no other. Everything that came from users is escaped."""
        m, auroc = self.metrics, self.evaluation.out_of_distribution_auroc()
        right = percent(m.right_of_answered.share, 1)
        figures = [
            self._pictures(m.count, m.groups),
            ("Accuracy", f"{percent(m.accuracy.share, 1)} {interval(m.accuracy)}"),
            ("Right among the first five", f"{percent(m.top5.share, 1)} {interval(m.top5)}"),
            ("Macro precision, recall, F1", f"{m.macro_precision:.3f}, {m.macro_recall:.3f}, {m.macro_f1:.3f}"),
            (
                "Expected calibration error",
                f"{m.ece:.3f}; on as many pictures a perfectly calibrated model would have {m.ece_if_calibrated:.3f}, "
                f"and up to {m.ece_at_most:.3f} in 19 of 20 times",
            ),
            (
                f"Answered above the threshold of {m.threshold:g}",
                f"{percent(m.answered.share, 1)}, {right} of those right",
            ),
            (
                "Tells what it does not know, by an estimate (out-of-distribution AUROC)",
                "too few classes" if auroc is None else f"{auroc:.3f}",
            ),
        ]
        if (rejected := self.rejected) is not None:
            said = f"{rejected.of}, {percent(rejected.share, 1)} not answered {interval(rejected)}"
            figures.append(("Pictures that show none of the labels", said))
        return self._page(
            "report.html",
            figures,
            classes=self._classes(),
            labels=[visible(label) for label in m.labels],
            confusion=m.confusion,
            reliability=plots.reliability([asdict(bin) for bin in m.reliability]),
            coverage=plots.coverage(m.coverage),
            mistakes=self._mistakes(limits),
        )

    def _classes(self) -> list[tuple[str, ...]]:
        return [
            (visible(c.label), str(c.count), with_interval(c.precision), with_interval(c.recall), f"{c.f1:.3f}")
            for c in sorted(self.metrics.classes, key=lambda c: c.f1)
            if c.count
        ]

    def _mistakes(self, limits: Limits) -> list[tuple[str, ...]]:
        """The most confident mistakes: (picture, true label, predicted label, confidence, file)."""
        mistakes = self.evaluation.mistakes(MISTAKES)
        pictures = thumbnails([example for example, _, _ in mistakes], limits)
        return [
            (
                picture,
                visible(example.label or NONE_CALLED),
                visible(said),
                percent(confidence),
                visible(example.source.name),
            )
            for picture, (example, said, confidence) in zip(pictures, mistakes, strict=True)
        ]


def thumbnails(examples: list[Example], limits: Limits) -> list[str]:
    """A small WebP of each example, in base64."""
    found = []
    with DecoderPool() as decoders:
        files = [patiently(example.source.read) for example in examples]
        for pixels in decoders.map(lambda decoder, data: decoder.rendition(data, _THUMB, limits), files):
            out = io.BytesIO()
            Image.fromarray(pixels).save(out, "WEBP", quality=70)
            found.append(base64.b64encode(out.getvalue()).decode())
    return found


def _claimed(one: LabelCompared) -> tuple[str, ...]:
    found = one.claimed
    return ("–",) * 3 if found is None else _three(found.precision, found.recall, found.average_precision)


def _here(one: LabelCompared) -> tuple[str, ...]:
    here = one.here
    mean = "–" if here.average_precision is None else f"{here.average_precision:.3f}"
    return with_interval(here.precision), with_interval(here.recall), mean


def _three(precision: float, recall: float, mean: float | None) -> tuple[str, str, str]:
    return f"{precision:.3f}", f"{recall:.3f}", "–" if mean is None else f"{mean:.3f}"


def interval(share: Share) -> str:
    """The interval of a share in brackets; nothing if there is none."""
    return "" if share.low is None or share.high is None else f"({share.low * 100:.0f}–{share.high * 100:.0f} %)"


def with_interval(share: Share) -> str:
    """A share with its interval."""
    return f"{share.share:.2f} {interval(share)}".strip()
