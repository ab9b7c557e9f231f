"""What infra/ refuses to deploy, each with a sentence that names the parameter and says what to do instead.

Bicep's `fail` stops a deployment. Here only the text is read: that Azure stops was never seen."""

import re

import pytest

from imagestore.configure import memory_of
from imagestore.errors import SettingsError
from imagestore.settings import Settings
from unit.infra import bicep


def refusals(file: str) -> dict[str, tuple[str, bool]]:
    """By the parameter that a refusal's sentence names: the condition, and whether it is refused where that holds."""
    found = {}
    for one in re.finditer(r"[=:] ([^\n?]+)\n\s+\? ([^\n]+)\n\s+: ([^\n]+)", bicep.text(file)):
        condition, then, otherwise = one.groups()
        for branch, holds in ((then, True), (otherwise, False)):
            if sentence := re.match(r"fail\('(\w+): (.+)'\)$", branch):
                found[sentence[1]] = (condition, holds)
                assert sentence[2].endswith(".")
    return found


def test_serverless_with_several_regions_is_refused() -> None:
    assert refusals("modules/cosmos.bicep")["cosmosOtherRegions"] == (
        "capacity != 'serverless' || empty(otherRegions)",
        False,
    )


def test_writes_in_several_regions_are_refused() -> None:
    assert refusals("modules/cosmos.bicep")["cosmosMultiRegionWrites"] == ("multiRegionWrites", True)
    assert "enableMultipleWriteLocations: writesEverywhere" in bicep.text("modules/cosmos.bicep")


def test_the_archive_tier_on_zone_redundant_storage_is_refused() -> None:
    assert refusals("modules/pictures.bicep")["storageSku"] == ("empty(toArchive) || !contains(sku, 'ZRS')", False)


def test_every_refusal_names_a_parameter_of_main() -> None:
    named = {name for path in bicep.FILES for name in re.findall(r"fail\('(\w+):", bicep.read(path))}
    assert named == {"cosmosOtherRegions", "cosmosMultiRegionWrites", "storageSku", "instanceMemoryMB"}
    assert named <= bicep.params(bicep.text("main.bicep"))


def test_instances_have_2048_or_4096_megabytes_and_nothing_else() -> None:
    assert refusals("main.bicep")["instanceMemoryMB"] == ("contains([2048, 4096], instanceMemoryMB)", False)
    main = bicep.text("main.bicep")
    assert "instanceMemoryMB: memoryMB" in bicep.block(main, "module functions 'modules/functions.bicep' = {")
    assert "512 MB" in main


def test_the_functions_are_told_their_memory_and_accept_each_size_that_is_allowed() -> None:
    assert "INSTANCE_MEMORY_MB: string(instanceMemoryMB)" in bicep.text("modules/functions.bicep")
    (sizes,) = re.findall(r"contains\(\[([\d, ]+)\], instanceMemoryMB\)", bicep.text("main.bicep"))
    for size in sizes.split(","):
        assert memory_of(Settings(instance_memory_mb=int(size))).decoders == int(size) // 2048
    with pytest.raises(SettingsError, match="INSTANCE_MEMORY_MB is '512'"):
        memory_of(Settings(instance_memory_mb=512))
