"""Looks whether a version's model file can be used, in a process with bounds, and keeps what was found."""

import hashlib

from classify import ModelError
from imagestore.record import utc
from imagestore.store import Stores
from imagestore.store.models import Inspection
from model.model_process import describe


def inspect_version(stores: Stores, name: str, version: str, by: str) -> Inspection:
    """What is found, which is kept beside the version. Raises NotFound, Unavailable."""
    data = stores.models.read(name, version)
    why = ""
    try:
        describe(data, f"{name} {version}")
    except ModelError as error:
        why = str(error)
    found = Inspection(hashlib.sha256(data).hexdigest(), utc(), by, is_admitted=not why, why=why)
    stores.models.keep_inspection(name, version, found)
    return found
