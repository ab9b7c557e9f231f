"""The API, version 1."""

from fastapi import APIRouter

from web.api import files, insight, models, pictures

PREFIX = "/api/v1"
router = APIRouter(prefix=PREFIX)
for part in (pictures, files, insight, models):
    router.include_router(part.router)
