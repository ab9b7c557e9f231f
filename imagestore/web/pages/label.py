"""The page on which many pictures are labelled by keyboard."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from imagestore.web.answering.training import lacks_of
from imagestore.web.api.common import FilterQuery, ServicesDep
from imagestore.web.index.labelling import alike_together, count_unlabelled, digits, groups
from imagestore.web.index.next_to_label import next_to_label
from imagestore.web.pages.rendering import render

router = APIRouter()


class Order(StrEnum):
    """The order of the groups."""

    SUGGESTION = "suggestion"
    HELPFUL = "helpful"


@router.get("/label")
def label_page(
    request: Request,
    services: ServicesDep,
    filter: FilterQuery,
    order: Annotated[Order, Query(description="Those with the same suggestion together, or what helps most.")] = (
        Order.SUGGESTION
    ),
) -> Response:
    """Pictures that pass the filter in the address and that nobody has labelled, look-alikes in groups."""
    if order is Order.HELPFUL:
        lacking, labels = lacks_of(services)
        found = alike_together(next_to_label(services.index, filter, lacking, labels))
    else:
        found = groups(services.index, filter)
    query = {key: value for key, value in request.query_params.items() if value and key != "order"}
    return render(
        request,
        "label.html",
        groups=found,
        waiting=count_unlabelled(services.index, filter),
        digits=digits(services.index, services.live_model.all(), [group.suggestion for group in found]),
        query=query,
        order=order,
        list_query="?" + urlencode(query) if query else "",
    )
