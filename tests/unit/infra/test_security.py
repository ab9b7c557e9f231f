"""Nothing in infra/ makes, hands out or prints a key, and nothing is open that need not be."""

import re
from pathlib import Path

import pytest

from imagestore.web.guards import security
from unit.infra import bicep


def resources(kind: str) -> list[str]:
    """The bodies of all resources of a type that are made, not merely referred to."""
    found = []
    for path in bicep.FILES:
        source = bicep.without_comments(bicep.read(path))
        starts = re.findall(rf"resource \w+ '{re.escape(kind)}@[\d-]+' = (?:if \([^\n]+\) )?{{", source)
        found += [bicep.block(source, start) for start in starts]
    return found


@pytest.mark.parametrize("path", bicep.FILES, ids=lambda path: path.name)
def test_only_the_webhooks_key_is_ever_read(path: Path) -> None:
    found = re.findall(r"\blist\w*\(", bicep.without_comments(bicep.read(path)))
    assert found == (["listKeys("] if path.name == "events.bicep" else [])


def test_the_webhooks_key_goes_nowhere_but_into_the_subscriptions() -> None:
    events = bicep.text("events.bicep")
    assert not bicep.outputs(events)
    assert re.findall(r".*\$\{key\}.*", events) == [
        line for line in events.splitlines() if "endpointUrl:" in line and "&code=${key}'" in line
    ]
    hook = bicep.read(bicep.INFRA / "hooks" / "subscribe.sh")
    assert re.findall(r"keys list.*?--query \"([^\"]+)\"", hook, re.DOTALL) == ["systemKeys.blobs_extension && 'there'"]


def test_outputs_hold_no_secret() -> None:
    for path in bicep.FILES:
        for name, value in re.findall(r"^output (\w+) \w+ = (.+)$", bicep.read(path), re.MULTILINE):
            assert not re.search(r"key\b|secret|password|sas\b", f"{name} {value}", re.IGNORECASE) or name in (
                "AZURE_KEY_VAULT",
            ), name


def test_storage_takes_no_keys_no_strangers_and_no_old_tls() -> None:
    accounts = resources("Microsoft.Storage/storageAccounts")
    assert len(accounts) == 2
    for account in accounts:
        for line in (
            "allowSharedKeyAccess: false",
            "allowBlobPublicAccess: false",
            "isHnsEnabled: false",
            "minimumTlsVersion: 'TLS1_2'",
            "supportsHttpsTrafficOnly: true",
            "defaultAction: privateNetwork ? 'Deny' : 'Allow'",
        ):
            assert line in account


def test_cosmos_and_telemetry_take_no_keys() -> None:
    (cosmos,) = resources("Microsoft.DocumentDB/databaseAccounts")
    assert "disableLocalAuth: true" in cosmos
    assert "minimalTlsVersion: 'Tls12'" in cosmos
    assert "backupPolicy: { type: 'Continuous'" in cosmos
    (insights,) = resources("Microsoft.Insights/components")
    assert "DisableLocalAuth: true" in insights
    (vault,) = resources("Microsoft.KeyVault/vaults")
    assert "enableRbacAuthorization: true" in vault


def test_sites_speak_tls_and_publish_to_nobody_with_a_password() -> None:
    sites = resources("Microsoft.Web/sites") + resources("Microsoft.Web/sites/slots")
    assert len(sites) == 5
    assert ["httpsOnly: true" in site for site in sites].count(False) == 1
    for site in sites:
        assert site.count("properties: { allow: false }") == 2
        assert "type: 'UserAssigned'" in site
    for file in ("functions.bicep", "web.bicep", "jobs.bicep"):
        assert "minTlsVersion: '1.2'" in bicep.text(f"modules/{file}")


def test_only_the_slot_whose_warm_up_is_asked_for_in_plain_text_is_no_httpsonly() -> None:
    """The setting stays with the slot in a swap, as all about TLS; production keeps its own."""
    (plain,) = [site for site in resources("Microsoft.Web/sites/slots") if "httpsOnly: false" in site]
    assert "name: 'staging'" in plain
    (path,) = re.findall(r"WEBSITE_SWAP_WARMUP_PING_PATH: '([^']+)'", bicep.text("modules/web.bicep"))
    assert path in security._HEALTH
    assert "AUTH: 'required'" in bicep.text("modules/web.bicep")


def test_in_a_private_network_only_event_grid_calls_the_functions() -> None:
    functions = bicep.text("modules/functions.bicep")
    assert "ipSecurityRestrictionsDefaultAction: empty(subnetId) ? 'Allow' : 'Deny'" in functions
    assert "tag: 'ServiceTag', ipAddress: 'AzureEventGrid'" in functions


def test_deleted_pictures_can_be_brought_back_and_the_hosts_account_keeps_nothing() -> None:
    assert "deleteRetentionPolicy: { enabled: true, days: keepDeletedDays }" in bicep.text("modules/pictures.bicep")
    assert "deleteRetentionPolicy: { enabled: false }" in bicep.text("modules/host-storage.bicep")
