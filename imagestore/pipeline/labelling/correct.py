"""Corrects labels: a correction replaces the prediction until it is taken back or the picture changes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from classify import Prediction
from classify.families import RESERVED_LABEL
from imagestore.errors import Conflict, NotALabel, NotFound
from imagestore.pipeline.commit import commit
from imagestore.record import Correction, Record, Said, Status, WrongAnswer, record_id, stored_name, utc
from imagestore.store import StoredRecord, Stores
from imagestore.text import LINE

LONGEST_LABEL = 200
MOST_LABELS = 100
LABEL = LINE
_SURROGATE = re.compile("[\ud800-\udfff]")


def correct(
    stores: Stores,
    name: str,
    label: str | None,
    account: str,
    *,
    others: Sequence[str] = (),
    random_sample: bool = False,
) -> StoredRecord:
    """Set the label of a picture, or take the correction back if it is None. Returns the record as stored.

    `others` are further labels that hold, where the picture's model knows several. Raises NotALabel; NotFound if there
    is no such picture; Conflict if it was changed at the same time, or takes one label alone; Unavailable.
    """
    label, others = None if label is None else checked_label(label), [checked_label(one) for one in others]
    name = stored_name(name)
    stored = stores.records.read(record_id(name))
    if stored is None or stored.record.upload is None or stored.record.status is Status.DELETED:
        raise NotFound(f"There is no record of '{name}' to correct.")
    upload, correction = stored.record.upload, None
    if label is not None:
        correction = correction_of(stored.record, [label, *others], account, random_sample=random_sample)

    def revise(record: Record | None) -> Record | None:
        if record is None or record.upload is None:
            return None
        return replace(record, correction=correction).finished(record.finished_at or utc())

    commit(stores, name, upload.etag, revise)
    corrected = stores.records.read(record_id(name))
    if corrected is None or corrected.record.correction != correction:
        raise Conflict(f"'{name}' was changed meanwhile; look at it again.")
    return corrected


def correction_of(record: Record, labels: Sequence[str], account: str, *, random_sample: bool = False) -> Correction:
    """What somebody says now of the picture that has this record: the labels that hold, which were checked.

    Raises Conflict if it takes one label alone.
    """
    prediction, sha256 = record.prediction, record.upload.sha256 if record.upload else None
    predicted, model = (prediction.label, prediction.model) if prediction else (None, None)
    correction = Correction(labels[0], account, utc(), predicted, model, random_sample, sha256)
    return _with_labels(correction, prediction, labels[1:])


def wrong_answer(record: Record, account: str) -> WrongAnswer:
    """What somebody says now who says that the model's answer is wrong, and not what is right.

    Raises Conflict if there is no answer of a model that could be, or somebody has said what the picture shows.
    """
    prediction, sha256 = record.prediction, record.upload.sha256 if record.upload else None
    if record.correction is not None:
        raise Conflict("Somebody has said what it shows.")
    if prediction is None or not prediction.is_known:
        raise Conflict("No model has given it a label that could be wrong.")
    return WrongAnswer(account, utc(), prediction.label, prediction.model, sha256, record.predicted_labels)


def exchange(
    stores: Stores, id: str, what: Said, before: object, after: object, may: Callable[[Record], bool]
) -> StoredRecord | None:
    """Put one thing that is said of a picture in place of another, such as a correction, unless somebody has said
    another since; None is nothing. Returns the record as stored, which tells what came of it; None if the picture is
    deleted.

    `may` is asked last before each attempt to write, of the record as it is. If `after` is there already, the record is
    written again as it is: whoever has read it to write something else finds that it has changed. Raises Unavailable,
    Protected or Contended.
    """
    stored = stores.records.read(id)
    if stored is None or stored.record.upload is None or stored.record.status is Status.DELETED:
        return None

    def revise(record: Record | None) -> Record | None:
        if record is None or record.upload is None or not may(record):
            return None
        if getattr(record, what) == after:
            return record
        if getattr(record, what) != before:
            return None
        changed: dict[str, Any] = {what: after}
        return replace(record, **changed).finished(record.finished_at or utc())

    if getattr(stored.record, what) in (before, after):
        commit(stores, stored.record.name, stored.record.upload.etag, revise)
        stored = stores.records.read(id)
    return None if stored is None or stored.record.status is Status.DELETED else stored


def _with_labels(correction: Correction, prediction: Prediction | None, others: Sequence[str]) -> Correction:
    """The correction with all labels that hold, if the picture's model knows several. Raises Conflict."""
    if prediction is None or prediction.labels is None:
        if others:
            raise Conflict(f"This picture takes one label; there are {len(others) + 1}.")
        return correction
    predicted = tuple(score.label for score in prediction.labels) if prediction.is_known else ()
    labels = tuple(dict.fromkeys([correction.label, *others]))
    return replace(correction, labels=labels, predicted_labels=predicted)


def checked_label(label: str) -> str:
    """The label without spaces at its ends. Raises NotALabel if it cannot be one."""
    label = label.strip()
    if len(label) > LONGEST_LABEL or not re.fullmatch(LABEL, label) or _SURROGATE.search(label):
        raise NotALabel(
            f"A label has 1 to {LONGEST_LABEL} characters, none that controls or turns text; "
            f"this one is {label[:40]!a}."
        )
    if label == RESERVED_LABEL:
        raise NotALabel(f"'{RESERVED_LABEL}' is reserved for pictures under the model's threshold.")
    return label
