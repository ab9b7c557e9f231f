"""What is watched of the live models: whether pictures drift away from them, and how right they are."""

from fastapi import APIRouter

from imagestore.pipeline.watch.watched import Watch
from imagestore.web.api.common import ServicesDep
from imagestore.web.models import watching

router = APIRouter(tags=["Models"])


@router.get("/watch", operation_id="watch")
def watch(services: ServicesDep) -> Watch:
    """Of each live model its baseline, the days since with the test of each, the share that was unknown, and what
    reviews say of it and of the versions before."""
    return watching.watch(services.index, services.stores, services.live_model, services.verdicts)
