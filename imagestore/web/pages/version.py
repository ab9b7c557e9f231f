"""The page of a version: how good it is, what each threshold does, what it takes for what, what it learned from, and a
box to try it; and the page of two versions side by side."""

from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from imagestore.errors import Conflict, NotFound, StoreError
from imagestore.performance import told
from imagestore.performance.answers import Answers, answers_of
from imagestore.performance.confusion import (
    UNKNOWN,
    Confusion,
    LabelErrors,
    SaidOfPicture,
    Wanted,
    confusion,
    errors_by_label,
    pictures_of,
)
from imagestore.performance.learned import learned_from
from imagestore.performance.told import Asked
from imagestore.store.models import NAME
from imagestore.web.answering.versions import demand_version
from imagestore.web.api.common import Confidence, ServicesDep, Text
from imagestore.web.api.jobs import VERSION
from imagestore.web.api.models import Name, Number
from imagestore.web.models.shipped_model import shipped_model
from imagestore.web.pages.rendering import render
from imagestore.web.services import Services

router = APIRouter()
PAGE = 24
MOST_DIFFERING = 48
_MOST_OTHERS = 100
MEASURES = {
    "right": "Given what they show, and nothing else",
    "precision": "Right among the labels it gives (precision)",
    "recall": "Given, of the labels that hold (recall)",
    "macro_f1": "Macro-F1, each label counting alike",
    "answered": "Answered",
}


@dataclass(frozen=True)
class Behind:
    """The pictures behind a cell of the table: how many there are, some of them, what they have in common as words, and
    the address of the next ones."""

    total: int
    items: list[SaidOfPicture]
    said: str
    more: str | None


@dataclass(frozen=True)
class Mistakes:
    """What is taken for what: one of the two, by the kind of the version, and the pictures behind a chosen cell.
    `query` is what the addresses of cells keep: the thresholds, if they are not the version's own."""

    confusion: Confusion | None
    by_label: list[LabelErrors]
    behind: Behind | None
    query: dict[str, str]
    wanted: Wanted
    asked: Asked

    def address(self, **cell: str) -> str:
        """The address of the page with this cell's pictures."""
        return "?" + urlencode({**self.query, **cell}) + "#behind"


@router.get("/models/shipped")
def shipped_page(request: Request, services: ServicesDep) -> Response:
    """The card of the model that came with the app, with the figures that were measured of it."""
    found = services.stores.routes.read()
    return render(
        request, "shipped.html", shipped=shipped_model(services.classifier.shipped), is_live=found.default is None
    )


@router.get("/models/{name}/{version}")
def version_page(
    request: Request,
    services: ServicesDep,
    name: Name,
    version: Number,
    truth: Text | None = None,
    not_truth: Text | None = None,
    said: Text | None = None,
    not_said: Text | None = None,
    negative: bool = False,
    threshold: Confidence | None = None,
    label: Text | None = None,
    skip: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Response:
    """All about one version; as a fragment, what it takes for what alone, with the pictures behind a chosen cell."""
    demand_version(services, name, version)
    answers = answers_of(services.stores.models, name, version)
    wanted, asked = Wanted(truth, not_truth, said, not_said, negative), Asked(threshold, label)
    mistakes = None if answers is None else _mistakes(answers, wanted, asked, skip)
    shared: dict[str, Any] = {"model": name, "version": version, "mistakes": mistakes, "UNKNOWN": UNKNOWN}
    if request.headers.get("x-fragment"):
        if mistakes is None:
            return Response(status_code=204)
        return render(request, "mistakes.html", **shared)
    project, found = services.stores.projects.open(name), services.stores.routes.read()
    learned = learned_from(services.stores.models, name, version)
    return render(
        request,
        "model.html",
        **shared,
        title=project.title,
        figures=services.stores.models.figures(name, version),
        problem=services.stores.models.problem(name, version),
        thresholds_set=services.stores.models.thresholds_set(name, version),
        is_live=found.is_live(name, version),
        published=[published for published, number in project.published.items() if number == version],
        performance=None if answers is None else told.performance(name, version, answers, Asked()),
        learned=learned.count_by_label() if learned else {},
        others=_others(services, name, version),
        has_runner=_has_runner(services),
    )


@router.get("/models/{name}/{version}/compare")
def compare_page(
    request: Request,
    services: ServicesDep,
    name: Name,
    version: Number,
    other: Annotated[str, Query(alias="with", pattern=VERSION)],
    project: Annotated[str | None, Query(pattern=NAME)] = None,
) -> Response:
    """Two versions side by side, on the same pictures."""
    found, why_not = None, ""
    try:
        found = told.compared(services.stores, name, version, project or name, other)
    except (NotFound, Conflict) as error:
        if not services.stores.models.has(name, version) or not services.stores.models.has(project or name, other):
            raise
        why_not = str(error)
    return render(
        request,
        "compare.html",
        model=name,
        version=version,
        other=(project or name, other),
        others=_others(services, name, version),
        found=found and replace(found, differing=found.differing[:MOST_DIFFERING]),
        differing=len(found.differing) if found else 0,
        why_not=why_not,
        MEASURES=MEASURES,
    )


def _mistakes(answers: Answers, wanted: Wanted, asked: Asked, skip: int) -> Mistakes:
    thresholds = asked.of(answers)
    query = {"threshold": f"{asked.threshold:g}"} if asked.threshold is not None else {}
    query |= {"label": asked.label} if asked.label is not None and query else {}
    behind = None
    if wanted != Wanted():
        found = pictures_of(answers, thresholds, wanted)
        cell = {key: value for key, value in vars(wanted).items() if isinstance(value, str)}
        cell |= {"negative": "true"} if wanted.negative else {}
        is_last = skip + PAGE >= len(found)
        more = None if is_last else "?" + urlencode({**query, **cell, "skip": str(skip + PAGE)}) + "#behind"
        behind = Behind(len(found), found[skip : skip + PAGE], _in_words(wanted, len(found)), more)
    return Mistakes(
        confusion=None if answers.has_several else confusion(answers, thresholds),
        by_label=errors_by_label(answers, thresholds) if answers.has_several else [],
        behind=behind,
        query=query,
        wanted=wanted,
        asked=asked,
    )


def _in_words(wanted: Wanted, count: int) -> str:
    """What the pictures behind a cell have in common: "3 pictures of rose that it takes for tulip"."""
    said = f"{count:,} picture{'s' * (count != 1)}"
    said += " of none of the labels" if wanted.negative else f" of {wanted.truth}" if wanted.truth else ""
    if wanted.said == UNKNOWN:
        return f"{said} that it calls unknown"
    if wanted.said is not None and wanted.said == wanted.truth:
        return f"{said} that it knows"
    if wanted.not_said is not None:
        return f"{said} that it does not call {wanted.not_said}"
    if wanted.not_truth is not None:
        return f"{said} that it calls {wanted.said} though they are not"
    return f"{said} that it takes for {wanted.said}" if wanted.said else said


def _others(services: Services, name: str, version: str) -> list[str]:
    """The other versions of the same project, the newest first."""
    found = [number for _, number in services.stores.models.versions(name) if number != version]
    return found[::-1][:_MOST_OTHERS]


def _has_runner(services: Services) -> bool:
    """Whether there is a runner that does what is put in here, as far as one can tell."""
    try:
        return bool(services.jobs.kinds())
    except StoreError:
        return True
