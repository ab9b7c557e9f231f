"""Custom Vision's iterations: trainings, the versions that they made, and what is published."""

from collections import Counter
from dataclasses import replace
from typing import Annotated

import msgspec
from fastapi import Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from imagestore.accounts.callers import Caller
from imagestore.errors import Conflict, NotAProject, NotFound
from imagestore.jobs.job import Arguments, HowToTrain, Job, JobKind, JobState
from imagestore.pipeline.models.projects import publish, unpublish
from imagestore.record import utc
from imagestore.store.custom_vision import CustomVisionFile, Iteration, derived
from imagestore.store.projects import LabelsPerPicture, Project
from imagestore.web.api.common import ServicesDep
from imagestore.web.custom_vision import answers
from imagestore.web.custom_vision.answering import predict
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.intake import MOST_BYTES
from imagestore.web.custom_vision.pictures import pictures_of
from imagestore.web.custom_vision.prediction import FIELD, fetched
from imagestore.web.custom_vision.projects import GENERAL, MULTICLASS, MULTILABEL
from imagestore.web.custom_vision.routing import ProjectDep, answer, body_of, id_of, training_router
from imagestore.web.guards.access import AuditNote, CallerDep, NoteDep
from imagestore.web.intake.bodies import whole_picture
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = training_router()
FEWEST_PICTURES, FEWEST_TAGS = 5, 2
TRAINING, COMPLETED, FAILED = "Training", "Completed", "Failed"
IterationId = Annotated[str | None, Query(alias="iterationId")]


class ChangedIteration(msgspec.Struct):
    """What is to change of an iteration."""

    name: str | None = None


class Training(msgspec.Struct, rename="camel"):
    """What is asked of a training."""

    selected_tags: list[str] | None = None


@router.post("/projects/{project_id}/train")
async def train_project(
    request: Request, services: ServicesDep, caller: CallerDep, note: NoteDep, project: ProjectDep
) -> Response:
    """Begin to train a new iteration on all that is tagged."""
    asked = await body_of(request, Training, when_empty=Training())
    return await run_in_threadpool(_begun, services, caller, note, project, asked)


def _begun(services: Services, caller: Caller, note: AuditNote, project: Project, asked: Training) -> Response:
    if asked.selected_tags:
        every = {tag.id for tag in pictures_of(services, project).tags.by_name.values()}
        if not every <= {id.lower() for id in asked.selected_tags}:
            raise refused("BadRequestNotSupported", "A training takes all tags here: selectedTags leaves some out.")
    _demand_enough(services, project)
    try:
        job = services.jobs.put(JobKind.TRAIN, caller.account, Arguments(project.name, training=HowToTrain()))
    except Conflict as error:
        raise refused("BadRequestTrainingAlreadyInProgress", str(error)) from None
    made = Iteration(derived("job", project.name, job.id), "", utc(), job.id)

    def added(file: CustomVisionFile) -> CustomVisionFile:
        number = len(_all(services, project, file)) + len(file.deleted_iterations) + 1
        return replace(file, iterations=(*file.iterations, replace(made, name=f"Iteration {number}")))

    file = services.stores.custom_vision.change(project.name, added)
    note.target, note.after = project.name, {"job": job.id}
    return answer(_shown(services, project, next(one for one in file.iterations if one.id == made.id)))


@router.get("/projects/{project_id}/iterations")
def get_iterations(services: ServicesDep, project: ProjectDep) -> Response:
    """The iterations, the newest first."""
    found = _all(services, project, services.stores.custom_vision.read(project.name))
    return answer([_shown(services, project, one) for one in reversed(found)])


@router.get("/projects/{project_id}/iterations/{iteration_id}")
def get_iteration(services: ServicesDep, project: ProjectDep, iteration_id: str) -> Response:
    """One iteration."""
    return answer(_shown(services, project, found_iteration(services, project, iteration_id)))


@router.patch("/projects/{project_id}/iterations/{iteration_id}")
async def update_iteration(
    request: Request, services: ServicesDep, project: ProjectDep, note: NoteDep, iteration_id: str
) -> Response:
    """Give an iteration another name."""
    wanted = await body_of(request, ChangedIteration)
    note.target = project.name

    def change() -> answers.Iteration:
        one = found_iteration(services, project, iteration_id)
        after = replace(one, name=wanted.name or one.name)

        def renamed(file: CustomVisionFile) -> CustomVisionFile:
            others = tuple(i for i in file.iterations if i.id != one.id)
            is_gone = one.job is not None and len(others) == len(file.iterations)
            if is_gone or one.version in file.deleted_iterations:
                raise _unknown(project, iteration_id)  # deleted a moment ago
            return replace(file, iterations=(*others, after))

        services.stores.custom_vision.change(project.name, renamed)
        return _shown(services, project, after)

    return answer(await run_in_threadpool(change))


@router.delete("/projects/{project_id}/iterations/{iteration_id}", status_code=204)
def delete_iteration(services: ServicesDep, project: ProjectDep, note: NoteDep, iteration_id: str) -> Response:
    """Leave an iteration out of the list. The version that it made stays here."""
    one = found_iteration(services, project, iteration_id)
    if _published(project, one) is not None:
        raise refused("BadRequestIterationIsPublished", "The iteration is published: unpublish it first.")
    if one.version is None and (job := _job(services, one)) is not None and job.state.is_open:
        said = "The iteration is being trained: wait for its end, or cancel the job (imagestore jobs list)."
        raise refused("BadRequestTrainingAlreadyInProgress", said)
    note.target, note.before = project.name, {"iteration": one.id}
    services.stores.custom_vision.change(
        project.name,
        lambda file: replace(
            file,
            iterations=tuple(i for i in file.iterations if i.id != one.id),
            deleted_iterations=(*file.deleted_iterations, one.version or ""),
        ),
    )
    return Response(status_code=204)


@router.post("/projects/{project_id}/iterations/{iteration_id}/publish")
def publish_iteration(
    services: ServicesDep,
    note: NoteDep,
    project: ProjectDep,
    iteration_id: str,
    name: Annotated[str, Query(alias="publishName")],
    overwrite: Annotated[bool, Query()] = False,
) -> Response:
    """Publish an iteration under a name. What classifies uploads stays as it is."""
    one = found_iteration(services, project, iteration_id)
    version = version_of_iteration(one)
    note.target, note.after = project.name, {"version": version, "published": name}

    def demand_free(now: Project) -> None:
        if now.published.get(name, version) != version and not overwrite:
            raise refused("BadRequestInvalidPublishName", f"Another iteration is published as '{name[:64]}'.")

    try:
        publish(services.stores, project.name, version, name, is_only_name=True, demand=demand_free)
    except NotAProject as error:
        raise refused("BadRequestInvalidPublishName", str(error)) from None
    except (Conflict, NotFound) as error:
        raise refused("BadRequestIterationValidationFailed", str(error)) from None
    return answer(True)


@router.delete("/projects/{project_id}/iterations/{iteration_id}/publish", status_code=204)
def unpublish_iteration(services: ServicesDep, note: NoteDep, project: ProjectDep, iteration_id: str) -> Response:
    """Take back that an iteration is published."""
    name = _published(project, found_iteration(services, project, iteration_id))
    if name is None:
        raise refused("BadRequestIterationNotPublished", "The iteration is not published.")
    note.target, note.before = project.name, {"published": name}
    unpublish(services.stores, project.name, name)
    return Response(status_code=204)


@router.post("/projects/{project_id}/quicktest/image")
async def quick_test_image(
    request: Request, services: ServicesDep, project: ProjectDep, iteration_id: IterationId = None
) -> Response:
    """What an iteration, or the newest, says of a picture, of which nothing is kept."""
    data = await whole_picture(request, MOST_BYTES, FIELD)
    return await run_in_threadpool(_tested, services, project, iteration_id, data)


@router.post("/projects/{project_id}/quicktest/url")
async def quick_test_image_url(
    request: Request, services: ServicesDep, project: ProjectDep, iteration_id: IterationId = None
) -> Response:
    """The same of a picture at an address."""
    data = await fetched(request, services, MOST_BYTES)
    return await run_in_threadpool(_tested, services, project, iteration_id, data)


def _tested(services: Services, project: Project, iteration_id: str | None, data: bytes) -> Response:
    return answer(predict(services, project, newest_version(services, project, iteration_id), data, store=False))


def newest_version(services: Services, project: Project, iteration_id: str | None) -> str:
    """The version of this iteration, or of the newest that is trained. Raises ApiProblem."""
    if iteration_id is not None:
        return version_of_iteration(found_iteration(services, project, iteration_id))
    written = services.stores.custom_vision.read(project.name)
    whole = [one for one in _all(services, project, written) if one.version is not None]
    if not whole:
        raise refused("BadRequestIterationIsNotTrained", "No iteration of the project has been trained.")
    return version_of_iteration(whole[-1])


def _all(services: Services, project: Project, file: CustomVisionFile) -> list[Iteration]:
    """The iterations, the oldest first: those that were asked for here, and versions that came another way."""
    written = [_settled(services, project, one) for one in file.iterations]
    kept = {version: utc(at) for version, at in services.stores.models.kept_at(project.name).items()}
    jobs = [_job(services, one) for one in written if one.version is None]
    being_made = {version for job in jobs if job is not None for version in job.versions}
    known = {one.version for one in written} | being_made | set(file.deleted_iterations)
    found = [one if one.created_at else replace(one, created_at=kept.get(one.version or "", "")) for one in written] + [
        Iteration(derived("iteration", project.name, version), f"Version {version}", at, None, version)
        for version, at in kept.items()
        if version not in known
    ]
    return sorted(found, key=lambda one: (one.created_at, int(one.version or 0)))


def _settled(services: Services, project: Project, one: Iteration) -> Iteration:
    """The iteration with its version, once its job has ended."""
    if one.version is not None or one.job is None:
        return one
    job = _job(services, one)
    version = job.result.version if job is not None and job.result is not None else None
    if version is None:
        return one
    services.stores.custom_vision.trained(project.name, one.job, version)
    return replace(one, version=version)


def found_iteration(services: Services, project: Project, id: str) -> Iteration:
    """The iteration with this UUID. Raises ApiProblem 404."""
    file = services.stores.custom_vision.read(project.name)
    for one in _all(services, project, file):
        if one.id == id.lower():
            return one
    raise _unknown(project, id)


def _unknown(project: Project, id: str) -> ApiProblem:
    return refused("NotFoundIteration", f"There is no iteration {id[:40]} of '{project.title}'.", 404)


def version_of_iteration(one: Iteration) -> str:
    """The version that it made. Raises ApiProblem 400 if it has made none yet."""
    if one.version is None:
        raise refused("BadRequestIterationIsNotTrained", f"'{one.name}' has not been trained to its end.")
    return one.version


def _published(project: Project, one: Iteration) -> str | None:
    return next((name for name, version in project.published.items() if version == one.version), None)


def _job(services: Services, one: Iteration) -> Job | None:
    try:
        return None if one.job is None else services.jobs.read(one.job)
    except NotFound:  # it ended long ago
        return None


def _shown(services: Services, project: Project, one: Iteration) -> answers.Iteration:
    status, ended, why, job = COMPLETED, one.created_at, None, _job(services, one)
    if one.version is None and job is not None and job.result is not None:  # it ended a moment ago
        one = replace(one, version=job.result.version)
    if job is not None and not job.state.is_open:
        ended = job.ended_at or ended
    if one.version is None:
        status = TRAINING if job is not None and job.state.is_open else FAILED
        why = job.result.say if job is not None and job.result and job.state is not JobState.DONE else None
    several = project.labels_per_picture is LabelsPerPicture.SEVERAL
    created = one.created_at or utc()
    return answers.Iteration(
        id=one.id,
        name=one.name,
        status=status,
        created=created,
        last_modified=ended or created,
        trained_at=(ended or created) if status == COMPLETED else None,
        project_id=id_of(project),
        exportable=status == COMPLETED,
        exportable_to=["ONNX"] if status == COMPLETED else [],
        domain_id=services.stores.custom_vision.read(project.name).domain or GENERAL,
        classification_type=MULTILABEL if several else MULTICLASS,
        publish_name=_published(project, one) if one.version else None,
        training_error_details=why,
    )


def _demand_enough(services: Services, project: Project) -> None:
    pictures = pictures_of(services, project, fresh=True)
    counts = Counter(label for one in pictures.listed for label in one.labels)
    several = project.labels_per_picture is LabelsPerPicture.SEVERAL
    code = f"BadRequestMulti{'Label' if several else 'Class'}ClassificationTrainingValidationFailed"
    if len(counts) < FEWEST_TAGS:
        raise refused(code, f"There are pictures of {len(counts)} tags; at least {FEWEST_TAGS} are needed.")
    if few := sorted(label for label, count in counts.items() if count < FEWEST_PICTURES):
        said = f"'{few[0]}' has {counts[few[0]]} pictures; each tag needs at least {FEWEST_PICTURES}."
        raise refused(code, said)
