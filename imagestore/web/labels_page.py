"""The page of the labels that people have given: how many pictures each has; rename, merge or delete one."""

from fastapi import APIRouter, Request, Response

from imagestore.web.api.common import ServicesDep
from imagestore.web.queries import Filter, counts
from imagestore.web.rendering import render

router = APIRouter()


@router.get("/labels")
def labels_page(request: Request, services: ServicesDep) -> Response:
    """The labels in corrections, the most given first."""
    given = counts(services.index, Filter(corrected=True, hidden=services.hidden_ids)).labels
    return render(request, "labels.html", labels=given)
