"""Makes the model live again that was live before."""

from imagestore.errors import NotFound
from imagestore.record import utc
from imagestore.store import PromotionEntry, Stores


def rollback(stores: Stores, by: str) -> PromotionEntry:
    """Make the previous model live again. Raises NotFound if there is none; Conflict, Unavailable."""
    found = stores.models.active()
    if found is None or not found[0].previous:
        raise NotFound("There is no earlier model to go back to.")
    gone, before = found[0].live, found[0].previous[0]
    note = f"rolled back from {gone.name} {gone.version}"
    entry = PromotionEntry(before.name, before.version, before.sha256, utc(), by, note)
    stores.models.step_back(entry, found)
    return entry
