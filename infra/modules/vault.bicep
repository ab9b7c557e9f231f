// For secrets that have no identity in their place: the keys that sign sessions, tokens and image addresses, and the
// client secret of an OpenID provider. It is empty after deployment.
param token string
param location string
param tags object
param privateNetwork bool
param allowedAddresses string[]

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: 'kv-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7 // with purge protection nobody could make the environment again under its name
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
      bypass: 'None'
      ipRules: [for address in (privateNetwork ? allowedAddresses : []): { value: address }]
    }
  }
}

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
