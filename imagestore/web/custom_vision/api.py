"""All routes of Custom Vision's API."""

from fastapi import APIRouter

from imagestore.web.custom_vision import images, iterations, prediction, projects, tags

ROUTERS: tuple[APIRouter, ...] = (
    prediction.router, projects.router, tags.router, images.content_router, images.router, iterations.router,
)  # fmt: skip
