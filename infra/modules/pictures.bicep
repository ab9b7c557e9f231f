// The account with the pictures and all that is made from them. A flat namespace: index tags need one.
import { tierRule } from 'types.bicep'

param token string
param location string
param tags object
param sku string
param containers string[]
param queues string[]
param uploads string
param keepDeletedDays int
param tierRules tierRule[]
param privateNetwork bool
param allowedAddresses string[]

// Refused: Azure has no archive tier on zone-redundant storage.
var toArchive = filter(tierRules, rule => rule.tier == 'archive')
var carriedOut = empty(toArchive) || !contains(sku, 'ZRS')
  ? filter(tierRules, rule => rule.tier != 'archive')
  : fail('storageSku: the tier archive of infra/tiers.json does not exist on ${sku}, which is zone-redundant. Use cold, or Standard_LRS, Standard_GRS or Standard_RAGRS.')
var tiers = { cool: 'tierToCool', cold: 'tierToCold' }

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'stpics${token}'
  location: location
  tags: tags
  sku: { name: sku }
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
    publicNetworkAccess: 'Enabled' // Event Grid delivers dead letters and deletions as a trusted service
    networkAcls: {
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
      bypass: 'AzureServices'
      ipRules: [for address in (privateNetwork ? allowedAddresses : []): { action: 'Allow', value: address }]
    }
  }
}

// Soft delete and no versions: a version's age counts from its writing, not from its deletion, so that rules on
// versions would drop an old picture on the day after a mistake.
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: false
    deleteRetentionPolicy: { enabled: true, days: keepDeletedDays }
    containerDeleteRetentionPolicy: { enabled: true, days: keepDeletedDays }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for name in containers: {
    parent: blobs
    name: name
    properties: { publicAccess: 'None' }
  }
]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [
  for name in queues: {
    parent: queueService
    name: name
  }
]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = if (!empty(carriedOut)) {
  parent: account
  name: 'default'
  dependsOn: [blobs]
  properties: {
    policy: {
      rules: [
        for (rule, index) in carriedOut: {
          name: 'tier-${index}'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${uploads}/']
              ...(rule.?label == null && rule.?status == null
                ? {}
                : {
                    blobIndexMatch: [
                      ...(rule.?label == null ? [] : [{ name: 'label', op: '==', value: rule.label! }])
                      ...(rule.?status == null ? [] : [{ name: 'status', op: '==', value: rule.status! }])
                    ]
                  })
            }
            actions: {
              // the archive is left to the command, which looks at the record
              baseBlob: { '${tiers[rule.tier]}': { daysAfterModificationGreaterThan: rule.afterDays } }
            }
          }
        }
      ]
    }
  }
}

output id string = account.id
output name string = account.name
output blobUri string = account.properties.primaryEndpoints.blob
output queueUri string = account.properties.primaryEndpoints.queue
