// For secrets that have no identity in their place: the keys that sign sessions, tokens and image addresses, the client
// secret of an OpenID provider, and what seals the secrets of jobs, which alone is there after deployment.
param token string
param location string
param tags object
param privateNetwork bool
param allowedAddresses string[]
@description('Made anew by each deployment: a job that waits then with a sealed secret is put in again.')
@secure()
param jobSecret string = newGuid()

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

resource jobSecrets 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'job-secrets'
  properties: { value: jobSecret }
}

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
