"""How good a version is: figures at a threshold, what is taken for what, and the pictures behind that."""

from typing import Annotated

from fastapi import APIRouter, Query

from imagestore.performance import told
from imagestore.performance.confusion import Wanted, pictures_of
from imagestore.performance.side_by_side import SideBySide
from imagestore.performance.told import Asked, ConfusionTable, Performance, TestPictures, ThresholdCurve
from imagestore.store.models import NAME
from imagestore.web.answering.versions import curve
from imagestore.web.api.common import Confidence, ServicesDep, Text
from imagestore.web.api.jobs import VERSION
from imagestore.web.api.models import Name, Number

router = APIRouter(prefix="/models/{name}/{version}", tags=["Models"])
MOST = 100
Threshold = Annotated[
    Confidence | None,
    Query(description="At this threshold instead of its own: of all labels, or of `label`."),
]
OfLabel = Annotated[Text | None, Query(description="The threshold is that of this label alone.")]


@router.get("/performance", operation_id="performance")
def read_performance(
    services: ServicesDep, name: Name, version: Number, threshold: Threshold = None, label: OfLabel = None
) -> Performance:
    """Precision, recall, F1 and average precision, together and by label, with 95 % intervals, on the pictures that
    were held out from the version's training."""
    answers = told.demand_answers(services.stores, name, version)
    return told.performance(name, version, answers, Asked(threshold, label))


@router.get("/thresholds", operation_id="thresholds")
def read_thresholds(
    services: ServicesDep,
    name: Name,
    version: Number,
    label: Annotated[Text | None, Query(description="Of this label's threshold, while the others keep theirs.")] = None,
) -> ThresholdCurve:
    """What each threshold from 0 to 1 does to precision, recall, the share that is answered, and the number of
    unknown, on test pictures and on the latest pictures."""
    return curve(services, name, version, told.demand_answers(services.stores, name, version), label)


@router.get("/confusion", operation_id="confusion")
def read_confusion(
    services: ServicesDep, name: Name, version: Number, threshold: Threshold = None, label: OfLabel = None
) -> ConfusionTable:
    """What a version takes for what, on test pictures. `test-pictures` are those behind a cell."""
    return told.confusion_table(told.demand_answers(services.stores, name, version), Asked(threshold, label))


@router.get("/test-pictures", operation_id="testPictures")
def list_test_pictures(
    services: ServicesDep,
    name: Name,
    version: Number,
    truth: Annotated[Text | None, Query(description="Only those that have this label.")] = None,
    not_truth: Annotated[Text | None, Query(description="Only those that do not have this label.")] = None,
    said: Annotated[
        Text | None, Query(description="Only those that are given this label; `unknown`: that are given none.")
    ] = None,
    not_said: Annotated[Text | None, Query(description="Only those that are not given this label.")] = None,
    negative: Annotated[bool, Query(description="Only those that show none of the labels.")] = False,
    threshold: Threshold = None,
    label: OfLabel = None,
    skip: Annotated[int, Query(ge=0, le=100_000, description="Without the first so many.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST, description="At most so many.")] = 24,
) -> TestPictures:
    """Test pictures with what the version says of them, the surest mistakes first.
    `/projects/{project}/training/{sha256}/thumbnail` shows one."""
    answers = told.demand_answers(services.stores, name, version)
    wanted = Wanted(truth, not_truth, said, not_said, negative)
    found = pictures_of(answers, Asked(threshold, label).of(answers), wanted)
    return TestPictures(len(found), found[skip : skip + limit])


@router.get("/comparison", operation_id="compare")
def compare(
    services: ServicesDep,
    name: Name,
    version: Number,
    other: Annotated[str, Query(alias="with", pattern=VERSION, description="The other version.")],
    project: Annotated[
        str | None, Query(pattern=NAME, description="The project of the other version, if it is another one.")
    ] = None,
) -> SideBySide:
    """Two versions on the same pictures: those that both were tested on, and that neither learned from."""
    return told.compared(services.stores, name, version, project or name, other)
