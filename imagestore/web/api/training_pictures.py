"""Labelled pictures to look at: what a model learned from, and what it was tested on."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from imagestore.errors import NotFound
from imagestore.store.training import TrainingPictures
from imagestore.web.api.common import ServicesDep, matches
from imagestore.web.api.files import FOREVER, RENDITION
from imagestore.web.api.projects import ProjectName
from imagestore.web.guards.access import OfProject
from imagestore.web.problems import ApiProblem
from preprocess import PictureError

router = APIRouter(prefix="/projects/{project}/training", tags=["Projects"])
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The SHA-256 of the picture's file.")]


@router.get(
    "/{sha256}/thumbnail",
    response_class=Response,
    responses=RENDITION,
    operation_id="trainingThumbnail",
    dependencies=[OfProject],
)
def thumbnail(request: Request, services: ServicesDep, project: ProjectName, sha256: Sha256) -> Response:
    """A labelled picture of a project, small (384 pixels at most), in WebP, upright, without metadata."""
    etag = f'"{sha256}-thumbnail"'
    headers = {"ETag": etag, "Cache-Control": FOREVER}
    pictures = TrainingPictures(services.stores.training, services.stores.projects.open(project).pictures_in)
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    try:
        data = pictures.picture(sha256)
    except NotFound:
        raise NotFound(f"'{project}' has no labelled picture {sha256[:12]}…; it may have been taken away.") from None
    try:
        return Response(services.renderer.of_file(data, "thumbnail"), 200, headers, "image/webp")
    except PictureError as error:
        raise ApiProblem(404, str(error.reason), f"There is nothing to show of this picture. {error.detail}") from None
