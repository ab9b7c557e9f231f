"""A client for programs: `Client(server, key)` does through the API of a web app what the web app's pages do.

What it raises is in imagestore/errors.py, below RemoteError; docs/client.md has examples.
"""

from imagestore.accounts.keys import Key
from imagestore.accounts.roles import Role
from imagestore.client.answers import (
    AccountInfo,
    Classification,
    Deletion,
    Invitation,
    JobList,
    Me,
    NewKey,
    OneTimeLink,
    Pending,
)
from imagestore.client.client import Client
from imagestore.errors import KeyRefused, NotReached, NotThere, RemoteError, RequestRefused, RoleNeeded
from imagestore.jobs.job import HowToTrain, JobKind
from imagestore.jobs.status import JobStatus
from imagestore.pipeline.changes.status import ChangeStatus
from imagestore.pipeline.labelling.labelled import UsedLabel
from imagestore.record import Record, Status, record_id
from imagestore.store.projects import LabelsPerPicture, ProjectSummary
from imagestore.store.routes import ModelList

__all__ = [
    "AccountInfo",
    "ChangeStatus",
    "Classification",
    "Client",
    "Deletion",
    "HowToTrain",
    "Invitation",
    "JobKind",
    "JobList",
    "JobStatus",
    "Key",
    "KeyRefused",
    "LabelsPerPicture",
    "Me",
    "ModelList",
    "NewKey",
    "NotReached",
    "NotThere",
    "OneTimeLink",
    "Pending",
    "ProjectSummary",
    "Record",
    "RemoteError",
    "RequestRefused",
    "Role",
    "RoleNeeded",
    "Status",
    "UsedLabel",
    "record_id",
]
