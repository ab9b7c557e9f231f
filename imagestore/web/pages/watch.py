"""The page of what is watched: whether pictures drift away from the live models, and how right those are."""

from fastapi import APIRouter, Request, Response

from imagestore.pipeline.watch import drift
from imagestore.web.api.common import ServicesDep
from imagestore.web.models import watching
from imagestore.web.pages.rendering import render

router = APIRouter()


@router.get("/watch")
def watch_page(request: Request, services: ServicesDep) -> Response:
    """A section for each live model, and a table of what reviews say of versions."""
    found = watching.watch(services.index, services.stores, services.live_model, services.verdicts)
    return render(request, "watch.html", watch=found, drift=drift)
