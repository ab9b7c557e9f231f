// A virtual network from which the apps reach the stores, and private addresses for these.
param token string
param location string
param tags object
param hostStorageId string
param picturesId string
param cosmosId string
param vaultId string

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.42.0.0/16'] }
    subnets: [
      {
        name: 'functions' // an address for each instance, and more while they change
        properties: {
          addressPrefix: '10.42.0.0/22'
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'web'
        properties: {
          addressPrefix: '10.42.4.0/26'
          delegations: [{ name: 'plan', properties: { serviceName: 'Microsoft.Web/serverFarms' } }]
        }
      }
      {
        name: 'jobs' // a plan has a subnet to itself
        properties: {
          addressPrefix: '10.42.4.64/26'
          delegations: [{ name: 'plan', properties: { serviceName: 'Microsoft.Web/serverFarms' } }]
        }
      }
      { name: 'endpoints', properties: { addressPrefix: '10.42.5.0/27' } }
    ]
  }

  resource functions 'subnets' existing = {
    name: 'functions'
  }

  resource web 'subnets' existing = {
    name: 'web'
  }

  resource jobs 'subnets' existing = {
    name: 'jobs'
  }

  resource endpoints 'subnets' existing = {
    name: 'endpoints'
  }
}

var zones = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  Sql: 'privatelink.documents.azure.com'
  vault: 'privatelink.vaultcore.azure.net'
}

var links = [
  { name: 'host-blob', group: 'blob', target: hostStorageId }
  { name: 'host-queue', group: 'queue', target: hostStorageId }
  { name: 'host-table', group: 'table', target: hostStorageId }
  { name: 'pictures-blob', group: 'blob', target: picturesId }
  { name: 'pictures-queue', group: 'queue', target: picturesId }
  { name: 'cosmos', group: 'Sql', target: cosmosId }
  { name: 'vault', group: 'vault', target: vaultId }
]

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for item in items(zones): {
    name: item.value
    location: 'global'
    tags: tags
  }
]

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (item, index) in items(zones): {
    parent: zone[index]
    name: 'vnet-${token}'
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for link in links: {
    name: 'pe-${link.name}-${token}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::endpoints.id }
      privateLinkServiceConnections: [
        { name: link.name, properties: { privateLinkServiceId: link.target, groupIds: [link.group] } }
      ]
    }
  }
]

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (link, index) in links: {
    parent: endpoint[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: toLower(link.group)
          properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zones[link.group]) }
        }
      ]
    }
    dependsOn: [zone]
  }
]

output functionSubnetId string = network::functions.id
output webSubnetId string = network::web.id
output jobsSubnetId string = network::jobs.id
