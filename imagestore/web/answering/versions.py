"""What the pages and the API tell of a version that the index knows something of."""

from imagestore.errors import NotFound
from imagestore.performance import figures
from imagestore.performance.answers import Answers
from imagestore.performance.told import Asked, RecentUnknown, ThresholdCurve
from imagestore.store.held_out import STEPS
from imagestore.web.index.recent_answers import DAYS, recent_answers
from imagestore.web.services import Services


def demand_version(services: Services, name: str, version: str) -> None:
    """Raises NotFound if there is no such version, or its project is deleted."""
    services.stores.projects.open(name)
    if not services.stores.models.has(name, version):
        raise NotFound(f"There is no version {version} of the model '{name}'.")


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
