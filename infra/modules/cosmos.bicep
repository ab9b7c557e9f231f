// Cosmos DB for NoSQL, with no keys: the records, and what the web app keeps.
param token string
param location string
param tags object
param database string
param capacity string
param maxThroughput int
param otherRegions string[]
param multiRegionWrites bool
param zoneRedundant bool
param auditDays int
param privateNetwork bool
param allowedAddresses string[]

var regions = capacity != 'serverless' || empty(otherRegions)
  ? concat([location], otherRegions)
  : fail('cosmosOtherRegions: a serverless account has one region. Set cosmosCapacity to autoscale, or name no other region.')

// Every write here is guarded by an ETag, and two regions that both take writes do not see each other's.
var writesEverywhere = multiRegionWrites
  ? fail('cosmosMultiRegionWrites: writes in several regions break the ETags that keep a newer picture from being overwritten by an older one. Further regions may read, and one takes over the writes when the first fails: name them in cosmosOtherRegions.')
  : false

var everything = {
  indexingMode: 'consistent'
  includedPaths: [{ path: '/*' }]
  excludedPaths: [{ path: '/"_etag"/?' }]
}

// Partition key /id in each. Time to live in seconds; -1: on, and each item says how long it lives.
var containers = [
  { name: 'images', ttl: -1, indexing: loadJsonContent('../../imagestore/store/indexing.json') }
  { name: 'jobs', ttl: -1, indexing: everything }
  { name: 'accounts', ttl: -1, indexing: everything }
  { name: 'audit', ttl: auditDays * 86400, indexing: everything }
]

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-10-15' = {
  name: 'cosmos-${token}'
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: capacity == 'serverless' ? [{ name: 'EnableServerless' }] : []
    locations: [
      for (region, index) in regions: { locationName: region, failoverPriority: index, isZoneRedundant: zoneRedundant }
    ]
    enableMultipleWriteLocations: writesEverywhere
    enableAutomaticFailover: !empty(otherRegions)
    consistencyPolicy: { defaultConsistencyLevel: 'Session' }
    backupPolicy: { type: 'Continuous', continuousModeProperties: { tier: 'Continuous7Days' } }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: privateNetwork && empty(allowedAddresses) ? 'Disabled' : 'Enabled'
    ipRules: [for address in (privateNetwork ? allowedAddresses : []): { ipAddressOrRange: address }]
  }
}

resource sql 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-10-15' = {
  parent: account
  name: database
  properties: {
    resource: { id: database }
    options: capacity == 'serverless' ? {} : { autoscaleSettings: { maxThroughput: maxThroughput } }
  }
}

resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-10-15' = [
  for item in containers: {
    parent: sql
    name: item.name
    properties: {
      resource: {
        id: item.name
        partitionKey: { kind: 'Hash', paths: ['/id'], version: 2 }
        defaultTtl: item.ttl
        indexingPolicy: item.indexing
      }
    }
  }
]

output id string = account.id
output name string = account.name
output endpoint string = account.properties.documentEndpoint
