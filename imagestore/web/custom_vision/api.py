"""All routes of Custom Vision's API."""

from fastapi import APIRouter

from imagestore.web.custom_vision import (
    container,
    images,
    iterations,
    others,
    performance,
    prediction,
    projects,
    suggestions,
    tags,
)

ROUTERS: tuple[APIRouter, ...] = (
    container.router,
    others.router,
    others.content_router,
    prediction.router, projects.router, tags.router, images.content_router, images.router, iterations.router,
    performance.router, suggestions.router,
)  # fmt: skip
