"""The page on which many pictures are labelled by keyboard."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from imagestore.web.api.common import FilterQuery, ServicesDep
from imagestore.web.labelling import count_unlabelled, digits, groups
from imagestore.web.rendering import render

router = APIRouter()


@router.get("/label")
def label_page(request: Request, services: ServicesDep, filter: FilterQuery) -> Response:
    """Pictures that pass the filter in the address and that nobody has labelled, look-alikes in groups."""
    found = groups(services.index, filter)
    query = {key: value for key, value in request.query_params.items() if value}
    return render(
        request,
        "label.html",
        groups=found,
        waiting=count_unlabelled(services.index, filter),
        digits=digits(services.index, services.live_model.all(), [group.suggestion for group in found]),
        query=query,
        list_query="?" + urlencode(query) if query else "",
    )
