"""Documents in memory behave as the tests on Cosmos DB say."""

import pytest

from unit.items_contract import ItemsContract
from unit.memory_items import MemoryItems


class TestMemoryItems(ItemsContract):
    @pytest.fixture
    def items(self) -> MemoryItems:
        return MemoryItems()
