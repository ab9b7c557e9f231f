"""Corrects labels: a correction replaces the prediction until it is taken back or the picture changes."""

import re
from collections.abc import Sequence
from dataclasses import replace

from classify import Prediction
from classify.families import RESERVED_LABEL
from imagestore.errors import Conflict, NotALabel, NotFound
from imagestore.pipeline.commit import commit
from imagestore.record import Correction, Record, Status, record_id, stored_name, utc
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
    prediction, upload = stored.record.prediction, stored.record.upload
    correction = None
    if label is not None:
        predicted, model = (prediction.label, prediction.model) if prediction else (None, None)
        correction = Correction(label, account, utc(), predicted, model, random_sample, upload.sha256)
        correction = _with_labels(correction, prediction, others)

    def revise(record: Record | None) -> Record | None:
        if record is None or record.upload is None:
            return None
        return replace(record, correction=correction).finished(record.finished_at or utc())

    commit(stores, name, upload.etag, revise)
    corrected = stores.records.read(record_id(name))
    if corrected is None or corrected.record.correction != correction:
        raise Conflict(f"'{name}' was changed meanwhile; look at it again.")
    return corrected


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
