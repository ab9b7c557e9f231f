"""The API, version 1."""

from fastapi import APIRouter, Depends

from imagestore.web.api import (
    account,
    accounts,
    audit,
    batch,
    changes,
    classify,
    corrections,
    exports,
    files,
    jobs,
    keys,
    labelling,
    labels,
    models,
    oauth,
    overview,
    performance,
    pictures,
    projects,
    similar,
    training,
    training_pictures,
    watch,
    webhooks,
    why,
)
from imagestore.web.api.common import check_parameters

PREFIX = "/api/v1"
router = APIRouter(prefix=PREFIX, dependencies=[Depends(check_parameters)])
for part in (
    exports,  # before the pictures, one of whose ids "export" would be
    pictures,
    batch,
    corrections,
    changes,
    classify,
    why,
    similar,
    files,
    overview,
    watch,
    models,
    performance,
    projects,
    training,
    labelling,
    labels,
    training_pictures,
    jobs,
    account,
    accounts,
    keys,
    oauth,
    audit,
    webhooks,
):
    router.include_router(part.router)
router.include_router(accounts.invitations)
router.include_router(jobs.one)
