"""For how long Azure keeps what was deleted."""

from imagestore.store.connect import Stores
from imagestore.store.failures import translated

COSMOS_BACKUP_DAYS = 7
"""Of Cosmos DB's continuous backup, as infra/modules/cosmos.bicep chooses it; a test compares the two."""
QUEUE_DAYS = 7
"""How long a message lives on a queue unless its sender says otherwise."""


def kept_after_deletion_days(stores: Stores) -> int:
    """For how many days the account keeps deleted blobs; 0 if it does not.

    Raises StoreError, as where this identity may not ask.
    """
    with translated("asking how long deleted blobs are kept"):
        policy = stores.blob_service.get_service_properties().get("delete_retention_policy")
    return int(policy.days or 0) if policy is not None and policy.enabled else 0
