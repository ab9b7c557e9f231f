"""A person's word on a picture: it stands above the prediction until it is taken back or the picture changes."""

import re
from dataclasses import replace

from classify.model import RESERVED_LABEL
from errors import Conflict, ImageStoreError, Missing
from pipeline.commit import commit
from record import Correction, Record, Status, record_id, utc
from store import Stores

LONGEST_LABEL = 200
_TEXT = r"[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
LABEL = rf"^{_TEXT}*[^{_TEXT[2:-1]}\s]{_TEXT}*$"
"""Any text, without what controls a terminal or turns writing around."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotALabel(ImageStoreError):
    """This text cannot be a label."""


def correct(stores: Stores, name: str, label: str | None, account: str, *, drawn: bool = False) -> Record:
    """Set the label of a picture, or with None take the correction back; the record as it then is.

    Raises NotALabel; Missing where there is no such picture; Conflict where it changed meanwhile; Away.
    """
    label = None if label is None else _checked(label)
    known = stores.records.read(record_id(name))
    if known is None or known.record.upload is None or known.record.status is Status.DELETED:
        raise Missing(f"There is no record of '{name}' to correct.")
    said = known.record.prediction
    correction = None
    if label is not None:
        predicted, model = (said.label, said.model) if said else (None, None)
        correction = Correction(label, account, utc(), predicted, model, drawn)

    def revise(present: Record | None) -> Record | None:
        if present is None or present.upload is None:
            return None
        return replace(present, correction=correction).finished(present.finished_at or utc())

    commit(stores, name, known.record.upload.etag, revise)
    corrected = stores.records.read(record_id(name))
    if corrected is None or corrected.record.correction != correction:
        raise Conflict(f"'{name}' was changed meanwhile; look at it again.")
    return corrected.record


def _checked(label: str) -> str:
    label = label.strip()
    if len(label) > LONGEST_LABEL or not re.fullmatch(LABEL, label) or _SURROGATE.search(label):
        raise NotALabel(
            f"A label has 1 to {LONGEST_LABEL} characters, none that controls or turns text; "
            f"this one is {label[:40]!a}."
        )
    if label == RESERVED_LABEL:
        raise NotALabel(f"'{RESERVED_LABEL}' is reserved for pictures under the model's threshold.")
    return label
