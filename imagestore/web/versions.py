"""A version as its page and the API tell of it: what it said of held-out pictures, at the thresholds that are asked
for."""

from dataclasses import dataclass

from imagestore.errors import Conflict, NotFound
from imagestore.performance import figures
from imagestore.performance.answers import Answers, Thresholds, answers_of
from imagestore.performance.confusion import confusion, errors_by_label
from imagestore.performance.learned import LearnedFrom, learned_from
from imagestore.performance.side_by_side import SideBySide, side_by_side
from imagestore.store.held_out import STEPS
from imagestore.web.recent_answers import DAYS, recent_answers
from imagestore.web.services import Services
from imagestore.web.version_answers import ConfusionTable, Performance, RecentUnknown, ThresholdCurve, ThresholdsOf


@dataclass(frozen=True)
class Asked:
    """At which thresholds: the version's own, but `threshold` for all labels, or for one."""

    threshold: float | None = None
    label: str | None = None

    def of(self, answers: Answers) -> Thresholds:
        """These thresholds. Raises NotFound if the version does not know the label."""
        if self.label is not None and self.label not in {one.label for one in answers.labels}:
            raise NotFound(f"It knows no label '{self.label}'.")
        if self.threshold is None:
            return answers.thresholds
        if self.label is None:
            return answers.thresholds.with_all(self.threshold)
        return answers.thresholds.with_one(self.label, self.threshold)


def demand_version(services: Services, name: str, version: str) -> None:
    """Raises NotFound if there is no such version, or its project is deleted."""
    services.stores.projects.open(name)
    if not services.stores.models.has(name, version):
        raise NotFound(f"There is no version {version} of the model '{name}'.")


def demand_answers(services: Services, name: str, version: str) -> Answers:
    """What a version said of held-out pictures. Raises NotFound if there is no such version, or that was not kept."""
    demand_version(services, name, version)
    answers = answers_of(services.stores.models, name, version)
    if answers is None:
        raise NotFound(
            f"What {name} {version} says of test pictures is not kept, as of a version that was added. Its training "
            "keeps that: imagestore train."
        )
    return answers


def performance(name: str, version: str, answers: Answers, asked: Asked) -> Performance:
    """How good a version is at these thresholds. Raises NotFound."""
    thresholds = asked.of(answers)
    return Performance(
        name=name,
        version=version,
        several=answers.has_several,
        pictures=len(answers.pictures),
        count=answers.count,
        look_alikes=answers.has_groups,
        thresholds=told(thresholds),
        own=told(answers.thresholds),
        together=figures.at(answers, thresholds),
        labels=figures.by_label(answers, thresholds),
    )


def curve(services: Services, name: str, version: str, answers: Answers, label: str | None) -> ThresholdCurve:
    """What each threshold does, of all labels or of one. Raises NotFound, Unavailable."""
    thresholds = Asked(label=label).of(answers)
    inspected = services.stores.models.inspection(name, version)
    recent = None
    if inspected is not None:
        found = recent_answers(services.index, inspected.sha256, thresholds, has_several=answers.has_several)
        recent = RecentUnknown(
            days=DAYS,
            looked_at=found.looked_at,
            pictures=found.answers.count,
            now=figures.at(found.answers, thresholds).unknown,
            unknown=[one.unknown for one in figures.at_every(found.answers, label)]
            if found.answers.count
            else [0] * (STEPS + 1),
        )
    return ThresholdCurve(label, figures.at(answers, thresholds, label), figures.at_every(answers, label), recent)


def confusion_table(answers: Answers, asked: Asked) -> ConfusionTable:
    """What is taken for what at these thresholds. Raises NotFound."""
    thresholds = asked.of(answers)
    if answers.has_several:
        return ConfusionTable(told(thresholds), [], errors_by_label(answers, thresholds))
    return ConfusionTable(told(thresholds), confusion(answers, thresholds).cells, [])


def compared(services: Services, name: str, version: str, other: str, other_version: str) -> SideBySide:
    """Two versions on the same pictures. Raises NotFound; Conflict if they cannot be compared; Unavailable."""
    projects = [services.stores.projects.open(one) for one in (name, other)]
    if projects[0].pictures_in != projects[1].pictures_in:
        raise Conflict(
            f"'{projects[0].title}' and '{projects[1].title}' have labelled pictures of their own, so no picture tests "
            "both. Compare versions of one project."
        )
    if (name, version) == (other, other_version):
        raise Conflict(f"{name} {version} is one version. Say which other one it is to be compared with.")
    both = (demand_answers(services, name, version), demand_answers(services, other, other_version))
    return side_by_side(both, (_learned(services, name, version), _learned(services, other, other_version)))


def _learned(services: Services, name: str, version: str) -> LearnedFrom:
    found = learned_from(services.stores.models, name, version)
    if found is None:
        raise Conflict(
            f"What {name} {version} learned from is not kept, so no picture is known to be new to it. Compare versions "
            "that were trained here."
        )
    return found


def told(thresholds: Thresholds) -> ThresholdsOf:
    """Thresholds as they are answered."""
    return ThresholdsOf(thresholds.common, dict(thresholds.own))
