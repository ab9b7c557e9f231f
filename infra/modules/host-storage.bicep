// The Functions host's own account: its package, leases, keys and its queue of blob events. Nothing else is in it, and
// nothing in it is worth keeping after deletion.
param token string
param location string
param tags object
param privateNetwork bool

var deploymentContainer = 'package'

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'sthost${token}'
  location: location
  tags: tags
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    isHnsEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
    networkAcls: { defaultAction: privateNetwork ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: { deleteRetentionPolicy: { enabled: false } }

    resource package 'containers' = {
      name: deploymentContainer
      properties: { publicAccess: 'None' }
    }
  }
}

output id string = account.id
output name string = account.name
output deploymentContainer string = deploymentContainer
