"""What the pages and the API tell of a project's training: what is labelled, what is missing, and the work on it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from imagestore.errors import StoreError, TrainingError
from imagestore.jobs.job import JobKind
from imagestore.jobs.status import JobStatus
from imagestore.pipeline.labelling.labelled import tally
from imagestore.pipeline.labelling.learnable import WANTED, TrainingState, learnable
from imagestore.record import Record, utc
from imagestore.store.labelling import labelling
from imagestore.store.projects import Project, ProjectState
from imagestore.store.training import TrainingPictures
from imagestore.web.index.picture_lists import Listing
from imagestore.web.index.training_queries import corrections
from imagestore.web.services import Services

log = logging.getLogger("imagestore.web")
_KINDS = (JobKind.TRAIN, JobKind.PROMOTE)


def state_of(services: Services, project: Project) -> TrainingState:
    """What the project could learn from now. Raises NotMigrated, Unavailable."""
    newest, since = newest_version(services, project.name)
    projects = services.stores.projects.read()
    pictures = listed(services, project)

    def is_of(classified_by: str | None) -> bool:
        return projects.pictures_of(classified_by) == project.pictures_in

    given = corrections(services.index, is_of, since, pictures.labels_of, has_several=project.has_several)
    there = pictures.tally
    if given.relabelled:
        before = [one for one in pictures if one.sha256 in given.relabelled]
        after = [replace(one, labels=given.relabelled[one.sha256]) for one in before]
        there = there.less(tally(before)).more(tally(after))
    found = learnable(project, there, given.labels, given.contradicted, given.at_odds)
    return TrainingState(
        project=project.name,
        title=project.title,
        labels_per_picture=project.labels_per_picture,
        pictures_of=project.pictures_in,
        labels=found.labels,
        negatives=found.negatives,
        unlabelled=found.unlabelled,
        corrections=given.count,
        new_corrections=given.new,
        newest=newest,
        problems=found.problems,
        left_out=found.left_out,
        same_case=found.same_case,
        is_enough=not found.problems,
    )


def listed(services: Services, project: Project, *, fresh: bool = False) -> Listing:
    """The labelled pictures of a project that are there, the newest first; with `fresh`, also what another process
    changed a moment ago. Raises NotMigrated, Unavailable."""
    pictures = TrainingPictures(services.stores.training, project.pictures_in)
    services.picture_lists.demand_migrated(pictures, services.stores.projects.gone)
    return services.picture_lists.get(pictures, fresh=fresh)


def newest_version(services: Services, name: str) -> tuple[str | None, str]:
    """The newest version of a project's model, and when (UTC) its training read the labels, or where that is not known,
    when it was kept; "" if there is none."""
    found: dict[str, datetime] = services.stores.models.kept_at(name)
    if not found:
        return None, ""
    newest = max(found, key=int)
    known = labelling(services.stores.models, name, newest)
    return newest, (known.gathered_at if known else "") or utc(found[newest])


@dataclass(frozen=True)
class Work:
    """The job that was put in last of those that train a project's model or promote a version of it, None if there was
    none; whether there is a runner that does such jobs; and whether the database could say."""

    job: JobStatus | None
    has_runner: bool = True
    is_known: bool = True


def work_on(services: Services, name: str) -> Work:
    """The latest work on a project's model, as far as it is among the latest jobs."""
    try:
        kinds = services.jobs.kinds()
        of_it = (job for job in services.jobs.list() if job.kind in _KINDS and job.arguments.name == name)
        found = next(of_it, None)
    except StoreError as error:
        log.warning("%s", error)
        return Work(None, is_known=False)
    return Work(None if found is None else JobStatus.of(found, found.kind in kinds), JobKind.TRAIN in kinds)


def lacks_of(services: Services) -> tuple[Callable[[Record], Mapping[str, float]], list[str]]:
    """What tells of a picture what the labels of its project lack, from 0 (nothing) to 1 (all), and the labels that
    lack most, in any project. Where the stores do not say, nothing is known to lack."""
    found = dict[str, dict[str, float]]()
    try:
        projects = services.stores.projects.read()
        for folder in {one.pictures_in for one in services.stores.projects.list() if one.state is ProjectState.OPEN}:
            state = state_of(services, services.stores.projects.open(folder))
            found[folder] = {one.label: one.wanted / WANTED for one in state.labels if one.wanted}
    except (StoreError, TrainingError) as error:
        log.warning("%s", error)
        return lambda record: {}, []
    every = sorted(((lack, label) for of in found.values() for label, lack in of.items()), reverse=True)

    def of_record(record: Record) -> Mapping[str, float]:
        return found.get(projects.pictures_of(record.project), {})

    return of_record, list(dict.fromkeys(label for _, label in every))
