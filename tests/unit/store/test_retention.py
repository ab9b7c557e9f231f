from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.settings import ROOT
from imagestore.store.retention import COSMOS_BACKUP_DAYS, kept_after_deletion_days


def test_cosmos_dbs_backup_lasts_as_long_as_the_template_says() -> None:
    assert f"Continuous{COSMOS_BACKUP_DAYS}Days" in (ROOT / "infra/modules/cosmos.bicep").read_text("utf-8")


@pytest.mark.parametrize(("policy", "days"), [((True, 7), 7), ((False, None), 0), (None, 0)])
def test_soft_delete_is_told_as_the_account_has_it(policy: tuple[bool, int | None] | None, days: int) -> None:
    told = None if policy is None else SimpleNamespace(enabled=policy[0], days=policy[1])
    service = SimpleNamespace(get_service_properties=lambda: {"delete_retention_policy": told})
    stores: Any = SimpleNamespace(blob_service=service)
    assert kept_after_deletion_days(stores) == days
