"""Many pictures in one request: the files of a form, each taken in as it arrives."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect

from imagestore.errors import ImageStoreError, Unavailable
from imagestore.pipeline.upload import BatchUploaded, FileStatus, UploadedFile
from imagestore.record import LONGEST_NAME, record_id
from imagestore.web.api.common import ServicesDep, received
from imagestore.web.guards.access import NoteDep
from imagestore.web.intake.bodies import sent_bytes
from imagestore.web.intake.multipart import FORM, NOTHING_KEPT, bad_form
from imagestore.web.intake.names import checked
from imagestore.web.intake.receive import IfExists
from imagestore.web.intake.streamed_form import StreamedForm, too_large_form
from imagestore.web.problems import ApiProblem, problem_of
from imagestore.web.services import Services

router = APIRouter(prefix="/pictures", tags=["Pictures"])
MOST_FILES = 100
MOST_BYTES = 2**30
_SOME_KEPT = "Which files were kept is in `items`; send the others again."
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1, "maxItems": MOST_FILES}
BODY = {
    "requestBody": {
        "required": True,
        "description": f"A form with 1 to {MOST_FILES} files, of {MOST_BYTES:,} bytes at most together.",
        "content": {FORM: {"schema": {"type": "object", "required": ["file"], "properties": {"file": _FILES}}}},
    }
}


@router.post("/batch", status_code=202, response_model=BatchUploaded, openapi_extra=BODY, operation_id="uploadMany")
async def upload_many(
    request: Request,
    services: ServicesDep,
    note: NoteDep,
    prefix: Annotated[str, Query(max_length=LONGEST_NAME, description="Put before each name, such as `pets/`.")] = "",
    if_exists: Annotated[IfExists, Query(description="Where a name is taken by another picture.")] = IfExists.ERROR,
) -> BatchUploaded:
    """Upload many pictures, each under the name of its file. One that is refused, with why, stops no other; what was
    taken in before the form breaks off stays."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise ApiProblem(415, "unknown_kind", f"Many pictures come as a form: {FORM}.")
    if sent_bytes(request.headers.get("content-length", "0")) > MOST_BYTES:
        raise too_large_form(MOST_BYTES)
    form, items = StreamedForm(content_type, request.stream(), MOST_BYTES), list[UploadedFile]()
    stopped: ApiProblem | None = None
    try:
        async for name, content in form.files():
            if len(items) == MOST_FILES:
                detail = f"A form has {MOST_FILES} files at most. Send those after the last in another one."
                raise ApiProblem(413, "too_many_files", detail)
            items.append(await _uploaded(services, form, prefix + name, content, if_exists))
    except ClientDisconnect:
        raise ApiProblem(400, "broken_off", "The form broke off; the files that had come whole were kept.") from None
    except (ApiProblem, Unavailable) as error:
        stopped = problem_of(error)
    finally:
        note.after = {"pictures": [one.id for one in items if one.status is FileStatus.TAKEN]}
    if stopped is None and not items:
        stopped = bad_form("it holds no file; files are sent as in curl -F file=@a.jpg -F file=@b.jpg")
    if stopped is not None and all(one.status is FileStatus.REFUSED for one in items):
        raise stopped
    return BatchUploaded(items, None if stopped is None else stopped.detail.replace(NOTHING_KEPT, _SOME_KEPT))


async def _uploaded(
    services: Services, form: StreamedForm, name: str, content: AsyncIterator[bytes], if_exists: IfExists
) -> UploadedFile:
    """What came of one file. Raises what the next file would meet too: ClientDisconnect, Unavailable, and the problem
    with the form itself."""
    try:
        checked(name, services.options.max_name_length)
        taken_in = await received(services, name, content, if_exists)
    except Unavailable:
        raise
    except (ApiProblem, ImageStoreError) as error:
        if error is form.failed:
            raise
        problem = problem_of(error)
        return UploadedFile(name, FileStatus.REFUSED, code=problem.code, why=problem.detail)
    status = FileStatus.TAKEN if taken_in.is_new else FileStatus.UNCHANGED
    return UploadedFile(taken_in.name, status, record_id(taken_in.name), taken_in.etag)
