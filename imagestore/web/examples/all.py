"""An example of each operation of the API: a command, values of its parameters, and an answer.

The answers are made of the classes that the operations answer with, so their form cannot differ from real ones.
"""

from dataclasses import dataclass, replace
from typing import Any

from classify import ModelRef, Prediction, Score
from imagestore.accounts.audit import Entry
from imagestore.accounts.callers import Means
from imagestore.accounts.keys import Key
from imagestore.accounts.roles import Role
from imagestore.accounts.sessions import Session
from imagestore.errors import GateOverride
from imagestore.jobs.status import JobStatus
from imagestore.pipeline.changes.status import ChangeList, ChangeStatus, LeftAlone
from imagestore.pipeline.labelling.labelled import UsedLabel
from imagestore.pipeline.watch.drift import Baseline, Day
from imagestore.pipeline.watch.watched import ReviewedModel, Strangeness, Watch, WatchedModel
from imagestore.proportion import wilson
from imagestore.record import Correction, Record, Staged, Status, Upload, record_id
from imagestore.store import PromotionEntry
from imagestore.store.projects import Change, LabelsPerPicture, ProjectSummary
from imagestore.store.routes import ModelList, ModelVersion, Route
from imagestore.web.answers import (
    AccessToken,
    AccountInfo,
    Alike,
    AuditPage,
    Cause,
    Classification,
    Counts,
    Deletion,
    Duplicates,
    Health,
    Hour,
    Invitation,
    JobList,
    Label,
    LabelledList,
    LabelledPicture,
    LearnedAlike,
    Listing,
    Me,
    Nearest,
    NewKey,
    OneTimeLink,
    Outdated,
    Overview,
    Pending,
    PersonalData,
    SessionInfo,
    Similar,
    Why,
)
from imagestore.web.examples import batch, training, versions, webhooks
from preprocess import Area, ImageInfo

_NAME = "pets/cat.jpg"
_ID = record_id(_NAME)
_AT = "2026-11-21T09:00:00.112Z"
_MODEL = ModelRef("default", "1", "77e0" * 16)
_IMAGE = ImageInfo("JPEG", 4032, 3024, "RGB", phash="c3d1a5960f3c5a69", metadata={"Make": "Canon"})
_PREDICTION = Prediction("tabby", 0.83, 0.71, 0.35, (Score("tabby", 0.83), Score("tiger cat", 0.12)), _MODEL)
PICTURE = Record(
    _ID,
    _NAME,
    upload=Upload("0x8DE1A2B3C4D5E6F", 184_213, "image/jpeg", "9b1c" * 16),
    image=_IMAGE,
    staged=Staged(_NAME + ".png", 31_877, 224, 224, 1, 0.875),
    prediction=_PREDICTION,
    timings_ms={"preprocess": 21, "classify": 10},
    uploaded_at="2026-11-21T09:00:00.000Z",
    staged_at="2026-11-21T09:00:00.070Z",
).finished(_AT)
_SIMILAR = Similar([Alike(replace(PICTURE, id=record_id("copy.jpg"), name="copy.jpg"), 0.9134)], 412, 0, 3)
_NEAREST = Nearest("screws", _MODEL, [LearnedAlike("9b1c" * 16, ["tabby"], 0.8817)], 1420)
_WHY = Why(
    "tabby",
    ["tabby", "tiger cat"],
    _MODEL,
    [[0.6, 0.2], [0.1, -0.05]],
    Area(0.125, 0.0, 0.875, 1.0),
    "Mostly upper left: 58% of what speaks for it lies there.",
)
_PENDING = Pending(_ID, _NAME, "0x8DE1A2B3C4D5E6F", f"/api/v1/pictures/{_ID}?name=pets%2Fcat.jpg")
_LIVE = PromotionEntry("garden", "3", "5a1b" * 16, _AT, "maria", "better on 412 test pictures")
_JOB = JobStatus(
    1795251600112000, "promote", "running", _AT, "Comparing", 120, 412, 9, "", [], None, [],
    "garden", "3", "account-8934e564515e9ed9a4f6ec252eb8d5bd", _AT, None, 1,
)  # fmt: skip
_FIGURES = {"metrics": {"accuracy": 0.94}, "sentence": "It names 94 of 100 test pictures rightly."}


@dataclass(frozen=True)
class OperationExample:
    """An example of a request: `query`, and what curl needs besides the address.

    `answer` is what comes back, if it is JSON.
    """

    query: str = ""
    curl: str = ""
    answer: Any = None


_ACCOUNT = "account-8934e564515e9ed9a4f6ec252eb8d5bd"
_LINK = "link-" + "5c0e" * 8
_INFO = AccountInfo(_ACCOUNT, "Maria", "maria@example.org", Role.CONTRIBUTOR, False, _AT, None, True)
_SESSION = Session(
    "session-" + "1f7a" * 8, _ACCOUNT, _AT, _AT, "2026-11-28T09:00:00.112Z", "192.0.2.7", "Mozilla/5.0 (Firefox)"
)
_KEY = Key("key-" + "b3d9" * 8, "camera", "ims_x7KdQ2", Role.CONTRIBUTOR, _ACCOUNT, _AT, "2027-02-19T09:00:00.112Z")
_ENTRY = Entry(
    "20261121T090000112000-4bf92f3577b34da6", _AT, _ACCOUNT, _SESSION.id, "promote", "garden/3", "192.0.2.7", "done"
)


def _json(body: str) -> str:
    return f"--json '{body}'"


_CANCELLED = "Cancelled. The list of models says which one is live."
_JOB_ENDED = replace(_JOB, state="cancelled", say=_CANCELLED, ended_at=_AT)
_JOB_WAITS = replace(_JOB, state="queued", stage="Waiting for its turn", done=0, steps=0, seconds_left=None, attempts=0)
_WATCH = Watch(
    [
        WatchedModel(
            "garden",
            "3",
            _LIVE.sha256,
            _LIVE.at,
            Strangeness.DISTANCE,
            Baseline(500, 462, 46, 0.4127, 462),
            [Day("2026-11-28", 214, 9, 197, 0.0964, 0.73), Day("2026-11-29", 200, 41, 193, 0.2332, 2.1e-11, True)],
        )
    ],
    [ReviewedModel("garden", "3", _LIVE.sha256, wilson(47, 52), 0.8912)],
)
_ROUTED = ModelList(
    [ModelVersion("garden", "3", _FIGURES, True)],
    _LIVE,
    [],
    [Route("factory/", "screws")],
    {"screws": replace(_LIVE, name="screws", version="1")},
)
_PROJECT = ProjectSummary("screws", "Screws", LabelsPerPicture.ONE, ["1"], "1", ["factory/*"], Change(_AT, "maria"))
_DELETED = replace(_PROJECT, live=None, routes=[], deleted=Change(_AT, "maria"), gone_at="2026-11-28T09:00:00.000Z")
_CORRECTED = replace(PICTURE, correction=Correction("lynx", "maria", _AT, "tabby", _MODEL)).finished(_AT)
_CHANGE = ChangeStatus(
    "change-1795251600112000-5c0e5c0e", "label", ["lynx"], _ACCOUNT, _AT, "applied", 24, 22, 1, 1, 0, 0,
    "2026-12-21T09:00:00.112Z", True, None, None, [],
)  # fmt: skip
_LABELLED = LabelledPicture("9b1c" * 16, "lynx/1.jpg", ["lynx"], False, "learn")
_RELABELLED = replace(_CHANGE, action="relabel", labels=["lynx", "bobcat"], pictures=65, changed=50, project="screws")
_UNDONE = replace(_CHANGE, state="undone", restored=22, can_undo=False, undone_by=_ACCOUNT, undone_at=_AT)
EXAMPLES = {
    "upload": OperationExample("?name=pets/cat.jpg&wait=10", "--data-binary @cat.jpg", _PENDING),
    "exportPictures": OperationExample("?label=tabby&format=csv", "--output pictures.csv"),
    "list": OperationExample("?label=tabby&min_confidence=0.8&limit=10", "", Listing([PICTURE], None)),
    "get": OperationExample("?wait=10", "", PICTURE),
    "startChange": OperationExample(
        "?q=whiskers&status=unknown", _json('{"action": "label", "labels": ["lynx"], "matching": 24}'), _CHANGE
    ),
    **{id: OperationExample(query, curl, answer) for id, (query, curl, answer) in batch.ANSWERS.items()},
    "changes": OperationExample("", "", ChangeList([_CHANGE], None)),
    "readChange": OperationExample("", "", replace(_CHANGE, left=[LeftAlone(_ID, _NAME, "It is deleted.")])),
    "continueChange": OperationExample("", "", _CHANGE),
    "undoChange": OperationExample("", "", _UNDONE),
    "projectLabels": OperationExample("", "", [UsedLabel("lynx", 12, 40, 10, 0, 3), UsedLabel("tiger", 4, 22, 5)]),
    "changeLabel": OperationExample("", _json('{"label": "lynx", "to": "bobcat"}'), _RELABELLED),
    "labelledPictures": OperationExample("?label=lynx&limit=10", "", LabelledList([_LABELLED], None)),
    "delete": OperationExample("?undoable=true", "", Deletion(_ID, "eyJpZCI6IjEifQ==", "2026-11-21T09:00:15.000Z")),
    "undelete": OperationExample("?token=eyJpZCI6IjEifQ==", "", PICTURE),
    "correct": OperationExample("?label=lynx", "", _CORRECTED),
    "uncorrect": OperationExample("", "", PICTURE),
    "retry": OperationExample("", "", _PENDING),
    "duplicates": OperationExample(
        "", "", Duplicates([replace(PICTURE, id=record_id("copy.jpg"), name="copy.jpg")], [])
    ),
    "original": OperationExample("", "--output cat.jpg"),
    "staged": OperationExample("", "--output cat.png"),
    "thumbnail": OperationExample("?v=0x8DE1A2B3C4D5E6F", "--output cat.webp"),
    "preview": OperationExample("?v=0x8DE1A2B3C4D5E6F", "--output cat.webp"),
    "counts": OperationExample(
        "?since=2026-11-01",
        "",
        Counts(3, {"classified": 2, "rejected": 1}, {"tabby": 1, "lynx": 1}, {"not_an_image": 1}),
    ),
    "labels": OperationExample("?q=ta", "", [Label("tabby", 12), Label("tailed frog", 0)]),
    "overview": OperationExample(
        "",
        "",
        Overview(
            [Hour("2026-11-21T09", {"classified": 2, "rejected": 1})],
            [0] * 16 + [2, 0, 0, 0],
            [Cause(Status.REJECTED, "not_an_image", 1)],
            {"work": 0, "work-poison": 0, "webjobs-blobtrigger-poison": None},
        ),
    ),
    "events": OperationExample("", "--no-buffer"),
    "live": OperationExample("", "", Health("ok", {})),
    "ready": OperationExample(
        "", "", Health("ok", {"Blob Storage": None, "queues": None, "Cosmos DB": None, "index": None})
    ),
    "models": OperationExample("", "", ModelList([ModelVersion("garden", "3", _FIGURES, True)], _LIVE, [])),
    "addRoute": OperationExample("?pattern=factory/*&project=screws", "", _ROUTED),
    "removeRoute": OperationExample("?pattern=factory/*", "", replace(_ROUTED, routes=[])),
    "projects": OperationExample("", "", [_PROJECT]),
    "createProject": OperationExample(
        "",
        _json('{"title": "Screws"}'),
        replace(_PROJECT, versions=[], live=None, routes=[]),
    ),
    "project": OperationExample("", "", _PROJECT),
    "trainingThumbnail": OperationExample("", "--output cat.webp"),
    "renameProject": OperationExample(
        "",
        _json('{"title": "Screws, M3"}'),
        replace(_PROJECT, title="Screws, M3"),
    ),
    "deleteProject": OperationExample("", "", _DELETED),
    "publish": OperationExample("?version=3", "", replace(_PROJECT, published={"line-2": "3"})),
    "unpublish": OperationExample("", "", _PROJECT),
    "classify": OperationExample(
        "?project=screws&published=line-2",
        "--data-binary @cat.jpg",
        Classification(Status.CLASSIFIED, "tabby", _IMAGE, _PREDICTION),
    ),
    "similar": OperationExample("?limit=10&status=classified", "", _SIMILAR),
    "similarTo": OperationExample("?limit=10", "--data-binary @cat.jpg", _SIMILAR),
    "nearest": OperationExample("", "", _NEAREST),
    "nearestOf": OperationExample("?project=screws&version=3", "--data-binary @cat.jpg", _NEAREST),
    "why": OperationExample("?label=tabby", "", _WHY),
    "whyOf": OperationExample("?project=screws&version=3", "--data-binary @cat.jpg", _WHY),
    "undeleteProject": OperationExample("", "", replace(_DELETED, deleted=None, gone_at=None)),
    "watch": OperationExample("", "", _WATCH),
    "outdated": OperationExample("", "", Outdated(1200)),
    **{id: OperationExample(query, curl, answer) for id, (query, curl, answer) in versions.ANSWERS.items()},
    **{id: OperationExample(query, curl, answer) for id, (query, curl, answer) in webhooks.ANSWERS.items()},
    "modelFile": OperationExample("", "--output model.onnx"),
    "promote": OperationExample("?insist=accept_equal", "", replace(_JOB_WAITS, state="running")),
    "saveThreshold": OperationExample(
        "", _json('{"threshold": 0.8}'), replace(_JOB_WAITS, kind="threshold", version="3")
    ),
    "rollback": OperationExample(
        "", "", replace(_JOB_WAITS, kind="rollback", state="running", name=None, version=None)
    ),
    "reprocess": OperationExample(
        "", "", replace(_JOB_WAITS, kind="reprocess", state="running", name=None, version=None)
    ),
    "job": OperationExample("", "", _JOB),
    "stopJob": OperationExample("", "", replace(_JOB_ENDED, state="stopped")),
    "jobs": OperationExample("?limit=10", "", JobList([_JOB], None, True)),
    **{id: OperationExample(query, curl, answer) for id, (query, curl, answer) in training.ANSWERS.items()},
    "train": OperationExample("", _json('{"colour": false}'), replace(_JOB_WAITS, kind="train", name="screws")),
    "startJob": OperationExample(
        "", _json('{"kind": "train", "name": "garden"}'), replace(_JOB_WAITS, kind="train", version=None)
    ),
    "readJob": OperationExample("", "", _JOB),
    "cancelJob": OperationExample("", "", _JOB_ENDED),
    "retryJob": OperationExample("", "", _JOB_WAITS),
    "me": OperationExample("", "", Me(_ACCOUNT, "Maria", "maria@example.org", Role.CONTRIBUTOR, Means.SESSION)),
    "deleteMe": OperationExample("", _json('{"password": "plover gazebo ninety"}')),
    "myData": OperationExample(
        "", "", PersonalData({"id": _ACCOUNT, "email": "maria@example.org"}, [_SESSION], [_KEY], [_ENTRY])
    ),
    "changePassword": OperationExample("", _json('{"old": "plover gazebo ninety", "new": "wombat trellis oboe"}')),
    "sessions": OperationExample(
        "",
        "",
        [SessionInfo(_SESSION.id, _AT, _AT, "2026-11-28T09:00:00.112Z", "192.0.2.7", "Mozilla/5.0 (Firefox)", True)],
    ),
    "signOutEverywhere": OperationExample(),
    "endSession": OperationExample(),
    "accounts": OperationExample("", "", [_INFO]),
    "invitations": OperationExample(
        "", "", [Invitation(_LINK, "ada@example.org", Role.VIEWER, _ACCOUNT, _AT, "2026-11-28T09:00:00.112Z")]
    ),
    "invite": OperationExample(
        "",
        _json('{"email": "ada@example.org", "role": "viewer"}'),
        OneTimeLink(_LINK, "http://localhost:8000/invitation?token=Yk3v…", "2026-11-28T09:00:00.112Z"),
    ),
    "uninvite": OperationExample(),
    "setRole": OperationExample("?role=trainer", "", replace(_INFO, role=Role.TRAINER)),
    "disable": OperationExample("", "", replace(_INFO, is_disabled=True)),
    "enable": OperationExample("", "", _INFO),
    "endSessions": OperationExample(),
    "removeSecondFactor": OperationExample(),
    "allowReset": OperationExample(
        "", "", OneTimeLink(_LINK, "http://localhost:8000/reset?token=Yk3v…", "2026-11-22T09:00:00.112Z")
    ),
    "deleteAccount": OperationExample(),
    "keys": OperationExample("", "", [_KEY]),
    "createKey": OperationExample(
        "", _json('{"name": "camera", "role": "contributor", "days": 90}'), NewKey("ims_x7Kd…", _KEY)
    ),
    "rotateKey": OperationExample("", "", NewKey("ims_Pw2f…", replace(_KEY, begins="ims_Pw2fQ1"))),
    "revokeKey": OperationExample(),
    "token": OperationExample(
        "",
        f"--data grant_type=client_credentials --data client_id={_KEY.id} --data client_secret=$KEY",
        AccessToken("eyJhbGciOiJIUzI1NiIs…", 600, Role.CONTRIBUTOR),
    ),
    "audit": OperationExample("?what=promote&since=2026-11-01", "", AuditPage([_ENTRY], None)),
    "exportAudit": OperationExample("?format=csv", "--output audit.csv"),
}
"""The examples by operation id."""
_VALUES: dict[str, Any] = {
    "id": _ID,
    "name": _NAME,
    "wait": 10,
    "if_exists": "rename",
    "sort": "newest",
    "limit": 10,
    "after": "WyJuZXdlc3QiLCAiMjAyNi0xMS0yMVQwOTowMDowMC4wMDBaIiwgIjNmMmEiXQ",
    "label": "tabby",
    "status": "unknown",
    "reason": "not_an_image",
    "q": "garden/",
    "since": "2026-11-01",
    "until": "2026-11-21T09:00:00Z",
    "min_confidence": 0.8,
    "max_confidence": 0.5,
    "corrected": True,
    "wrong": True,
    "undoable": True,
    "token": "eyJpZCI6IjEifQ==",
    "random_sample": False,
    "drawn": False,
    "v": "0x8DE1A2B3C4D5E6F",
    "version": "3",
    "file": "model.onnx",
    "pattern": "factory/*",
    "project": "screws",
    "published": "line-2",
    "sha256": "9b1c" * 16,
    **versions.VALUES,
    **training.VALUES,
    **webhooks.VALUES,
    **batch.VALUES,
    "insist": str(GateOverride.ACCEPT_EQUAL),
    "drop": ["fish"],
    "last-event-id": "3f2a9c41-17",
    "before": str(_JOB.id),
    "role": "trainer",
    "all": True,
    "who": _ACCOUNT,
    "what": "promote",
    "target": "garden/3",
    "result": "done",
    "format": "csv",
}
_OF_AN_ACCOUNT = {"id": _ACCOUNT}
_OF_A_KEY = {"id": _KEY.id}
_OF_A_JOB = {"id": str(_JOB.id)}
_OF_A_CHANGE = {"id": _CHANGE.id}
_OF_THE_LOG = {"after": _ENTRY.id}
_SPECIAL: dict[str, dict[str, Any]] = {
    "promote": {"name": "garden"},
    "correct": {"label": ["lynx"]},
    "addTraining": {"label": ["M3"], "name": "M3/IMG_0412.jpg"},
    **{id: {"name": "garden"} for id in ("modelFile", "saveThreshold", *versions.ANSWERS)},
    "events": {"after": "3f2a9c41-17"},
    "endSession": {"id": _SESSION.id},
    "uninvite": {"id": _LINK},
    **dict.fromkeys(
        ("setRole", "disable", "enable", "endSessions", "removeSecondFactor", "allowReset", "deleteAccount"),
        _OF_AN_ACCOUNT,
    ),
    **dict.fromkeys(("rotateKey", "revokeKey"), _OF_A_KEY),
    **dict.fromkeys(("readJob", "cancelJob", "retryJob"), _OF_A_JOB),
    **dict.fromkeys(("readChange", "continueChange", "undoChange"), _OF_A_CHANGE),
    "changes": {"before": _CHANGE.id},
    **webhooks.SPECIAL,
    "labelledPictures": {"after": "9b1c" * 16},
    **dict.fromkeys(("audit", "exportAudit"), _OF_THE_LOG),
}
"""Where the same name means something else."""


def value_of(operation_id: str, parameter: str) -> Any:
    """An example value of a parameter of this operation."""
    special = _SPECIAL.get(operation_id, {})
    return special.get(parameter, _VALUES[parameter])


def command(method: str, address: str, operation_id: str) -> str:
    """The curl command for this operation of the app on this machine."""
    example = EXAMPLES[operation_id]
    for name in ("id", "name", "version", "file", "project", "published", "sha256", "delivery"):
        address = address.replace(f"{{{name}}}", str(value_of(operation_id, name)))
    is_default = method == "GET" or (method == "POST" and ("--data" in example.curl or "--json" in example.curl))
    options = " ".join(filter(None, ("" if is_default else f"-X {method}", example.curl)))
    return f'curl {options} "http://localhost:8000{address}{example.query}"'.replace("  ", " ")
